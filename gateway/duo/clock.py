"""Duo's time, for the Date header: begun with the machine's wall clock, and from then on Duo's own.

Duo refuses a call whose date is minutes off. The wall clock may be wrong, and may jump while the gateway runs, so it
is read once, at the start. A clock that nobody sets (CLOCK_BOOTTIME, which goes on while the machine is suspended)
carries the time on, and what Duo tells of its own clock corrects it.

Instants are readings of that clock, in seconds; they come in as arguments.
"""

from email.utils import formatdate, parsedate_to_datetime
from typing import Final

BELIEVABLE: Final = range(1, 7_258_118_400)  # Unix seconds up to the year 2200: what Duo tells may be any number


class DuoClock:
    """Tells Duo's time at any instant.

    Attributes:
        is_told: whether Duo has told its time.
        told_at: the instant at which it last did, minus infinity before it has.
    """

    __slots__ = ("_ahead_s", "_date", "_date_until", "is_told", "told_at")

    def __init__(self, unix_now: float, now: float) -> None:
        """Begin with what the machine's wall clock says at the instant `now`."""
        self._ahead_s = unix_now - now
        self._date_until = float("-inf")
        self._date = ""
        self.is_told = False
        self.told_at = float("-inf")

    def unix_time(self, now: float) -> float:
        """Return Duo's time at the instant `now`, in Unix seconds."""
        return now + self._ahead_s

    def date(self, now: float) -> str:
        """Return Duo's time at the instant `now` as a Date header; made once a second."""
        unix_now = now + self._ahead_s
        if not self._date_until - 1.0 <= unix_now < self._date_until:
            second = int(unix_now)
            self._date_until = second + 1.0
            self._date = formatdate(second)
        return self._date

    def told(self, duo_time: int, asked_at: float, now: float) -> float:
        """Take the time that Duo told, and return by how many seconds that corrected the clock.

        Duo read its clock, in whole seconds, at some instant between `asked_at` and `now`. A clock that agrees with
        that stays as it is, and a time that no clock of Duo's would show is not heard: 0.0.
        """
        if duo_time not in BELIEVABLE:
            return 0.0
        self.is_told = True
        self.told_at = now
        least, most = duo_time - now, duo_time + 1 - asked_at
        if least <= self._ahead_s <= most:
            return 0.0
        correction_s = (least + most) / 2 - self._ahead_s
        self._ahead_s += correction_s
        return correction_s


def unix_time_of(date: str) -> int:
    """Return the Unix seconds of a Date header; 0, which is not `BELIEVABLE`, for what is none."""
    try:
        instant = parsedate_to_datetime(date)
    except (ValueError, OverflowError, TypeError):
        return 0
    return int(instant.timestamp()) if instant.tzinfo is not None else 0
