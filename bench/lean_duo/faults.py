"""What goes wrong at the simulated Duo, and when.

| kind | what a client meets | is the call carried out? |
| --- | --- | --- |
| delay | the answer comes `delay_s` later, a number or a distribution (`lognormal:2,0.5,30`) | yes, after the delay |
| slow | the answer comes in pieces, spread over `delay_s` | yes |
| broken_json | HTTP 200, half of the JSON | yes |
| reset | half of the answer, then TCP RST | yes |
| 500 | HTTP 500 with Duo's JSON | no |
| 429 | HTTP 429 with Duo's JSON | no |
| html | HTTP 200 with a login page | no |
| drop | the connection ends without one octet of answer | no |
| hang | no answer ever; with a share of 1 new connections are not served either, and go on when it ends | no |
| refuse | connects are refused, and open connections are cut | no |
"""

import math
from collections.abc import Iterable
from enum import StrEnum
from random import Random
from typing import NamedTuple

import msgspec

from bench.lean_duo.distribution import read_distribution


class FaultKind(StrEnum):
    """The kinds of the table above."""

    DELAY = "delay"
    SLOW = "slow"
    BROKEN_JSON = "broken_json"
    RESET = "reset"
    STATUS_500 = "500"
    STATUS_429 = "429"
    HTML = "html"
    DROP = "drop"
    HANG = "hang"
    REFUSE = "refuse"


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a schedule.

    Attributes:
        kind: what goes wrong.
        at_s: seconds from the schedule's start.
        for_s: how long it lasts; None = to the end.
        share: of the calls that it strikes, above 0 and up to 1.
        delay_s: for `delay` and `slow`, seconds or the text of a distribution.
    """

    kind: FaultKind
    at_s: float = 0.0
    for_s: float | None = None
    share: float = 1.0
    delay_s: float | str = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not 0 < self.share <= 1:
            raise ValueError("share: above 0, and 1 at most")
        if self.at_s < 0 or (self.for_s is not None and self.for_s <= 0):
            raise ValueError("at_s and for_s: not negative, and for_s not 0")
        if self.kind is FaultKind.REFUSE and self.share < 1:
            raise ValueError("refuse: a port refuses all connects or none, so that share is 1")
        if math.isinf(max(read_distribution(str(self.delay_s)).figures)):
            raise ValueError("delay_s: not infinite; that is `hang`")


class Misfortune(NamedTuple):
    """What befalls one call: a delay, and then what `kind` says, which is DELAY where that is all."""

    kind: FaultKind
    delay_s: float
    spread_s: float  # for SLOW


class Schedule:
    """The faults of a run. Of several at a time delays add up, and of the others the first that strikes counts."""

    def __init__(self, faults: Iterable[Fault], started_at: float, random: Random) -> None:
        """Take the entries; their times count from the instant `started_at`."""
        self.faults = tuple(faults)
        self.started_at = started_at
        self._random = random
        self._spans = [_span(fault, started_at) for fault in self.faults]

    def active(self, now: float) -> list[Fault]:
        """What strikes at `now`."""
        return [fault for fault, (begin, end) in zip(self.faults, self._spans, strict=True) if begin <= now < end]

    def refuses(self, now: float) -> bool:
        """Whether nobody can connect."""
        return any(fault.kind is FaultKind.REFUSE for fault in self.active(now))

    def holds(self, now: float) -> bool:
        """Whether new connections are left alone."""
        return any(fault.kind is FaultKind.HANG and fault.share == 1 for fault in self.active(now))

    def instants(self) -> set[float]:
        """The instants at which something begins or ends."""
        return {instant for span in self._spans for instant in span if instant < math.inf}

    def strike(self, now: float) -> Misfortune | None:
        """What befalls the call that comes at `now`; None = nothing."""
        struck = [fault for fault in self.active(now) if fault.share == 1 or self._random.random() < fault.share]
        if not struck:
            return None
        delay_s = sum(self._seconds(fault) for fault in struck if fault.kind is FaultKind.DELAY)
        worst = next((fault for fault in struck if fault.kind is not FaultKind.DELAY), struck[0])
        spread_s = self._seconds(worst) if worst.kind is FaultKind.SLOW else 0.0
        return Misfortune(worst.kind, delay_s, spread_s)

    def _seconds(self, fault: Fault) -> float:
        return read_distribution(str(fault.delay_s)).draw(self._random)


def _span(fault: Fault, started_at: float) -> tuple[float, float]:
    begin = started_at + fault.at_s
    return begin, math.inf if fault.for_s is None else begin + fault.for_s


def read_faults(text: bytes) -> tuple[Fault, ...]:
    """Return the faults of a JSON text: a list of objects with the fields of `Fault`, or one such object.

    Raises:
        ValueError: not such a list; the text names the place.
    """
    return _decode_list(text) if text.lstrip().startswith(b"[") else (_decode_one(text),)


_decode_list = msgspec.json.Decoder(tuple[Fault, ...]).decode
_decode_one = msgspec.json.Decoder(Fault).decode
