"""What the tables of keys have in common; each stands beside the reader of its sections, and `kinds` has them all.

In a key `N` stands for a number. A default is written as it would be in the file; an empty one says that there is none,
or that it depends on the machine.
"""

import re

WITHOUT_EFFECT = {
    "test_connectivity_on_startup": "the log says at the start whether Duo passed the check of keys and clock",
    "fips_mode": "the system's OpenSSL decides which algorithms are allowed",
    "log_sso_events": "single sign-on is not served",
    "log_file": "the log is authproxy.log in log_dir",
    **dict.fromkeys(
        (f"http_proxy_{what}" for what in ("user", "username", "pass", "passwd", "password", "pwd")),
        "a proxy that asks for a name and a password is not supported; remove the line",
    ),
}
"""Keys that Duo's proxy knows or ignores, and that change nothing here, and why that does no harm."""

DECISIVE = frozenset({"failmode", "require_message_authenticator"})
"""Keys that decide who gets in: the default must not hold because a template had no value for one."""

SINGLE = frozenset({"main", "gateway", "fleet"})
"""Sections that take no number."""

CONTINUED = frozenset({"ldap_filter"})
"""Keys whose values may go on in lines that are indented and begin with a parenthesis."""

_NUMBER = re.compile("[0-9]+")


def key_pattern(key: str) -> str:
    """Return the key as the tables spell it: `radius_ip_N` for `radius_ip_12`."""
    return _NUMBER.sub("N", key)


def number_in(key: str) -> str:
    """Return the number of a key, `12` of `radius_ip_12`; empty for none."""
    number = _NUMBER.search(key)
    return number[0] if number else ""


def without_number(name: str) -> str:
    """Return a section's name without the number at its end."""
    return name.rstrip("0123456789")
