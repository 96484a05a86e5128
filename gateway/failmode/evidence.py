"""What one worker has seen of one Duo application, in a few numbers that fit into shared memory.

The rules:

- An answer is whatever shows that the service is there: Duo's verdicts, its refusals in its own words, and HTTP 429.
- What was asked before the last answer says nothing about now: only calls asked since then count as failing or
  overdue. `since` is that instant; the supervisor tells it to all workers, so that an answer in one of them ends the
  count in all.
- Users are counted, not calls: however often one user's odd login fails, it is one. The kernel steers each user to one
  worker, so that the numbers of all workers add up.
- A long poll is answered when a person has decided, and its time-out says nothing: not its answer either, for Duo may
  go on telling of old pushes while no login can begin. It names no user: when it fails otherwise, as where its
  connection dies and there is no way to a new one, that is trouble worth a look and counts for nobody.
- Users whose calls failed lately are counted beside that, whatever has been answered since: a person has to learn of
  them, and they are no reason for fail mode.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from gateway.duoapi.calls import Auth, Call, Preauth
from gateway.unavailable import Trouble

SILENCE_S: Final = 0.5  # without an answer while calls wait: worth a look
OVERDUE_S: Final = 1.0  # a call that waits longer has failed as far as can be told
PATIENCE_FACTOR: Final = 3.0  # times what is typical, where that is more
LONGEST_PATIENCE_S: Final = 4.0
LATE_S: Final = 0.5  # our own pause: answers may lie unread in sockets, and nothing is overdue
LATELY_S: Final = 10.0
MAX_USERS: Final = 64  # told apart; more make no difference

_FIRST_TYPICAL_S: Final = 0.125
_RISE, _FALL = 1.2, 0.99  # in balance when one answer in 20 takes longer: log(1.2) is 19 times -log(0.99)
_SAME_INSTANT_S: Final = 1e-6  # instants lose the last bits of a float on their way through shared memory
_TROUBLES: Final = tuple(Trouble)


class Evidence(NamedTuple):
    """What is known; instants are monotonic seconds, 0 for never, and all are plain numbers.

    Attributes:
        since: what counts was asked at this instant or later.
        answered_at: when the last answer came.
        troubled_at: when a call last failed or was refused for keys or clock.
        waiting_since: when the oldest call of a login that has no answer yet was asked, since `since`; 0 for none.
        typical_s: what few answers exceed (one in 20).
        n_failing: different users whose calls failed.
        n_overdue: other users whose calls wait for longer than `patience_s`.
        n_lately: different users whose calls ended without an answer in the last `LATELY_S`, whatever was answered.
        trouble: the number of the last trouble, 0 for none.
    """

    since: float = 0.0
    answered_at: float = 0.0
    troubled_at: float = 0.0
    waiting_since: float = 0.0
    typical_s: float = 0.0
    n_failing: float = 0
    n_overdue: float = 0
    n_lately: float = 0
    trouble: float = 0

    @property
    def last_trouble(self) -> Trouble | None:
        """The trouble that `trouble` numbers."""
        return _TROUBLES[int(self.trouble) - 1] if self.trouble else None


class Witness:
    """Hears of every call of one application, and keeps what counts; cheap enough for each call of the hot path."""

    __slots__ = (
        "_answered_at",
        "_failing",
        "_lately",
        "_pending",
        "_shown_at",
        "_since",
        "_trouble",
        "_troubled_at",
        "_typical_s",
    )

    def __init__(self) -> None:
        self._pending: dict[object, tuple[Preauth | Auth, float]] = {}  # in the order in which they were asked
        self._failing: dict[str, float] = {}  # users, and when the call was asked that failed
        self._lately: dict[str, float] = {}  # users, and when their last call failed; in that order
        self._since = self._answered_at = self._troubled_at = self._shown_at = 0.0
        self._typical_s = _FIRST_TYPICAL_S
        self._trouble = 0

    def asked(self, call: Call, token: object, now: float) -> None:
        """Note a call of a login; `token` tells calls apart."""
        if type(call) is Preauth or type(call) is Auth:
            self._pending[token] = (call, now)

    def answered(self, call: Call, token: object, seconds: float, now: float) -> None:
        """Note an answer, `seconds` after the call was asked."""
        if self._pending.pop(token, None) is not None:
            typical_s = self._typical_s
            self._typical_s = typical_s * (_RISE if seconds > typical_s else _FALL)
        elif not (type(call) is Preauth or type(call) is Auth):
            return  # what became of a push, or our own question: logins may fail all the same
        self._since = self._answered_at = now
        if self._failing:
            self._failing.clear()

    def postponed(self, call: Call, token: object, now: float) -> None:
        """Note HTTP 429, an answer, after which the call is going to be asked again."""
        self._pending.pop(token, None)
        self._heard(call, now)

    def failed(
        self,
        call: Call,
        token: object,
        trouble: Trouble,
        detail: str,  # noqa: ARG002 -- the shape is that of `duo.observer.CallObserver`
        seconds: float,  # noqa: ARG002
        now: float,
    ) -> None:
        """Note that a call ended without an answer that could be used."""
        user, asked_at = self._forget(token)
        if trouble is Trouble.BUSY:
            return
        if trouble is Trouble.RATE_LIMIT:
            self._heard(call, now)
            return
        if user:
            self._note_user(user, trouble, now)
        if trouble is Trouble.TIMEOUT and asked_at < self._since:
            return  # it waited in vain, before
        if trouble is Trouble.PROXY and user and asked_at < self._since:
            return  # it waited for a connection, before
        self._note_trouble(trouble, now)
        if trouble is Trouble.CONFIGURATION or trouble is Trouble.CLOCK:
            self._heard(call, now)
        elif asked_at >= self._since:
            self._note_failing(user, asked_at)

    def forgotten(self, token: object) -> None:
        """Note that nobody wants to know any more."""
        self._pending.pop(token, None)

    def evidence(self, now: float, since: float, ping_s: float = 0.0) -> Evidence:
        """Return what is known, to be shown ten times a second; after a pause of more than `LATE_S` nobody is overdue.

        Args:
            now: the instant.
            since: what the supervisor has published: nothing asked earlier counts any more.
            ping_s: the same, of what Duo takes to answer a ping at present.
        """
        if since > self._since:
            self._since = since
            self._failing = {user: asked_at for user, asked_at in self._failing.items() if asked_at >= since}
        waiting_since, n_overdue = self._waiting(now, max(self._typical_s, ping_s))
        is_late = now - self._shown_at > LATE_S
        self._shown_at = now
        return Evidence(
            self._since,
            self._answered_at,
            self._troubled_at,
            waiting_since,
            self._typical_s,
            len(self._failing),
            0 if is_late else n_overdue,
            self._count_lately(now),
            self._trouble,
        )

    def __repr__(self) -> str:
        return f"<Witness pending={len(self._pending)} failing={len(self._failing)} lately={len(self._lately)}>"

    def _heard(self, call: Call, now: float) -> None:
        if type(call) is Preauth or type(call) is Auth:
            self._since = self._answered_at = now
            self._failing.clear()

    def _note_trouble(self, trouble: Trouble, now: float) -> None:
        self._troubled_at = now
        self._trouble = _TROUBLES.index(trouble) + 1

    def _note_user(self, user: str, trouble: Trouble, now: float) -> None:
        self._trouble = _TROUBLES.index(trouble) + 1
        self._lately.pop(user, None)
        if len(self._lately) < MAX_USERS:
            self._lately[user] = now

    def _note_failing(self, user: str, asked_at: float) -> None:
        if len(self._failing) >= MAX_USERS and user not in self._failing:
            del self._failing[next(iter(self._failing))]  # the latest count: they are of the trial that goes on
        self._failing[user] = asked_at

    def _count_lately(self, now: float) -> int:
        while self._lately and next(iter(self._lately.values())) < now - LATELY_S:
            del self._lately[next(iter(self._lately))]
        return len(self._lately)

    def _forget(self, token: object) -> tuple[str, float]:
        """Return a call's user and when it was asked; nobody, and long ago, where no login's first asking is meant."""
        known = self._pending.pop(token, None)
        return (known[0].username.lower(), known[1]) if known is not None else ("", float("-inf"))

    def _waiting(self, now: float, typical_s: float) -> tuple[float, int]:
        """Return since when calls wait that count, and how many users' wait has been too long."""
        overdue_at = now - patience_s(typical_s, OVERDUE_S)
        oldest = 0.0
        overdue: set[str] = set()
        for call, asked_at in reversed(self._pending.values()):
            if asked_at < self._since:
                break
            oldest = asked_at
            if asked_at <= overdue_at and len(overdue) < MAX_USERS:
                overdue.add(call.username.lower())
        return oldest, len(overdue - self._failing.keys())


def patience_s(typical_s: float, least_s: float, factor: float = PATIENCE_FACTOR) -> float:
    """Return how long to wait for an answer that typically takes `typical_s`, at least `least_s`."""
    return max(least_s, min(factor * typical_s, LONGEST_PATIENCE_S))


def add_up(evidence: Iterable[Evidence], since: float) -> Evidence:
    """Return what all workers have seen together since `since`, or since the last answer that any of them had.

    A worker that does not know of that answer yet counts nothing: it will have heard next time.
    """
    known = list(evidence)
    since = max([since, *[each.answered_at for each in known]])
    current = [each for each in known if each.since >= since - _SAME_INSTANT_S]
    last = max(known, key=lambda each: (each.troubled_at, each.trouble), default=Evidence())
    return Evidence(
        since,
        max([each.answered_at for each in known], default=0.0),
        last.troubled_at,
        min([each.waiting_since for each in current if each.waiting_since], default=0.0),
        max([each.typical_s for each in known], default=0.0),
        sum(each.n_failing for each in current),
        sum(each.n_overdue for each in current),
        sum(each.n_lately for each in known),
        last.trouble,
    )
