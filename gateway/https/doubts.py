"""When a call that waits for its answer is asked a second time, on a new connection, without any I/O.

Firewalls, NATs and balancers that fail over forget connections without a word: what is written to one of these is lost,
while new connections to Duo work all the time. A slow Duo looks the same, but for two things: TCP acknowledges what a
slow Duo has got, and a slow Duo is slow on a new connection, too. Rules:

- A call whose octets nobody acknowledges is asked anew after `OVERDUE_S`. Its connection is dead as far as can be told.
  So may be those of all other calls that wait, which were acknowledged before: what changes nothing at Duo is asked
  anew as well.
- Behind an HTTP proxy or a balancer the other end of TCP is not Duo, and acknowledges for ever. So twice a second at
  most an overdue call, of those that change nothing at Duo, is asked a second time as a scout. If that answer comes
  first, the connections of all calls that had been asked before the scout are as good as dead.
- What has waited for half of its time, or `PATIENCE_S`, is asked a second time whatever is known.
- Both askings go on, and the first answer counts. So a Duo that is slow after all has lost nothing, and nobody's right
  passcode is refused because it came twice.
- A call that must not be repeated waits for its one connection. It is given up when nobody has acknowledged it for
  `GIVE_UP_S`: at a fifth of all segments lost either way that happens to one in 200.
- A call is asked a second time once. After that only a connection that is as good as dead is left for another.
"""

from enum import Enum
from typing import Final, NamedTuple

OVERDUE_S: Final = 0.6  # TCP has sent the octets three times by then, on ways of up to 100 ms there and back
PATIENCE_S: Final = 4.0
GIVE_UP_S: Final = 3.0
SCOUT_INTERVAL_S: Final = 0.5
ROUND_TRIPS: Final = 3.0  # until an acknowledgement is missing
DELAYED_ACK_S: Final = 0.2

_NEVER: Final = float("-inf")


class Judgement(Enum):
    """What to do about a call that waits."""

    WAIT = "wait"
    ASK_TWICE = "ask twice"
    ASK_ANEW = "ask anew"
    """As ASK_TWICE, and it is the connection's fault, not Duo's."""
    GIVE_UP = "give up"


class Waiting(NamedTuple):
    """A brief call on the wire.

    Attributes:
        began_at: when its octets were written.
        deadline: when it fails if there is no answer.
        is_repeatable: whether asking twice does no harm.
        is_question: whether it changes nothing at Duo, however often it is asked.
        is_retry: whether it has been asked a second time.
        is_unheard: see the function of that name.
    """

    began_at: float
    deadline: float
    is_repeatable: bool
    is_question: bool
    is_retry: bool
    is_unheard: bool


def is_unheard(n_unacknowledged: int, round_trip_s: float, age_s: float) -> bool:
    """Whether nobody seems to be there any more: TCP waits for an acknowledgement for longer than the way explains."""
    return n_unacknowledged > 0 and age_s >= max(OVERDUE_S, ROUND_TRIPS * round_trip_s + DELAYED_ACK_S)


class Doubts:
    """Judges the calls of one pool that are overdue, and learns from what became of those asked twice."""

    __slots__ = ("_doubtful_before", "_scout_at", "_stale_before")

    def __init__(self) -> None:
        self._stale_before = self._doubtful_before = self._scout_at = _NEVER

    def judge(self, call: Waiting, now: float) -> Judgement:
        """Say what to do about a call that has waited for `OVERDUE_S` or longer."""
        age_s = now - call.began_at
        if call.is_unheard:
            self._doubtful_before = now
        if not call.is_repeatable:
            return Judgement.GIVE_UP if call.is_unheard and age_s >= GIVE_UP_S else Judgement.WAIT
        blamed_before = self._doubtful_before if call.is_question else self._stale_before
        if call.is_unheard or call.began_at < blamed_before:
            return Judgement.ASK_ANEW
        if call.is_retry:
            return Judgement.WAIT
        if age_s >= min(PATIENCE_S, (call.deadline - call.began_at) / 2):
            return Judgement.ASK_TWICE
        return Judgement.ASK_TWICE if call.is_question and now >= self._scout_at else Judgement.WAIT

    def asked_twice(self, now: float) -> None:
        """Note that a call is being asked a second time."""
        self._scout_at = now + SCOUT_INTERVAL_S

    def answered_first(self, began_at: float) -> None:
        """Note that a second asking, which began then, was answered before the first one."""
        self._stale_before = max(self._stale_before, began_at)
        self._doubtful_before = max(self._doubtful_before, began_at)
