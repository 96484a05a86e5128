"""Asking Duo: a client for each application, and the clock its dates follow."""
