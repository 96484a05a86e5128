"""What an input is made of: a seed, with a few of its octets or parts changed."""

from collections.abc import Callable, Sequence
from random import Random

from tests.fuzz.parts import Octets, Part, Seed

_N_CHANGES = (0, 1, 1, 1, 1, 2, 2, 3, 4, 8)
_GOES_DEEPER = 0.8
_KEEPS_KIND = 0.9
_BREAKS_FRAMES = 0.15
_CHANGES_HEAD = 0.1
_IS_NOISE = 0.01
_TELLING = (0, 1, 2, 3, 4, 0x0A, 0x1F, 0x20, 0x2C, 0x30, 0x7F, 0x80, 0x81, 0x82, 0x84, 0x85, 0xC2, 0xF4, 0xFE, 0xFF)
_OFTEN = 300

Chance = Callable[[], float]
"""Returns a number in 0..1, 1 left out."""

Kind = tuple[object, bool]


def _kind(part: Part) -> Kind:
    """Return what is the same for parts that may stand for each other."""
    return getattr(part.frame, "func", part.frame), not part.parts


class Mutator:
    """Makes inputs of seeds; the same ones whenever chance is the same."""

    def __init__(self, seeds: Sequence[Seed], random: Random, max_size: int) -> None:
        self._seeds = tuple(seeds)
        self._random = random
        self._chance = random.random
        self._max_size = max_size
        self._known = [part for seed in seeds for part in seed.body.walk()]
        self._of_kind: dict[Kind, list[Part]] = {}
        for part in self._known:
            self._of_kind.setdefault(_kind(part), []).append(part)

    def next(self) -> bytes:
        """Return the next input."""
        chance = self._chance
        head, part = self._seeds[int(chance() * len(self._seeds))]
        if chance() < _CHANGES_HEAD:
            head = _any_octet(head, int(chance() * len(head)), b"", chance)[: len(head)]
        if chance() < _IS_NOISE:
            return head + self._random.randbytes(int(chance() ** 3 * self._max_size))
        for _ in range(_N_CHANGES[int(chance() * len(_N_CHANGES))]):
            part = self._changed(part)
            if len(part.octets) > self._max_size:  # often what is there often would take all memory
                break
        octets = part.octets
        if chance() < _BREAKS_FRAMES:
            octets = self._changed_octets(octets)
        return head + octets[: self._max_size]

    def _changed(self, part: Part) -> Part:
        """Return a part with one change somewhere in it."""
        chance, parts = self._chance, part.parts
        if not parts:
            return Octets(self._changed_octets(part.octets))
        at = int(chance() * len(parts))
        if chance() < _GOES_DEEPER:
            changed: tuple[Part, ...] = (self._changed(parts[at]),)
        else:
            others = (chance() < _KEEPS_KIND and self._of_kind.get(_kind(parts[at]))) or self._known
            other = others[int(chance() * len(others))]
            changed = _PART_CHANGES[int(chance() * len(_PART_CHANGES))](parts[at], other, chance)
        return Part(part.frame, parts[:at] + changed + parts[at + 1 :])

    def _changed_octets(self, octets: bytes) -> bytes:
        """Return octets with one change somewhere in them."""
        chance = self._chance
        at = int(chance() * (len(octets) + 1))
        other = self._known[int(chance() * len(self._known))].octets
        return _OCTET_CHANGES[int(chance() * len(_OCTET_CHANGES))](octets, at, other, chance)


# What becomes of a part: of itself, another one and chance.

PartChange = Callable[[Part, Part, Chance], tuple[Part, ...]]


def _without(part: Part, other: Part, chance: Chance) -> tuple[Part, ...]:
    return ()


def _twice(part: Part, other: Part, chance: Chance) -> tuple[Part, ...]:
    return (part, part)


def _often(part: Part, other: Part, chance: Chance) -> tuple[Part, ...]:
    return (part,) * int(chance() ** 6 * _OFTEN)


def _with_other(part: Part, other: Part, chance: Chance) -> tuple[Part, ...]:
    return (part, other) if chance() < 0.5 else (other, part)


def _other(part: Part, other: Part, chance: Chance) -> tuple[Part, ...]:
    return (other,)


def _in_other_frame(part: Part, other: Part, chance: Chance) -> tuple[Part, ...]:
    return (Part(other.frame, part.parts or (part,)),)


def _empty(part: Part, other: Part, chance: Chance) -> tuple[Part, ...]:
    return (Part(part.frame),)


def _of_other_parts(part: Part, other: Part, chance: Chance) -> tuple[Part, ...]:
    return (Part(part.frame, other.parts or (other,)),)


_PART_CHANGES: tuple[PartChange, ...] = (
    _without, _twice, _often, _with_other, _other, _in_other_frame, _empty, _of_other_parts,
)  # fmt: skip

# What becomes of octets: of themselves, a place from 0 to their end, other ones and chance.

OctetChange = Callable[[bytes, int, bytes, Chance], bytes]


def _one_bit(octets: bytes, at: int, other: bytes, chance: Chance) -> bytes:
    return octets[:at] + bytes([octet ^ 1 << int(chance() * 8) for octet in octets[at : at + 1]]) + octets[at + 1 :]


def _any_octet(octets: bytes, at: int, other: bytes, chance: Chance) -> bytes:
    return octets[:at] + bytes((int(chance() * 256),)) + octets[at + 1 :]


def _telling_octet(octets: bytes, at: int, other: bytes, chance: Chance) -> bytes:
    return octets[:at] + bytes((_TELLING[int(chance() * len(_TELLING))],)) + octets[at + 1 :]


def _a_little_more_or_less(octets: bytes, at: int, other: bytes, chance: Chance) -> bytes:
    changed = [octet + int(chance() * 9) - 4 & 0xFF for octet in octets[at : at + 1]]
    return octets[:at] + bytes(changed) + octets[at + 1 :]


def _inserted(octets: bytes, at: int, other: bytes, chance: Chance) -> bytes:
    return octets[:at] + bytes([int(chance() * 256) for _ in range(1 + int(chance() * 4))]) + octets[at:]


def _removed(octets: bytes, at: int, other: bytes, chance: Chance) -> bytes:
    return octets[:at] + octets[at + 1 + int(chance() ** 3 * len(octets)) :]


def _cut(octets: bytes, at: int, other: bytes, chance: Chance) -> bytes:
    return octets[:at]


def _repeated(octets: bytes, at: int, other: bytes, chance: Chance) -> bytes:
    return octets[:at] + octets[at : at + 1 + int(chance() * 8)] * int(chance() ** 6 * _OFTEN) + octets[at:]


def _with_others(octets: bytes, at: int, other: bytes, chance: Chance) -> bytes:
    return octets[:at] + other + octets[at:]


def _over_written(octets: bytes, at: int, other: bytes, chance: Chance) -> bytes:
    return octets[:at] + other + octets[at + len(other) :]


def _exchanged(octets: bytes, at: int, other: bytes, chance: Chance) -> bytes:
    return octets[:at] + other[int(chance() * len(other)) :]


_OCTET_CHANGES: tuple[OctetChange, ...] = (
    _one_bit, _any_octet, _telling_octet, _telling_octet, _a_little_more_or_less, _inserted, _removed, _cut, _repeated,
    _with_others, _over_written, _exchanged,
)  # fmt: skip
