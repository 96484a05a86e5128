"""What goes wrong at the simulated Duo, and when: `KINDS`, whose words are those of `bench.simulator.faults`.

A `black_hole` with a share of 1 does not serve new connections either, which go on when it ends. Of `delay_s` a number
is as good as a distribution (`lognormal:2,0.5,30`).
"""

import math
from collections.abc import Iterable
from random import Random
from typing import NamedTuple

import msgspec

from bench.lean_duo.distribution import read_distribution
from bench.simulator.faults import FaultKind

KINDS = (
    FaultKind.REFUSE,
    FaultKind.BLACK_HOLE,
    FaultKind.SLOW,
    FaultKind.TRICKLE,
    FaultKind.STATUS_500,
    FaultKind.RATE_LIMIT,
    FaultKind.CAPTIVE_PORTAL,
    FaultKind.DROP,
    FaultKind.BROKEN_JSON,
    FaultKind.RESET,
)


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a schedule.

    Attributes:
        kind: what goes wrong, one of `KINDS`.
        at_s: seconds until it begins.
        for_s: how long it lasts; None = to the end.
        share: of the calls that it strikes, above 0 and up to 1.
        delay_s: for `slow` and `trickle`, seconds or the text of a distribution.
    """

    kind: FaultKind
    at_s: float = 0.0
    for_s: float | None = None
    share: float = 1.0
    delay_s: float | str = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind}: not here; write {', '.join(KINDS)}")
        if not 0 < self.share <= 1:
            raise ValueError("share: above 0, and 1 at most")
        if self.at_s < 0 or (self.for_s is not None and self.for_s <= 0):
            raise ValueError("at_s and for_s: not negative, and for_s not 0")
        if self.kind is FaultKind.REFUSE and self.share < 1:
            raise ValueError("refuse: a port refuses all connects or none, so that share is 1")
        if math.isinf(max(read_distribution(str(self.delay_s)).figures)):
            raise ValueError("delay_s: not infinite; that is `black_hole`")


class Misfortune(NamedTuple):
    """What befalls one call: a delay, and then what `kind` says, which is SLOW where that is all."""

    kind: FaultKind
    delay_s: float
    spread_s: float  # for TRICKLE


class Planned(NamedTuple):
    """A fault, and the instants between which it strikes; `ends_at` is infinite where it has no end."""

    fault: Fault
    begins_at: float
    ends_at: float

    def strikes(self, now: float) -> bool:
        """Whether it does."""
        return self.begins_at <= now < self.ends_at


class Schedule:
    """What goes wrong and will. Of several at a time delays add up, and of the others the first that strikes counts.

    Attributes:
        planned: in the order in which they came, those that are over included.
    """

    def __init__(self, random: Random) -> None:
        self.planned: list[Planned] = []
        self._random = random

    def add(self, faults: Iterable[Fault], now: float) -> None:
        """Take further ones; their times count from `now`."""
        self.planned += [_planned(fault, now) for fault in faults]

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self.planned.clear()

    def active(self, now: float) -> list[Fault]:
        """What strikes at `now`."""
        return [each.fault for each in self.planned if each.strikes(now)]

    def refuses(self, now: float) -> bool:
        """Whether nobody can connect."""
        return any(fault.kind is FaultKind.REFUSE for fault in self.active(now))

    def holds(self, now: float) -> bool:
        """Whether new connections are left alone."""
        return any(fault.kind is FaultKind.BLACK_HOLE and fault.share == 1 for fault in self.active(now))

    def instants(self) -> set[float]:
        """The instants at which something begins or ends."""
        instants = {instant for each in self.planned for instant in (each.begins_at, each.ends_at)}
        return {instant for instant in instants if instant < math.inf}

    def strike(self, now: float) -> Misfortune | None:
        """What befalls the call that comes at `now`; None = nothing."""
        struck = [fault for fault in self.active(now) if fault.share == 1 or self._random.random() < fault.share]
        if not struck:
            return None
        delay_s = sum(self._seconds(fault) for fault in struck if fault.kind is FaultKind.SLOW)
        worst = next((fault for fault in struck if fault.kind is not FaultKind.SLOW), struck[0])
        spread_s = self._seconds(worst) if worst.kind is FaultKind.TRICKLE else 0.0
        return Misfortune(worst.kind, delay_s, spread_s)

    def _seconds(self, fault: Fault) -> float:
        return read_distribution(str(fault.delay_s)).draw(self._random)


def _planned(fault: Fault, now: float) -> Planned:
    begins_at = now + fault.at_s
    return Planned(fault, begins_at, math.inf if fault.for_s is None else begins_at + fault.for_s)


def read_faults(text: bytes) -> tuple[Fault, ...]:
    """Return the faults of a JSON text: a list of objects with the fields of `Fault`, or one such object.

    Raises:
        ValueError: not such a list; the text names the place.
    """
    return _decode_list(text) if text.lstrip().startswith(b"[") else (_decode_one(text),)


_decode_list = msgspec.json.Decoder(tuple[Fault, ...]).decode
_decode_one = msgspec.json.Decoder(Fault).decode
