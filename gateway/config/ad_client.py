"""The sections `[ad_clientN]`: a directory, Microsoft's or another one, is asked whether a password is right.

`ad_accounts` has what concerns the account that searches, `ad_tls` what concerns TLS.
"""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from gateway.config.ad_accounts import check_accounts, read_service_password
from gateway.config.ad_tls import (
    check_without_tls,
    read_ca_certs,
    read_cipher_list,
    read_tls_version,
    read_verify_hostname,
)
from gateway.config.directory_values import (
    account_name,
    attribute_name,
    auth_type,
    directory_host,
    dn,
    group_dn,
    ldap_filter,
)
from gateway.config.hosts import check_numbers, host_entries
from gateway.config.schema import number_in
from gateway.config.scope import Context, Scope
from gateway.config.secret_keys import SERVICE_PASSWORD
from gateway.config.settings import AdClient, AuthType, DirectoryHost, Transport
from gateway.config.slips import Slip, account_slips, dn_slips, filter_slips
from gateway.config.values import boolean, choice, integer, is_loopback, plain, port, seconds

if TYPE_CHECKING:
    from gateway.config.ini import Entry

Value = TypeVar("Value")

CLIENT_KEYS = {
    "host": "",
    "host_N": "",
    "port": "",
    "port_N": "",
    "auth_type": "ntlm2",
    "transport": "clear",
    "service_account_username": "",
    **SERVICE_PASSWORD.rows,
    "bind_dn": "",
    "search_dn": "",
    "security_group_dn": "",
    "nested_groups": "false",
    "ldap_filter": "",
    "username_attribute": "sAMAccountName",
    "at_attribute": "userPrincipalName",
    "ntlm_domain": "",
    "ntlm_workstation": "",
    "ssl_ca_certs_file": "",
    "ssl_verify_hostname": "true",
    "minimum_tls_version": "tls1.2",
    "cipher_list": "",
    "timeout": "10",
    "max_in_flight": "200",
}

OWN = frozenset({"port", "port_N"})
"""Keys of which [main] has no default: its `port` is of server sections."""

CLEAR_PORT, TLS_PORT = 389, 636
_TLS_PORTS = {TLS_PORT: CLEAR_PORT, 3269: 3268}
"""Where TLS begins at once, and the same without; the second two are a global catalog's."""

_NUMBERED_KEY = re.compile("port_[0-9]+")
_PRIMARY_GROUP = re.compile("cn *= *domain users *,.*", re.IGNORECASE)


def read_client(scope: Scope, context: Context) -> AdClient:
    """Return the settings of a client section; hosts with problems are left out."""
    transport = scope.read("transport", choice(Transport))
    ca_certs = b"" if transport is Transport.CLEAR else read_ca_certs(scope, context.surroundings)
    settings = AdClient(
        section=scope.section,
        hosts=_read_hosts(scope, transport),
        auth_type=scope.read("auth_type", auth_type),
        transport=transport,
        service_account_username=scope.read_text("service_account_username", account_name, account_slips) or "",
        service_account_password=read_service_password(scope, context.surroundings),
        bind_dn=scope.read_text("bind_dn", plain, dn_slips) or "",
        search_dn=_read_search_dn(scope),
        security_group_dn=_read_checked(scope, "security_group_dn", group_dn, dn_slips) or "",
        nested_groups=scope.read("nested_groups", boolean),
        ldap_filter=_read_checked(scope, "ldap_filter", ldap_filter, filter_slips) or b"",
        username_attribute=scope.read("username_attribute", attribute_name),
        at_attribute=scope.read("at_attribute", attribute_name),
        ntlm_domain=scope.read_text("ntlm_domain", account_name, account_slips) or "",
        ntlm_workstation=scope.read_text("ntlm_workstation", account_name, account_slips) or "",
        timeout_s=scope.read("timeout", seconds(300, 1)),
        max_in_flight=scope.read("max_in_flight", integer(1, 10_000)),
        ca_certs=ca_certs,
        verify_hostname=read_verify_hostname(scope, ca_certs),
        minimum_tls_version=read_tls_version(scope),
        cipher_list=read_cipher_list(scope),
    )
    check_accounts(scope, settings)
    _check_group(scope, settings)
    _check_transport(scope, settings)
    return settings


def _read_checked(
    scope: Scope, key: str, parse: Callable[[str], Value], slips: Callable[[str], Iterable[Slip]]
) -> Value | None:
    """Return free text that has a form; what may be a slip is noted of what has it alone."""
    found = scope.read_optional(key, parse)
    if found is not None:
        entry = scope.entries(key)[0]
        scope.note(entry, slips(entry.value))
    return found


def _read_search_dn(scope: Scope) -> str:
    found = scope.read_required("search_dn", dn, "write search_dn=DC=example,DC=com")
    if found is not None:
        scope.note(scope.entries("search_dn")[0], dn_slips(found))
    return found or ""


def _read_hosts(scope: Scope, transport: Transport) -> tuple[DirectoryHost, ...]:
    """Return the hosts in the order of their numbers."""
    missing = "write host=NAME of the domain controller, or of another LDAP server, that checks passwords"
    entries = host_entries(scope, "host of the directory", missing)
    check_numbers(scope, _NUMBERED_KEY, entries)
    shared_port = _read_port(scope, "port", transport)
    found: dict[DirectoryHost, Entry] = {}
    for entry in entries:
        name = scope.parse(entry, directory_host)
        own_port = _read_port(scope, f"port_{number_in(entry.key) or '1'}", transport)
        usual = TLS_PORT if transport is Transport.LDAPS else CLEAR_PORT
        if name is None:
            continue
        host = DirectoryHost(host=name, port=own_port or shared_port or usual)
        other = found.setdefault(host, entry)
        if other is not entry:
            scope.warn(entry, f"{host.name} is {other.key} already, and is asked once; remove one of the two")
    return tuple(found)


def _read_port(scope: Scope, key: str, transport: Transport) -> int | None:
    """Return the section's own port: [main]'s is for server sections."""
    own = scope.own()
    found = own.read_optional(key, port)
    begins_with_tls = transport is Transport.LDAPS
    if found in _TLS_PORTS and not begins_with_tls:
        text = f"{found} is the port where TLS begins at once; write transport=ldaps, or port {_TLS_PORTS[found]}"
        own.warn(own.entries(key)[0], text)
    if begins_with_tls and (meant := next((tls for tls, clear in _TLS_PORTS.items() if clear == found), None)):
        text = f"{found} is a port where TLS does not begin at once; write {meant}, or transport=starttls"
        own.warn(own.entries(key)[0], text)
    return found


def _check_group(scope: Scope, settings: AdClient) -> None:
    for entry in scope.entries("security_group_dn"):
        if _PRIMARY_GROUP.fullmatch(settings.security_group_dn):
            text = "has nobody as a member, for it is the primary group of all; remove the line, or name another group"
            scope.warn(entry, text)
    if settings.nested_groups and not settings.security_group_dn:
        for entry in scope.own().entries("nested_groups"):
            scope.warn(entry, "has no effect without security_group_dn; write that, or remove the line")
    elif settings.nested_groups and settings.username_attribute.lower() == "uid":
        for entry in scope.entries("nested_groups"):
            scope.warn(
                entry, "is a rule that only Active Directory has: elsewhere nobody is a member by it; write false"
            )


def _check_transport(scope: Scope, settings: AdClient) -> None:
    if settings.transport is not Transport.CLEAR:
        return
    check_without_tls(scope)
    is_remote = any(not is_loopback(host.host) for host in settings.hosts)
    if settings.auth_type is AuthType.PLAIN and is_remote:
        for entry in scope.entries("transport") or scope.entries("auth_type"):
            text = (
                "THE PASSWORDS OF ALL USERS cross the network readable, with auth_type=plain and transport=clear; "
                "write transport=ldaps, or starttls, and ssl_ca_certs_file=PATH"
            )
            scope.warn(entry, text)
