"""The sections `[radius_clientN]`: home servers, which are asked whether a password is right, in their order."""

import re
from typing import NamedTuple

from gateway.config.attributes import check_passed, passed_attributes
from gateway.config.clients import SHORT_SECRET
from gateway.config.credentials import FoundSecret, read_secret, stand_in
from gateway.config.hosts import check_numbers, host_entries
from gateway.config.ini import Entry
from gateway.config.schema import number_in
from gateway.config.scope import Context, Scope
from gateway.config.secret_keys import HOME_SECRET, NUMBERED_HOME_SECRET, SecretKeys
from gateway.config.settings import HomeServerSettings, RadiusClient, Secret, StatusServer
from gateway.config.surroundings import Surroundings
from gateway.config.values import (
    BadValueError,
    HostPort,
    as_address,
    boolean,
    codec,
    host,
    integer,
    message_authenticator_rule,
    port,
    quoted,
    seconds,
)
from gateway.radius.passing import OF_THE_NAS, may_never_go_home

CLIENT_KEYS = {
    "host": "",
    "host_N": "",
    "port": "1812",
    "port_N": "",
    **HOME_SECRET.rows,
    **NUMBERED_HOME_SECRET.rows,
    "retries": "3",
    "retry_wait": "2",
    "nas_ip": "",
    "pw_codec": "utf-8",
    "timeout": "30",
    "pass_through_attr_names": "",
    "pass_through_all": "false",
    "force_message_authenticator": "auto",
    "max_in_flight": "200",
    "status_server": "auto",
}

OWN = frozenset({"status_server"})
"""Keys of which [main] has no default."""

_PATTERNS = ("port_N", *NUMBERED_HOME_SECRET.all)
_NUMBERED_KEY = re.compile("|".join(pattern.replace("N", "[0-9]+") for pattern in _PATTERNS))
_SHORTEST_WAIT_S = 0.1


class _Defaults(NamedTuple):
    """What holds for home servers whose number has none of its own."""

    port: int
    secret: FoundSecret | None
    has_secret: bool
    """Whether there is one, be it one that cannot be used."""


def read_client(scope: Scope, context: Context) -> RadiusClient:
    """Return the settings of a client section; home servers with problems are left out."""
    settings = RadiusClient(
        section=scope.section,
        homes=_read_homes(scope, context.surroundings),
        retries=scope.read("retries", integer(0, 10)),
        retry_wait_s=scope.read("retry_wait", seconds(60, _SHORTEST_WAIT_S)),
        timeout_s=scope.read("timeout", seconds(300, 1)),
        nas_ip=scope.read_optional("nas_ip", _nas_ip) or "",
        pw_codec=scope.read("pw_codec", codec),
        pass_through=scope.read_optional("pass_through_attr_names", passed_attributes) or frozenset(),
        pass_through_all=scope.read("pass_through_all", boolean),
        force_message_authenticator=scope.read("force_message_authenticator", message_authenticator_rule),
        max_in_flight=scope.read("max_in_flight", integer(1, 10_000)),
        status_server=scope.own().read("status_server", _status_server),  # [main]'s is for server sections
    )
    _check_times(scope, settings)
    check_passed(scope, may_never_go_home, OF_THE_NAS)
    return settings


def _read_homes(scope: Scope, surroundings: Surroundings) -> tuple[HomeServerSettings, ...]:
    """Return the home servers in the order of their numbers."""
    missing = "write host=ADDRESS of the RADIUS server that checks passwords"
    entries = host_entries(scope, "home server", missing)
    secret_entries = scope.entries(*HOME_SECRET.all)
    secret = _read_secret(scope, surroundings, HOME_SECRET)
    defaults = _Defaults(scope.read("port", port), secret, bool(secret_entries))
    check_numbers(scope, _NUMBERED_KEY, entries)
    found: dict[HostPort, Entry] = {}
    homes = []
    for entry in entries:
        home = _read_home(scope, surroundings, entry, defaults)
        if home is None:
            continue
        other = found.setdefault(HostPort(home.host, home.port), entry)
        if other is entry:
            homes.append(home)
        else:
            scope.warn(entry, f"{home.name} is {other.key} already, and is asked once; remove one of the two")
    return tuple(homes)


def _read_home(
    scope: Scope, surroundings: Surroundings, entry: Entry, defaults: _Defaults
) -> HomeServerSettings | None:
    name, number = scope.parse(entry, _home), number_in(entry.key) or "1"
    keys = NUMBERED_HOME_SECRET.numbered(number)
    own_port = scope.read_optional(f"port_{number}", port)
    secret = defaults.secret
    if scope.entries(*keys.all):
        secret = _read_secret(scope, surroundings, keys)
    elif not defaults.has_secret:
        text = f"there is no secret to go with it; write {HOME_SECRET.clear}=SECRET, or {keys.clear}=SECRET"
        scope.missing(HOME_SECRET.clear, text, entry)
    if name is None or secret is None:
        return None
    own = Secret(secret.octets)
    return HomeServerSettings(host=name, port=own_port or defaults.port, shared_secret=own, key=entry.key)


def _read_secret(scope: Scope, surroundings: Surroundings, keys: SecretKeys) -> FoundSecret | None:
    """Return the secret that one of the keys gives; None after a problem, or if there is none."""
    secret, entries = read_secret(scope, surroundings, keys), scope.entries(*keys.all)
    if secret is None and entries and not surroundings.has_secrets:
        return stand_in(entries[0])
    if secret is not None and len(secret.octets) <= SHORT_SECRET:
        text = f"a secret of {len(secret.octets)} bytes can be guessed; write one of 16 or more, here and at the server"
        scope.warn(secret.entry, text)
    return secret


def _home(text: str) -> str:
    """Return the name or address of a home server."""
    found = host(text)
    address = as_address(found)
    if address is not None and (address.is_multicast or address.is_unspecified):
        raise BadValueError(f"{quoted(text)} is no address that a server answers at; write that of the RADIUS server")
    return found


def _nas_ip(text: str) -> str:
    """Return an address in its usual form."""
    address = as_address(text)
    if address is None or address.is_multicast or address.is_unspecified:
        raise BadValueError(f"{quoted(text)} is not an address; write what the home servers know us by, as in 10.0.0.5")
    return str(address)


def _status_server(text: str) -> StatusServer:
    """Return yes, no or auto; true and false are understood too."""
    return StatusServer(message_authenticator_rule(text).value)


def _check_times(scope: Scope, settings: RadiusClient) -> None:
    """Warn where the next home server is never asked."""
    round_s = (settings.retries + 1) * settings.retry_wait_s
    if len(settings.homes) > 1 and round_s >= settings.timeout_s:
        for entry in scope.entries("timeout") or scope.entries("retry_wait") or scope.entries("retries"):
            text = (
                f"a home server that is silent is asked for {round_s:g} s, and all of them for {settings.timeout_s:g} s"
            )
            scope.warn(entry, f"{text}: the next one is never asked; write a longer timeout, or fewer retries")
