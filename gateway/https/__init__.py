"""Connections to HTTPS servers, kept alive and pooled; whom they serve they do not know."""
