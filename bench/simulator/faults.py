"""What should go wrong at the simulated Duo: which fault, for which calls and users, for how many or for how long.

The kinds are the words of both simulated Duos. `bench.lean_duo` knows those with a star, and strikes a share of the
calls by a schedule.

| kind | what a client meets | is the call carried out? |
| --- | --- | --- |
| refuse * | connects are refused, open connections are cut | no |
| black_hole * | no answer; where it covers everything, not even a TLS handshake | no |
| slow * | the answer comes `delay_s` later | yes, after the delay |
| trickle * | the answer comes in pieces, spread over `delay_s` | yes |
| status_500 * | HTTP 500 with Duo's JSON | no |
| rate_limit * | HTTP 429 with Duo's JSON, and Retry-After if `retry_after_s` is given | no |
| captive_portal * | HTTP 200 with a login page in HTML | no |
| drop * | the connection ends without one octet of answer | no |
| broken_json * | HTTP 200, half of the JSON | yes |
| reset * | half of the answer, then TCP RST | yes |
| close_after | the answer says Connection: close and keeps its word | yes |
| close_idle | the connection is cut after `delay_s` of idleness, without a word | yes |
| chunked | the answer comes in chunks | yes |
| clock_skew | Duo's clock is `skew_s` ahead: ping and check tell that time, and dates are judged by it | yes |
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec

EVERYTHING = "*"


class FaultKind(StrEnum):
    """The kinds of the table above."""

    REFUSE = "refuse"
    BLACK_HOLE = "black_hole"
    SLOW = "slow"
    TRICKLE = "trickle"
    STATUS_500 = "status_500"
    RATE_LIMIT = "rate_limit"
    CAPTIVE_PORTAL = "captive_portal"
    DROP = "drop"
    BROKEN_JSON = "broken_json"
    RESET = "reset"
    CLOSE_AFTER = "close_after"
    CLOSE_IDLE = "close_idle"
    CHUNKED = "chunked"
    CLOCK_SKEW = "clock_skew"


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that goes wrong.

    Attributes:
        endpoint: `*`, a call in either API flavour (`preauth`, `auth_status`), or a whole path (`/auth/v2/preauth`).
        user: only calls that name a user with this in the name; empty = all calls.
        calls: how many calls it strikes; None = until cleared.
        for_s: how long it lasts; None = until cleared.
        delay_s: for `slow`, `trickle` and `close_idle`.
        retry_after_s: for `rate_limit`; None = no such header.
        skew_s: for `clock_skew`; negative = Duo's clock is behind.
    """

    kind: FaultKind
    endpoint: str = EVERYTHING
    user: str = ""
    calls: int | None = None
    for_s: float | None = None
    delay_s: float = 1.0
    retry_after_s: int | None = None
    skew_s: float = 3600.0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.kind is FaultKind.REFUSE and (self.calls is not None or self.user or self.endpoint != EVERYTHING):
            text = "refuse: connects are counted by nobody and name no endpoint and no user; use for_s or clear it"
            raise ValueError(text)
        if self.calls is not None and self.calls < 1:
            raise ValueError("calls: at least 1")
        if self.delay_s < 0 or (self.for_s is not None and self.for_s <= 0):
            raise ValueError("delay_s and for_s: not negative, and for_s not 0")

    @property
    def shuts_the_door(self) -> bool:
        """Whether new connections feel it before any request."""
        return self.kind is FaultKind.REFUSE or (
            self.kind is FaultKind.BLACK_HOLE and self.endpoint == EVERYTHING and not self.user and self.calls is None
        )

    def strikes(self, path: str, call: str, username: Callable[[], str]) -> bool:
        """Whether it is meant for this call."""
        return self.endpoint in (EVERYTHING, path, call) and (not self.user or self.user in username())


class ActiveFault(NamedTuple):
    """A fault in force: calls left and the instant of its end, each None for no limit."""

    fault: Fault
    calls_left: int | None
    ends_at: float | None


class FaultPlan:
    """The faults in force. Several may strike one call: `slow` and `status_500`, for instance."""

    def __init__(self) -> None:
        self._active: list[ActiveFault] = []

    def __repr__(self) -> str:
        return f"<FaultPlan {' '.join(each.fault.kind for each in self._active) or 'healthy'}>"

    def add(self, fault: Fault, now: float) -> None:
        """Put a fault in force beside the others; one of the same kind, endpoint and user is replaced."""
        place = (fault.kind, fault.endpoint, fault.user)
        self._active = [
            each for each in self._active if (each.fault.kind, each.fault.endpoint, each.fault.user) != place
        ]
        ends_at = None if fault.for_s is None else now + fault.for_s
        self._active.append(ActiveFault(fault, fault.calls, ends_at))

    def clear(self) -> None:
        """Healthy again."""
        self._active.clear()

    def active(self, now: float) -> list[ActiveFault]:
        """What is in force at `now`."""
        if self._active:
            self._active = [each for each in self._active if each.ends_at is None or now < each.ends_at]
        return list(self._active)

    def door(self, now: float) -> FaultKind | None:
        """The fault that new connections feel; refusing comes before not answering."""
        kinds = {each.fault.kind for each in self.active(now) if each.fault.shuts_the_door}
        if FaultKind.REFUSE in kinds:
            return FaultKind.REFUSE
        return FaultKind.BLACK_HOLE if kinds else None

    def next_end(self, now: float) -> float | None:
        """When the next fault ends by itself."""
        return min((each.ends_at for each in self.active(now) if each.ends_at is not None), default=None)

    def take(
        self, path: str, call: str, now: float, username: Callable[[], str] = lambda: ""
    ) -> dict[FaultKind, Fault]:
        """The faults that strike this call; it counts against their number of calls."""
        if not self._active:
            return {}
        struck = {}
        remaining = []
        for active in self.active(now):
            fault, calls_left, ends_at = active
            if not fault.strikes(path, call, username):
                remaining.append(active)
                continue
            struck[fault.kind] = fault
            if calls_left is None:
                remaining.append(active)
            elif calls_left > 1:
                remaining.append(ActiveFault(fault, calls_left - 1, ends_at))
        self._active = remaining
        return struck


def duo_time(faults: Mapping[FaultKind, Fault], unix_now: float) -> float:
    """What Duo's clock shows, in Unix seconds, to a call that these faults strike."""
    skewed = faults.get(FaultKind.CLOCK_SKEW)
    return unix_now + skewed.skew_s if skewed else unix_now
