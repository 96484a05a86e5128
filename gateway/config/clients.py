"""The RADIUS clients of a section: `radius_ip_N`, `radius_secret_N` and what else has their number."""

import re
from ipaddress import ip_network

from gateway.config.credentials import FoundSecret, SecretKeys, read_secret
from gateway.config.ini import Entry
from gateway.config.scope import Scope
from gateway.config.settings import ClientSettings, Secret
from gateway.config.surroundings import Surroundings
from gateway.config.values import choice, has_host_bits, networks, quoted
from gateway.radius.reply import SignaturePlace

_PLACE_KEY = "message_authenticator_in_replies_"
SHORT_SECRET = 12  # octets: a shared secret up to here can be guessed from one captured packet, RFC 2865 section 3

_CLIENT_KEY = re.compile(
    "(?:radius_(?:ip|secret|secret_file|secret_protected)|message_authenticator_in_replies)_([0-9]+)"
    "|radius_secret_([0-9]+)_file"
)


def read_clients(scope: Scope, surroundings: Surroundings) -> tuple[ClientSettings, ...]:
    """Return the section's clients in the order of the file."""
    matches = (_CLIENT_KEY.fullmatch(entry.key) for entry in scope.matching(_CLIENT_KEY))
    numbers = dict.fromkeys(match[1] or match[2] for match in matches if match)
    if not numbers:
        scope.missing(
            "radius_ip_1", "is missing; write radius_ip_1=ADDRESS and radius_secret_1=SECRET for each RADIUS client"
        )
    clients = [client for number in numbers if (client := _read_client(scope, surroundings, number))]
    _check_networks(scope, clients)
    return tuple(clients)


def _read_client(scope: Scope, surroundings: Surroundings, number: str) -> ClientSettings | None:
    name = f"radius_ip_{number}"
    keys = SecretKeys(
        f"radius_secret_{number}",
        (f"radius_secret_{number}_file", f"radius_secret_file_{number}"),
        f"radius_secret_protected_{number}",
    )
    addresses, secrets = scope.entries(name), scope.entries(*keys.all)
    secret = read_secret(scope, surroundings, keys)
    place = _read_signature_place(scope, number)
    if not addresses:
        (entry, *_) = secrets or scope.entries(_PLACE_KEY + number)
        scope.error(entry, f"there is no {name} to go with it; write {name}=ADDRESS, or remove the line")
        return None
    if not secrets:
        scope.error(addresses[0], f"there is no {keys.clear} to go with it; write {keys.clear}=SECRET")
    found = _read_networks(scope, addresses[0])
    if place is not SignaturePlace.FIRST and not all(ip_network(each).is_loopback for each in found):
        _warn_of_place(scope, number, place)
    if secret is None or not found:
        return None
    _check_secret(scope, secret)
    return ClientSettings(
        name=name, networks=found, shared_secret=Secret(secret.octets), message_authenticator_in_replies=place
    )


def _read_networks(scope: Scope, entry: Entry) -> tuple[str, ...]:
    if not entry.value:
        scope.error(entry, f"has no value; write {entry.key}=ADDRESS, or remove the line and its secret's")
        return ()
    found = scope.parse(entry, networks)
    if not found:
        return ()
    if has_host_bits(entry.value):
        text = f"{quoted(entry.value)} is an address inside {found[0]}, and means all of it; write one or the other"
        scope.warn(entry, text)
    return tuple(map(str, found))


def _check_secret(scope: Scope, secret: FoundSecret) -> None:
    n_octets = len(secret.octets)
    if n_octets <= SHORT_SECRET:
        text = f"a secret of {n_octets} octets can be guessed; write one of 16 or more, here and at the RADIUS client"
        scope.warn(secret.entry, text)


def _read_signature_place(scope: Scope, number: str) -> SignaturePlace:
    return scope.read_optional(_PLACE_KEY + number, choice(SignaturePlace)) or SignaturePlace.FIRST


def _warn_of_place(scope: Scope, number: str, place: SignaturePlace) -> None:
    """Warn of whoever stands between us and a client; within this machine that is nobody."""
    text = (
        f"with {place.value} somebody on the way can turn a reject for this client into an accept (CVE-2024-3596); "
        "remove the line, unless the client refuses replies that begin with Message-Authenticator, "
        "and no stranger has access to the network between"
    )
    scope.warn(scope.entries(_PLACE_KEY + number)[0], text)


def _check_networks(scope: Scope, clients: list[ClientSettings]) -> None:
    """A network may lie within another, the most specific one wins; the same one twice is ambiguous."""
    owners: dict[str, str] = {}
    for client in clients:
        for network in client.networks:
            owner = owners.setdefault(network, client.name)
            if owner != client.name:
                scope.error(scope.entries(client.name)[0], f"{network} is in {owner} already; remove one of the two")
