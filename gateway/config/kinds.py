"""Which kinds of sections there are, those of Duo's proxy and ours: a row for each, and no code that decides."""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import NamedTuple

from gateway.config import ad_client, duo_only, fleet, general, modes, radius_client
from gateway.config.schema import SINGLE, without_number
from gateway.config.scope import Context, Scope
from gateway.config.secret_keys import secret_keys
from gateway.config.settings import FirstFactor, ServerSettings


class Treatment(Enum):
    """What becomes of a section."""

    READ = auto()
    OTHER_SERVER = auto()
    IGNORED = auto()


class Kind(NamedTuple):
    """What there is to know of the sections of one kind."""

    treatment: Treatment
    keys: Mapping[str, str] = {}
    """Those that are read, with their defaults."""
    read_client: Callable[[Scope, Context], FirstFactor] | None = None
    read_server: Callable[[Scope, Context], ServerSettings] | None = None
    foreign: frozenset[str] = frozenset()
    """Keys that Duo's proxy knows in such sections, and that have an effect in none that is read."""
    own: frozenset[str] = frozenset()
    """Keys of which [main] has no default: what it says of them is for sections of another sort."""
    idle: frozenset[str] = frozenset()
    """Keys that are read, and have no effect."""


_LDAP_SERVER = frozenset(
    {
        "ssl_port", "ssl_key_path", "ssl_cert_path", "network_timeout", "idle_timeout", "exempt_primary_bind",
        "exempt_ou_N", "allow_searches_after_bind", "allow_unlimited_binds",
    }
)  # fmt: skip

KINDS = {
    "main": Kind(Treatment.READ, general.MAIN),
    "gateway": Kind(Treatment.READ, general.GATEWAY),
    "fleet": Kind(Treatment.READ, fleet.FLEET_KEYS),
    "duo_only_client": Kind(Treatment.READ, duo_only.CLIENT_KEYS, read_client=duo_only.read_client),
    "radius_server_duo_only": Kind(Treatment.READ, duo_only.SERVER_KEYS, read_server=duo_only.read_duo_only),
    "radius_client": Kind(
        Treatment.READ, radius_client.CLIENT_KEYS, read_client=radius_client.read_client, own=radius_client.OWN
    ),
    "ad_client": Kind(Treatment.READ, ad_client.CLIENT_KEYS, read_client=ad_client.read_client, own=ad_client.OWN),
    "radius_server_auto": Kind(Treatment.READ, modes.AUTO_KEYS, read_server=modes.read_auto, idle=modes.IDLE),
    "radius_server_concat": Kind(Treatment.READ, modes.CONCAT_KEYS, read_server=modes.read_concat, idle=modes.IDLE),
    "radius_server_challenge": Kind(
        Treatment.READ, modes.CHALLENGE_KEYS, read_server=modes.read_challenge, idle=modes.IDLE
    ),
    "radius_server_eap": Kind(Treatment.OTHER_SERVER, foreign=frozenset({"certs", "pkey", "prompt"})),
    "radius_server_iframe": Kind(
        Treatment.OTHER_SERVER, foreign=frozenset({"type", "iframe_script_uri", "script_inject"})
    ),
    "ldap_server_auto": Kind(Treatment.IGNORED, foreign=_LDAP_SERVER),
    "http_proxy": Kind(Treatment.IGNORED, foreign=frozenset({"client_ip"})),
    "cloud": Kind(Treatment.IGNORED),
    "sso": Kind(Treatment.IGNORED, foreign=frozenset({"rikey"})),
}
"""By the name of their sections without its number."""

OTHER_RADIUS, OTHER_LDAP = "radius_server", "ldap_server"
"""How the names of all servers of Duo's proxy begin; stand for kinds that nobody knows."""

DUO_ONLY = "radius_server_duo_only"
"""The kind of servers that need no client section."""

SERVED = tuple(name for name, kind in KINDS.items() if kind.read_server)

FIRST_FACTORS = frozenset({"ad_client", "radius_client"})
"""Kinds of client sections that check passwords; they matter where a server section names them."""


def _known_keys(table: Mapping[str, str]) -> frozenset[str]:
    """Return the keys of a table, and how else those of secrets are spelled."""
    secrets = filter(None, map(secret_keys, table))
    return frozenset(table).union(*(keys.files for keys in secrets))


OWN_KEYS = {name: _known_keys(kind.keys) for name, kind in KINDS.items() if kind.treatment is Treatment.READ}
"""The keys that are read, by the kind of section in which they have an effect."""

KEYS = OWN_KEYS | {"main": frozenset().union(*OWN_KEYS.values())}
"""The keys that are known, by kind: [main] holds defaults for every other section."""

FOREIGN = {name: kind.foreign for name, kind in KINDS.items() if kind.foreign}
"""The keys of Duo's proxy that are not read, by the kinds that have them there."""


def section_kind(name: str) -> str | None:
    """Return the section's name without its number, or None if there is no such section."""
    kind = without_number(name)
    if kind not in KINDS or (kind in SINGLE and kind != name):
        return None
    return kind


def treatment(kind: str) -> Treatment:
    """Return what becomes of sections of a kind, which may be an unknown one of a known family."""
    if kind not in KINDS:
        return Treatment.OTHER_SERVER if kind == OTHER_RADIUS else Treatment.IGNORED
    return KINDS[kind].treatment
