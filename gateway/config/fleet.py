"""The section [fleet]: several hosts act as one, by way of a store that they share."""

import re
from functools import partial

from gateway.config.credentials import read_private
from gateway.config.general import certificates
from gateway.config.scope import Context, Scope
from gateway.config.settings import FleetSettings, Secret, WhenIsolated
from gateway.config.slips import secret_slips
from gateway.config.surroundings import Surroundings
from gateway.config.values import BadValueError, choice, integer, plain, quoted
from gateway.fleetapi.address import BadAddressError, parse_addresses
from gateway.fleetapi.keys import BadFleetKeyError, decode_fleet_keys

FLEET_KEYS = {
    "engine": "",
    "engine_password_file": "",
    "engine_ca_certs_file": "",
    "fleet_key_file": "",
    "name": "",
    "patience_ms": "20",
    "when_isolated": "failmode",
}

_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def read_fleet(scope: Scope, context: Context) -> FleetSettings | None:
    """Return what [fleet] says; None after a problem."""
    surroundings = context.surroundings
    engine = scope.read_required("engine", _engine, "write engine=rediss://radgate@redis.example.com:6379/0")
    keys = _read_keys(scope, surroundings)
    own_certs_file = scope.read_optional("engine_ca_certs_file", partial(certificates, surroundings))
    password = _read_password(scope, surroundings)
    names_password = any(entry.value for entry in scope.entries("engine_password_file"))
    if engine and not names_password and any(address.user for address in parse_addresses(engine)):
        text = "is missing, and engine names a user; write engine_password_file=PATH, or leave the user out"
        scope.missing("engine_password_file", text)
    settings = FleetSettings(
        engine=engine or "",
        password=password,
        ca_certs_file=own_certs_file or context.ca_certs_file,
        keys=keys or (),
        name=scope.read_optional("name", _name) or "",
        patience_ms=scope.read("patience_ms", integer(1, 1000)),
        when_isolated=scope.read("when_isolated", choice(WhenIsolated)),
    )
    return settings if engine and keys else None


def _engine(text: str) -> str:
    try:
        parse_addresses(text)
    except BadAddressError as error:
        raise BadValueError(str(error)) from error
    return text


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        wanted = "up to 63 letters, digits, dots, hyphens or underscores, beginning with a letter or digit"
        raise BadValueError(f"{quoted(text)} cannot be a host's name; write {wanted}")
    return text


def _read_keys(scope: Scope, surroundings: Surroundings) -> tuple[Secret, ...] | None:
    if scope.read_required("fleet_key_file", plain, "write fleet_key_file=/etc/radgate/fleet.key") is None:
        return None
    entry = scope.entries("fleet_key_file")[0]
    content = read_private(scope, surroundings, entry, "key")
    if content is None:
        return None
    try:
        return tuple(Secret(key) for key in decode_fleet_keys(content))
    except BadFleetKeyError as error:
        scope.error(entry, f"{surroundings.resolve(entry.value)} cannot be used: {error}")
        return None


def _read_password(scope: Scope, surroundings: Surroundings) -> Secret | None:
    entries = [entry for entry in scope.entries("engine_password_file") if entry.value]
    octets = read_private(scope, surroundings, entries[0], "password") if entries else None
    if octets is None or not scope.note(entries[0], secret_slips(octets)):
        return None
    return Secret(octets)
