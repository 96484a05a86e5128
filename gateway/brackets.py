"""Hosts as text: an IPv6 address stands in brackets, for a port has a colon before it, too (RFC 3986 section 3.2.2)."""


def bracketed(host: str) -> str:
    """Return a name or an address as it stands where a port may follow."""
    return f"[{host}]" if ":" in host else host


def with_port(host: str, port: int) -> str:
    """Return both: `dc1.example.com:389`, `[2001:db8::5]:1812`."""
    return f"{bracketed(host)}:{port}"
