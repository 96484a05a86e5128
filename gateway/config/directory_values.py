"""Parsers of what `[ad_client]` alone has: names and filters of directories, and how they are spoken to."""

import re

from gateway.config.settings import AuthType
from gateway.config.values import BadValueError, as_address, choice, host, quoted
from gateway.ldap.filters import FilterError, parse_filter
from gateway.ldap.names import is_dn

LONGEST_NAME = 256  # characters: Active Directory's own names have 104 at most
LEAST_TLS = "tls1.2"
_TLS_VERSIONS = (LEAST_TLS, "tls1.3")
OLD_TLS_VERSIONS = frozenset({"ssl3", "tls1.0", "tls1.1"})
"""Which Duo's proxy knows, and nobody should speak any more."""

_URL = re.compile("(ldaps?)://", re.IGNORECASE | re.ASCII)
_SEVERAL = re.compile("[^,;\\s]+(\\s*[,;]\\s*|\\s+)[^,;\\s]+")
_ATTRIBUTE = re.compile("[A-Za-z][A-Za-z0-9-]*|[0-9]+([.][0-9]+)+")
_NO_LONGER = {
    "sspi": "is only for Windows, where Duo's proxy needs no account; write plain with transport=ldaps, or ntlm2",
    "ntlm1": "is broken, and present domain controllers refuse it; write ntlm2, or plain with transport=ldaps",
}


def directory_host(text: str) -> str:
    """Return the name or address of a directory's host."""
    if url := _URL.match(text):
        scheme = url[1].lower()
        transport = "ldaps" if scheme == "ldaps" else "clear or transport=starttls"
        raise BadValueError(f"{quoted(text)} is a URL; write only the host, and transport={transport} for {scheme}://")
    if _SEVERAL.match(text):
        raise BadValueError(f"{quoted(text)} names several hosts; write one to a key: host=, host_2=, host_3=")
    found = host(text)
    address = as_address(found)
    if address is not None and (address.is_multicast or address.is_unspecified):
        raise BadValueError(f"{quoted(text)} is no address that a server answers at; write the domain controller's")
    return found


def auth_type(text: str) -> AuthType:
    """Return how to bind; what Duo's proxy knows besides is refused with what to write."""
    if why := _NO_LONGER.get(text.lower()):
        raise BadValueError(f"{text.lower()} {why}")
    return choice(AuthType)(text)


def tls_version(text: str) -> str:
    """Return the least version of TLS that is spoken: what is older than 1.2 stands for that."""
    word = text.lower()
    if word in OLD_TLS_VERSIONS:
        return LEAST_TLS
    if word not in _TLS_VERSIONS:
        raise BadValueError(f"{quoted(text)} is not known; write {' or '.join(_TLS_VERSIONS)}")
    return word


def dn(text: str) -> str:
    """Return a distinguished name as it is written."""
    if not is_dn(text):
        raise BadValueError("is no distinguished name; write it as in OU=Staff,DC=example,DC=com")
    return text


def group_dn(text: str) -> str:
    """Return the distinguished name of one group."""
    if not is_dn(text):
        one = "write that of one group, as in CN=VPN Users,OU=Groups,DC=example,DC=com"
        several = "several are named by ldap_filter=(|(memberOf=…)(memberOf=…))"
        raise BadValueError(f"is no distinguished name; {one}; {several}")
    return text


def account_name(text: str) -> str:
    """Return what an account, a domain or a machine is called."""
    if len(text) > LONGEST_NAME:
        raise BadValueError(f"has {len(text)} characters; write {LONGEST_NAME} at most")
    return text


def attribute_name(text: str) -> str:
    """Return the name of an attribute of entries."""
    if not _ATTRIBUTE.fullmatch(text):
        raise BadValueError(f"{quoted(text)} is no attribute's name; write one, such as sAMAccountName, uid or mail")
    return text


def ldap_filter(text: str) -> bytes:
    """Return a filter, encoded."""
    try:
        return parse_filter(text)
    except FilterError as error:
        raise BadValueError(f"is no filter: {error}") from error
