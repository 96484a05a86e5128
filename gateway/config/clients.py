"""The RADIUS clients of a section: `radius_ip_N`, `radius_secret_N` and what else has their number."""

import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_network

from msgspec.structs import replace

from gateway.config.credentials import FoundSecret, read_next_secret, read_secret, stand_in
from gateway.config.ini import Entry, IniSection
from gateway.config.problems import Problem
from gateway.config.schema import number_in
from gateway.config.scope import Scope
from gateway.config.secret_keys import NEXT_RADIUS_SECRET, RADIUS_SECRET
from gateway.config.settings import ClientSettings, Secret
from gateway.config.surroundings import Surroundings
from gateway.config.values import Network, choice, has_host_bits, networks, quoted
from gateway.radius.reply import SignaturePosition

_POSITION_KEY = "message_authenticator_in_replies_"
SHORT_SECRET = 12  # octets: a shared secret up to here can be guessed from one captured packet, RFC 2865 section 3

_LEAST_PREFIX = {4: 8, 6: 16}  # bits: 10.0.0.0/8 and a provider's own network are the widest that anybody has
_OWN_ADDRESSES = "write only the addresses or networks of the RADIUS clients"

_PATTERNS = ("radius_ip_N", *RADIUS_SECRET.all, *NEXT_RADIUS_SECRET.all, f"{_POSITION_KEY}N")
_CLIENT_KEY = re.compile("|".join(pattern.replace("N", "[0-9]+") for pattern in _PATTERNS))


def read_clients(scope: Scope, surroundings: Surroundings) -> tuple[ClientSettings, ...]:
    """Return the section's clients in the order of the file."""
    numbers = dict.fromkeys(_number(entry) for entry in scope.matching(_CLIENT_KEY))
    addresses = {number: entry for number in numbers for entry in scope.entries(f"radius_ip_{number}")}
    if not numbers:
        scope.missing(
            "radius_ip_1", "is missing; write radius_ip_1=ADDRESS and radius_secret_1=SECRET for each RADIUS client"
        )
    if any(entry.value for entry in addresses.values()):
        for number in [number for number, entry in addresses.items() if not entry.value]:
            text = "has no value: there is no such client; write its address, or remove the line and its secret's"
            scope.warn(addresses[number], text)  # templates write it where there is one client less
            del numbers[number]
    clients = [client for number in numbers if (client := _read_client(scope, surroundings, number))]
    return tuple(_without_repetitions(scope, clients))


def unused_defaults(main: IniSection, served: Iterable[IniSection]) -> Iterator[Problem]:
    """Yield a problem for what [main] says of a client that no section has."""
    numbers = {_number(entry) for section in (main, *served) for entry in section.entries.values() if _is_ip(entry)}
    for entry in main.entries.values():
        if _CLIENT_KEY.fullmatch(entry.key) and _number(entry) not in numbers:
            yield Problem(entry.section, entry.key, _without_address(_number(entry)), entry.place)


def _number(entry: Entry) -> str:
    return number_in(entry.key) if _CLIENT_KEY.fullmatch(entry.key) else ""


def _is_ip(entry: Entry) -> bool:
    return entry.key.startswith("radius_ip_")


def _without_address(number: str) -> str:
    return f"there is no radius_ip_{number} to go with it; write radius_ip_{number}=ADDRESS, or remove the line"


def _read_client(scope: Scope, surroundings: Surroundings, number: str) -> ClientSettings | None:
    name = f"radius_ip_{number}"
    keys, next_keys = RADIUS_SECRET.numbered(number), NEXT_RADIUS_SECRET.numbered(number)
    addresses, secrets = scope.entries(name), scope.entries(*keys.all)
    if not addresses:
        (entry, *_) = secrets or scope.entries(*next_keys.all) or scope.entries(_POSITION_KEY + number)
        if entry.section == scope.section:  # else a default of [main], for sections that have such a client
            scope.missing(name, _without_address(number), entry)
        return None
    secret = read_secret(scope, surroundings, keys)
    if secret is None and secrets and not surroundings.has_secrets:
        secret = stand_in(secrets[0])
    next_secret = read_next_secret(scope, surroundings, next_keys, keys, secret)
    position = _read_signature_position(scope, number)
    if not secrets:
        text = f"there is no {keys.clear} to go with it; write {keys.clear}=SECRET"
        scope.missing(keys.clear, text, addresses[0])
    found = _read_networks(scope, addresses[0])
    if position is not SignaturePosition.FIRST and not all(ip_network(each).is_loopback for each in found):
        _warn_of_position(scope, number, position)
    if secret is None or not found:
        return None
    for each in filter(None, (secret, next_secret)):
        _check_secret(scope, each)
    return ClientSettings(
        name=name,
        networks=found,
        shared_secret=Secret(secret.octets),
        next_secret=Secret(next_secret.octets) if next_secret is not None else None,
        message_authenticator_in_replies=position,
    )


def _read_networks(scope: Scope, entry: Entry) -> tuple[str, ...]:
    if not entry.value:
        scope.error(entry, f"has no value; write {entry.key}=ADDRESS, or remove the line and its secret's")
        return ()
    found = scope.parse(entry, networks)
    if not found:
        return ()
    if wide := next((network for network in found if network.prefixlen < _LEAST_PREFIX[network.version]), None):
        scope.warn(entry, f"{wide} is so wide that nearly anybody may ask and guess the secret; {_OWN_ADDRESSES}")
    elif any(map(_is_nobody, found)):
        scope.warn(entry, f"{quoted(entry.value)} is no address that anybody sends from; {_OWN_ADDRESSES}")
    if has_host_bits(entry.value):
        text = f"{quoted(entry.value)} is an address inside {found[0]}, and means all of it; write one or the other"
        scope.warn(entry, text)
    return tuple(map(str, found))


def _check_secret(scope: Scope, secret: FoundSecret) -> None:
    n_octets = len(secret.octets)
    if n_octets <= SHORT_SECRET:
        text = f"a secret of {n_octets} bytes can be guessed; write one of 16 or more, here and at the RADIUS client"
        scope.warn(secret.entry, text)


def _read_signature_position(scope: Scope, number: str) -> SignaturePosition:
    return scope.read_optional(_POSITION_KEY + number, choice(SignaturePosition)) or SignaturePosition.FIRST


def _warn_of_position(scope: Scope, number: str, position: SignaturePosition) -> None:
    """Warn of whoever stands between us and a client; within this machine that is nobody."""
    text = (
        f"with {position.value} somebody on the way can turn a reject for this client into an accept (CVE-2024-3596); "
        "remove the line, unless the client refuses replies that begin with Message-Authenticator, "
        "and no stranger has access to the network between"
    )
    scope.warn(scope.entries(_POSITION_KEY + number)[0], text)


def _is_nobody(network: Network) -> bool:
    address = network.network_address
    is_broadcast = network.version == 4 and int(address) == 2**32 - 1
    return address.is_multicast or is_broadcast or (address.is_unspecified and network.num_addresses == 1)


def _without_repetitions(scope: Scope, clients: list[ClientSettings]) -> Iterator[ClientSettings]:
    """A network may lie within another, the most specific one wins. The same one twice is ambiguous, unless all else is
    the same too, as templates write it for a directory with one address.
    """
    owners: dict[str, ClientSettings] = {}
    for client in clients:
        kept = []
        for network in client.networks:
            owner = owners.setdefault(network, client)
            if owner is client:
                kept.append(network)
                continue
            entry = scope.entries(client.name)[0]
            if replace(owner, name="", networks=()) == replace(client, name="", networks=()):
                scope.warn(entry, f"{network} is in {owner.name} already, with the same secret; remove one of the two")
            else:
                scope.error(entry, f"{network} is in {owner.name} already; remove one of the two")
        if kept:
            yield replace(client, networks=tuple(kept))
