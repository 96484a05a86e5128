"""What each host tells the others of itself, once a second, for the page of all: sealed, under a key of its own.

Nobody decides by it but one thing: whether Duo answers somewhere, see `failmode.bulletin`. It holds no user's name.
"""

from typing import Annotated, Final

import msgspec

from gateway.fleetapi.names import bound_to

LIFE_S: Final = 5
_KIND: Final = "host"
_PREFIX: Final = b"rg:host:"

_Name = Annotated[str, msgspec.Meta(max_length=255)]


class HostApplication(msgspec.Struct, frozen=True):
    """A Duo application, as a host sees it; `state` and the flag are those of `status.json`."""

    key: _Name
    state: _Name
    is_fail_mode_active: bool = msgspec.field(name="is_failmode_active")


class HostRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A host.

    Attributes:
        version: of the gateway.
        is_leaving: it stops, and takes no new logins.
        n_workers, n_ready: its slots, and those in which a worker serves.
        pending: logins under way.
        reasons: how many logins have ended for which reason since its start.
        sections: a keyed digest of what each server section says, hexadecimal, by its name.
    """

    name: _Name
    version: _Name
    is_leaving: bool = False
    uptime_s: float = 0.0
    n_workers: int = 0
    n_ready: int = 0
    pending: int = 0
    reasons: dict[_Name, int] = {}
    applications: list[HostApplication] = []
    sections: dict[_Name, _Name] = {}


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(HostRecord).decode


def host_key(instance: str) -> bytes:
    """Return where the record of a host is."""
    return _PREFIX + instance.encode()


def bound_to_host(instance: str) -> bytes:
    """Return what the record of a host is sealed with."""
    return bound_to(_KIND, instance.encode())


def encode_host(record: HostRecord) -> bytes:
    """Return the octets of a record, to be sealed."""
    return _encode(record)


def decode_host(octets: bytes | None) -> HostRecord | None:
    """Return the record of a host; None for what did not open, or is of a version that says something else."""
    if octets is None:
        return None
    try:
        return _decode(octets)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
