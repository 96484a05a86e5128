"""Directories that others wrote, for tests: Samba as a domain controller, and slapd, each on an address of its own."""
