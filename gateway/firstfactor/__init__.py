"""Asking a first factor, before Duo: whether the password is right."""
