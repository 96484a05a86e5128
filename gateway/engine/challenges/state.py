"""What an Access-Challenge's State says: what was asked, what has been proven, and the menu that was shown.

It is written down in few octets, for State is one attribute:

    whose (16) | prompt (1) | flags (1) | until (4) | for each device: factors (1) | size (1) | Duo's name of it

Where the names of the devices do not fit, none is written, and they are known by their numbers: Duo is then asked for
its list once more.
"""

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from gateway.duoapi.calls import Device
from gateway.engine.challenges.menu import FACTORS, MAX_DEVICES

OWNER_SIZE: Final = 16  # octets: a digest of whose it is
TYPED_SIZE: Final = 8  # octets: a digest of the password

_HEAD: Final = struct.Struct(f"!{OWNER_SIZE}sBBI")
_FIRST_FACTOR: Final = 1
_IS_KEPT: Final = 2
_HAS_TYPED: Final = 4
_FLAGS: Final = _FIRST_FACTOR | _IS_KEPT | _HAS_TYPED
_ALL_FACTORS: Final = (1 << len(FACTORS)) - 1
_LONGEST_NAME: Final = 255  # octets

MAX_CONTENT_SIZE: Final = 218  # octets: what sealing adds makes 253 of them


class Prompt(IntEnum):
    """What the person was asked. The numbers are of the wire: none is ever used for anything else."""

    MENU = 1
    PASSCODE = 2
    ENROLMENT = 3
    RELAYED = 4
    """The home server's own."""


class State(NamedTuple):
    """What must be remembered from an Access-Challenge to its answer.

    Attributes:
        prompt: what was asked.
        until: Unix seconds of Duo's clock; from then on it is not answered any more.
        has_first_factor: the first factor has accepted the user.
        is_kept: what does not fit is kept elsewhere, under the name of the token.
        menu: the devices that were offered, see `engine.challenges.menu`; without their names for people.
        typed: `TYPED_SIZE` octets of a keyed digest of the password that was typed before; empty for none.
    """

    prompt: Prompt
    until: int
    has_first_factor: bool = False
    is_kept: bool = False
    menu: tuple[Device, ...] = ()
    typed: bytes = b""


def encode_state(state: State, owner: bytes) -> bytes:
    """Return the octets of a State and whose it is, `MAX_CONTENT_SIZE` at most."""
    flags = state.has_first_factor * _FIRST_FACTOR | state.is_kept * _IS_KEPT | bool(state.typed) * _HAS_TYPED
    head = _HEAD.pack(owner, state.prompt, flags, state.until) + state.typed
    menu = state.menu[:MAX_DEVICES]
    names = [device.device.encode() for device in menu]
    octets = head + _encode_menu(menu, names)
    if len(octets) > MAX_CONTENT_SIZE or max(map(len, names), default=0) > _LONGEST_NAME:
        octets = head + _encode_menu(menu, [b""] * len(menu))
    return octets


def decode_state(octets: bytes) -> tuple[State, bytes]:
    """Return a State and whose it is.

    Raises:
        ValueError: the octets are none that `encode_state` makes.
    """
    if len(octets) < _HEAD.size:
        raise ValueError("too short")
    owner, number, flags, until = _HEAD.unpack_from(octets)
    if flags & ~_FLAGS:
        raise ValueError("unknown flags")
    menu_at = _HEAD.size + (TYPED_SIZE if flags & _HAS_TYPED else 0)
    if len(octets) < menu_at:
        raise ValueError("too short")
    menu, typed = _decode_menu(octets[menu_at:]), octets[_HEAD.size : menu_at]
    return State(Prompt(number), until, bool(flags & _FIRST_FACTOR), bool(flags & _IS_KEPT), menu, typed), owner


def _encode_menu(menu: Sequence[Device], names: Sequence[bytes]) -> bytes:
    entries = []
    for device, name in zip(menu, names, strict=True):
        factors = sum(1 << bit for bit, factor in enumerate(FACTORS) if factor in device.capabilities)
        entries.append(bytes((factors, len(name) & _LONGEST_NAME)) + name)
    return b"".join(entries)


def _decode_menu(octets: bytes) -> tuple[Device, ...]:
    menu: list[Device] = []
    offset = 0
    while offset < len(octets):
        if offset + 2 > len(octets) or len(menu) == MAX_DEVICES:
            raise ValueError("no menu")
        factors, end = octets[offset], offset + 2 + octets[offset + 1]
        if factors > _ALL_FACTORS or end > len(octets):
            raise ValueError("no device")
        capabilities = frozenset(factor.value for bit, factor in enumerate(FACTORS) if factors >> bit & 1)
        menu.append(Device(octets[offset + 2 : end].decode(), capabilities))
        offset = end
    return tuple(menu)
