"""What this Duo knows: who is pushed, when they answer, and whether anybody was pushed twice at a time.

No clock, no I/O: instants come in. Chance is a seeded `Random`, so that a run can be had again.
"""

import heapq
import math
from collections import Counter, deque
from random import Random

from bench.lean_duo.distribution import Distribution
from bench.simulator.cloud import State

PASSCODE = "123456"
KEPT_S = 60.0  # from the end of a push's life: so long it can still be asked for
SHOWN_OVERLAPS = 100


class Push:
    """A push, or a phone call."""

    __slots__ = ("has_been_told", "state", "txid", "username", "verdict")

    def __init__(self, txid: str, username: str, state: State, verdict: State) -> None:
        self.txid = txid
        self.username = username
        self.state = state
        self.verdict = verdict  # what it will be, unless somebody decides otherwise
        self.has_been_told = False  # a poll has said that it is under way

    def __repr__(self) -> str:
        return f"<Push {self.txid} {self.username!r} {self.state.name}>"

    @property
    def is_pending(self) -> bool:
        """Whether nobody has decided yet."""
        return self.state is State.PUSHED or self.state is State.CALLING


class Cloud:
    """All pushes, and the referee over them.

    Attributes:
        approval: how long people take; may be replaced at any time, for the pushes that begin after.
        pushes: those that can be asked for, by txid.
        n_pending: how many of them are undecided.
        n_pushes: how many began, by user.
        n_overlaps: pushes that began while the same user had another one pending.
        overlapping: the first users to whom that happened.
        n_decided: verdicts by Duo's word (`allow`, `deny`, `timeout`).
    """

    def __init__(self, approval: Distribution, expires_s: float, random: Random, txid_prefix: str) -> None:
        """Prepare.

        Args:
            approval: how long people take to answer.
            expires_s: how long a push waits for an answer.
            random: draws from `approval`.
            txid_prefix: the first 24 characters of all txids, different for each run.
        """
        self.approval = approval
        self._expires_s = expires_s
        self._random = random
        self._txid_prefix = txid_prefix
        self._n_begun = 0
        self.reset()

    def reset(self) -> None:
        """Forget all pushes and count from nothing."""
        self.pushes: dict[str, Push] = {}
        self._pending: dict[str, int] = {}
        self._due: list[tuple[float, str]] = []
        self._leaving: deque[tuple[float, str]] = deque()
        self.n_pending = 0
        self.n_pushes: Counter[str] = Counter()
        self.n_overlaps = 0
        self.overlapping: list[str] = []
        self.n_decided: Counter[str] = Counter()

    def begin(self, username: str, state: State, now: float) -> Push:
        """Push somebody, or call where `state` is CALLING."""
        self._n_begun += 1
        username = username.lower()
        verdict, after_s = self._habit(username)
        push = Push(f"{self._txid_prefix}{self._n_begun:012x}", username, state, verdict)
        self._count(username)
        self.pushes[push.txid] = push
        heapq.heappush(self._due, (now + after_s, push.txid))
        self._leaving.append((now + self._expires_s + KEPT_S, push.txid))
        return push

    def decide(self, push: Push, state: State) -> None:
        """Move a pending push to a final state: the only place where one changes."""
        push.state = state
        self.n_pending -= 1
        self.n_decided[state.status] += 1
        left = self._pending[push.username] - 1
        if left:
            self._pending[push.username] = left
        else:
            del self._pending[push.username]

    def advance(self, now: float) -> list[Push]:
        """Let those answer whose time has come; return their pushes, and forget the oldest."""
        decided = []
        while self._due and self._due[0][0] <= now:
            push = self.pushes.get(heapq.heappop(self._due)[1])
            if push is not None and push.is_pending:
                self.decide(push, push.verdict)
                decided.append(push)
        while self._leaving and self._leaving[0][0] <= now:
            del self.pushes[self._leaving.popleft()[1]]
        return decided

    def next_due(self) -> float:
        """The instant of the next answer, infinite if none is to come."""
        return self._due[0][0] if self._due else math.inf

    def _count(self, username: str) -> None:
        self.n_pending += 1
        self.n_pushes[username] += 1
        already = self._pending.get(username, 0)
        self._pending[username] = already + 1
        if already:
            self.n_overlaps += 1
            if len(self.overlapping) < SHOWN_OVERLAPS:
                self.overlapping.append(username)

    def _habit(self, username: str) -> tuple[State, float]:
        """What somebody of this name will do, and after how many seconds."""
        initial = username[0] if len(username) == 7 and username[1:].isdigit() else "u"
        after_s = math.inf if initial == "s" else self.approval.draw(self._random)
        if after_s >= self._expires_s:
            return State.TIMED_OUT, self._expires_s
        return (State.DENIED if initial == "n" else State.ALLOWED), after_s
