"""Fuzzing of what hostile octets reach first; what is found becomes a vector or a test."""

PROGRAMS = (
    "attributes",
    "datagrams",
    "directory_messages",
    "directory_sequences",
    "home_replies",
    "home_sequences",
    "ntlm_tokens",
    "requests",
    "states",
    "typed",
)
"""The modules here that are programs."""
