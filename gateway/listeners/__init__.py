"""Datagrams in and out, and which worker gets them."""
