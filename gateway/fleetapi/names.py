"""Names in the store: of records of logins and States, of channels, of owners; and what each text is sealed with."""

from binascii import hexlify
from hashlib import blake2b
from typing import Final, Protocol

KEY_PREFIX: Final = b"rg:l:"
STATE_PREFIX: Final = b"rg:t:"
PROBE_KEYS: Final = [b"rg:probe:%d" % n for n in (3, 23, 63, 41, 2, 22, 62, 40, 1, 21, 61, 43, 0, 20, 60, 42)]
"""Keys at which a store is tried: in a cluster one in each sixteenth of the slots, in their order."""
ALL_HOSTS: Final = "rg:all"
"""The channel of the beats."""
DIGEST_SIZE: Final = 16  # octets, of logins and packets
NONCE_SIZE: Final = 16  # octets
INSTANCE_DIGITS: Final = 16
"""Hexadecimal digits of a host's instance, drawn at each start of its supervisor."""
OWNER_SIZE: Final = 2 * INSTANCE_DIGITS + 1

_MAILBOX: Final = "rg:h:"
_ECHO: Final = b"rg:e:"
_BOUND: Final = b"radgate fleet "
_DIGITS: Final = frozenset("0123456789abcdef")


def record_key(login: bytes) -> bytes:
    """Return the key of a login's record, from its digest."""
    return KEY_PREFIX + hexlify(login)


def state_key(name: bytes) -> bytes:
    """Return the key of what is known of a challenge's State, from its token's name.

    That is random, so that its digest needs no key, and is the same while hosts change the fleet key.
    """
    return STATE_PREFIX + blake2b(name, digest_size=DIGEST_SIZE, person=b"state").hexdigest().encode()


def mailbox(instance: str) -> str:
    """Return the channel that all workers of a host hear."""
    return _MAILBOX + instance


def echo_channel(random: bytes) -> bytes:
    """Return a channel for what one process says to itself; `random` has 8 octets and is drawn for it."""
    return _ECHO + hexlify(random)


def owner_name(instance: str, random: bytes) -> str:
    """Return a name for one login at one host; `random` has 8 octets and is drawn for each claim."""
    return f"{instance}:{random.hex()}"


def instance_of(owner: str) -> str:
    """Return the instance of the host that has this name; see `is_owner_name`."""
    return owner[:INSTANCE_DIGITS]


def at_instance(owner: str, instance: str) -> str:
    """Return what an owner is called that goes on as another instance: so is a gateway that has started again."""
    return instance + owner[INSTANCE_DIGITS:]


def is_of_one_claim(owner: str, other: str) -> bool:
    """Whether two names are of one claim, and so of one host: nobody else knows what was drawn for it."""
    return owner[INSTANCE_DIGITS:] == other[INSTANCE_DIGITS:]


def is_owner_name(text: str) -> bool:
    """Whether this can be an owner's name."""
    return len(text) == OWNER_SIZE and text[INSTANCE_DIGITS] == ":" and _DIGITS.issuperset(text.replace(":", "", 1))


def bound_to(kind: str, login: bytes, nonce: bytes = b"", packet: bytes = b"") -> bytes:
    """Return what a text is sealed with, so that it opens in its own place alone.

    Args:
        kind: of the record, or of the message: `asking`, `verdict`.
        login: its digest, of `DIGEST_SIZE` octets.
        nonce: of the join that a message answers, of `NONCE_SIZE` octets; empty for a record.
        packet: of that join.
    """
    return _BOUND + kind.encode() + b" " + login + nonce + packet


class Sealing(Protocol):
    """Who seals for this host, and opens what hosts of this fleet have sealed."""

    def seal(self, plain: bytes, associated: bytes) -> bytes:
        """Return what opens with the same associated octets alone."""

    def open(self, sealed: bytes, associated: bytes) -> bytes | None:
        """Return what was sealed so; None for all else."""
