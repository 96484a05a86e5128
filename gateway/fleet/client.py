"""Who asks the fleet for one worker's logins, and lets it know how far they are: `Claims` decides, this performs.

Nothing here waits. While the store cannot be reached, or is late, or while nobody can be heard, every claim is granted
at once, as without a fleet.
"""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, final

from gateway.engine.asking import Asking
from gateway.engine.challenges.records import ChallengeRecord
from gateway.engine.effects import ShareEnd, ShareLogin
from gateway.engine.pending import PendingLogin
from gateway.engine.records import packed_verdict
from gateway.engine.verdict import Verdict
from gateway.fleet import script_answers, scripts
from gateway.fleet.claims import Claims
from gateway.fleet.connection import Asked
from gateway.fleet.effects import AnswerLogin, Count, Displaced, Effect, Publish, RunScript
from gateway.fleet.hosts import Hosts
from gateway.fleet.mailbox import Mailbox
from gateway.fleet.opening import Opener
from gateway.fleet.patience import Away, Patience
from gateway.fleet.state_client import StateClient
from gateway.fleet.states import States
from gateway.fleet.store import Store, StoreOwner
from gateway.fleetapi.names import ALL_HOSTS, Sealing, mailbox
from gateway.fleetapi.questions import Answer, Claim, Held, Join, Question, UseState
from gateway.fleetapi.resp import Answer as StoreAnswer
from gateway.fleetapi.resp import Refused
from gateway.statistics.layout import DEAF, SHARED

OnAnswer = Callable[[Answer], None]
TOLD_S: Final = 1.0
USABLE_S: Final = 1.0
_clock: Final = time.monotonic
_SCRIPTS: Final = {
    script_answers.CLAIM: scripts.CLAIM,
    script_answers.LOOK: scripts.LOOK,
    script_answers.WRITE: scripts.WRITE,
    script_answers.TAKE: scripts.TAKE,
    script_answers.RELEASE: scripts.RELEASE,
}


class FleetClient(StoreOwner):
    """Asks the fleet, from `start` to `close`.

    Args:
        instance: of this gateway.
        host: its name, for the logs of others.
        opener: knows the way to the store.
        patience: how long a claim is waited for.
        sealing: seals, and opens.
        draw: returns so many unpredictable octets.
        duo_time: returns Duo's time, Unix seconds; None while no Duo has told it.
        count: is told each outcome of a claim.
        on_waited: is told for how many seconds a claim has waited.
        on_displaced: is told of a login whose push another host has taken over.
        on_standing: is told whether logins are shared, or why not, when that has changed: one of `FLEET_SHARING`.
        ask_duo_time: has Duo asked for its time.
    """

    def __init__(
        self,
        instance: str,
        host: str,
        opener: Opener,
        patience: Patience,
        sealing: Sealing,
        draw: Callable[[int], bytes],
        duo_time: Callable[[], float | None],
        count: Count,
        on_waited: Callable[[float], None],
        on_displaced: Callable[[PendingLogin], None],
        on_standing: Callable[[str], None],
        ask_duo_time: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._instance = instance
        self._on_waited = on_waited
        self._on_displaced = on_displaced
        self._on_standing = on_standing
        self._standing = ""
        self._ask_duo_time = ask_duo_time
        self._patience = patience
        self.hosts: Final = Hosts(instance)
        self._claims = Claims(instance, host, self.hosts, sealing, draw, duo_time, count)
        self._store = Store(opener, patience, self, self._loop.call_soon, _clock, random.random)
        channels = [mailbox(instance).encode(), ALL_HOSTS.encode()]
        self._mailbox = Mailbox(opener, channels, self._heard, _clock, random.random, self._mailbox_changed)
        self._states = StateClient(States(host, sealing), self._store, patience)
        self._asked: dict[int, _Asked] = {}
        self._claiming: dict[int, _Asked] = {}  # of those, who waits for the store; the first for the longest
        self._shared: dict[int, PendingLogin] = {}
        self._left: set[str] = set()  # applications of which pushes are left to others
        self._has_duo_told = False
        self._is_usable = False
        self._usable = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def start(self) -> None:
        """Connect to the store, and go on connecting."""
        self._store.start()
        self._mailbox.start()
        self._tell_standing()

    async def usable(self) -> None:
        """Return once logins are shared, or after `USABLE_S`: until then, whatever is asked is granted."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._usable.wait(), USABLE_S)

    async def close(self) -> None:
        """Say what is to be said, and close the connections."""
        await self._store.close()
        await self._mailbox.close()

    @property
    def is_usable(self) -> bool:
        """Whether logins are shared."""
        return self._is_usable

    @property
    def has_others(self) -> bool:
        """Whether another host lives that can go on with what this one leaves."""
        if not self._is_usable or self._patience.is_away:
            return False
        return any(not each.is_leaving for each in self.hosts.alive(_clock()) if each.instance != self._instance)

    async def told(self) -> None:
        """Return once the store has all that it was to be told, or after `TOLD_S`."""
        answered = self._loop.create_future()
        self._store.command([b"PING"], lambda _answer: None if answered.done() else answered.set_result(None))
        await asyncio.wait([answered], timeout=TOLD_S)

    # What the engine says.

    def ask(self, question: Question, on_answer: OnAnswer, /) -> Asking:
        """Ask; `on_answer` is called once, in a later turn of the loop, unless the question is cancelled."""
        if isinstance(question, UseState):
            return self._states.ask(question, on_answer)
        now = _clock()
        asked = _Asked(self, question, on_answer, now)
        self._claims.patience_s = 0.0 if self._patience.is_away else self._patience.patience_s
        effects = self._claims.ask(question.number, question, now)
        self._asked[question.number] = asked
        if isinstance(question, Claim):
            self._claiming[question.number] = asked
        self._perform(effects, in_turn=False)
        return asked

    def keep_for_state(self, record: ChallengeRecord, life_s: float) -> None:
        """Let other hosts have what does not fit into the State of a challenge, for so long."""
        self._states.keep(record, life_s)

    def share(self, effect: ShareLogin) -> None:
        """Let others know how far a login is that is ours, and of one that another worker of this host had."""
        pending, login = effect.pending, effect.pending.login
        if login.held is None:
            return
        self._shared[pending.number] = pending
        self._share(pending, login.held)
        if login.policy.application in self._left:
            self._perform(self._claims.offer(pending.number, is_offered=True))

    def _share(self, pending: PendingLogin, held: Held) -> None:
        login = pending.login
        if self._claims.knows(pending.number):
            self._perform(self._claims.pushed(pending.number, login.txid, login.factor or "", _clock()))
            return
        claim, now = Claim(pending.number, pending.fleet_key, held.owner), _clock()
        factor, age_s = login.factor or "", now - login.pushed_at
        self._perform(self._claims.adopt(pending.number, claim, held, login.txid, factor, age_s, now))

    def duo_has_told(self) -> None:
        """Let others know the names of pushes that have waited for Duo's time; once told, it is known for ever."""
        if not self._has_duo_told:
            self._has_duo_told = True
            self._perform(self._claims.duo_has_told(_clock()))

    def leave_pushes(self, application: str, *, are_left: bool) -> None:
        """Leave pushes to other hosts, or keep them again: this application is reached there, and not from here."""
        (self._left.add if are_left else self._left.discard)(application)
        self._claims.cannot_reach(frozenset(self._left))
        for number, pending in list(self._shared.items()):
            if pending.login.policy.application == application:
                self._perform(self._claims.offer(number, is_offered=are_left))

    def end(self, effect: ShareEnd) -> None:
        """Let others know how a login has ended."""
        number, verdict = effect.pending.number, effect.verdict
        self._shared.pop(number, None)
        self._asked.pop(number, None)
        self._claiming.pop(number, None)
        self._perform(self._claims.ended(number, _told(verdict), effect.is_asked, effect.packets, _clock()))

    def cancelled(self, asked: "_Asked") -> None:
        """Answer this question no more."""
        number = asked.question.number
        if self._asked.get(number) is asked:
            del self._asked[number]
            self._claiming.pop(number, None)
            self._perform(self._claims.cancelled(number))

    # What the store says.

    def store_connected(self) -> None:
        """See whether logins can be shared again."""
        self._look()

    def store_lost(self, _detail: str) -> None:
        """Share nothing any more."""
        self._look()

    def _mailbox_changed(self) -> None:
        if self._mailbox.is_hearing:
            self._claims.mailbox_back(_clock())
        else:
            self._claims.mailbox_lost()
        self._look()

    def _look(self) -> None:
        """Begin to share, or stop: that takes a store that does what it is asked, and ears for other hosts.

        A store that is late is asked all the same, and not waited for: so other hosts know whose a login is.
        """
        self._tell_standing()
        is_willing = self._patience.away in (None, Away.LATE)
        is_usable = self._store.is_connected and self._mailbox.is_connected and is_willing
        if is_usable is self._is_usable:
            return
        self._is_usable = is_usable
        if is_usable:
            self._usable.set()
            self._perform(self._claims.store_back(_clock()))
        else:
            self._usable.clear()
            self._perform(self._claims.store_lost())

    def _tell_standing(self) -> None:
        away = self._patience.away
        standing = away.value if away is not None else SHARED if self._mailbox.is_connected else DEAF
        if standing != self._standing:
            self._standing = standing
            self._on_standing(standing)

    def store_answered(self) -> None:
        """See whether the store is late, or is so no more."""
        self._look()

    def script_answered(self, run: RunScript, answer: StoreAnswer) -> None:
        """Let the claims go on with what a script has answered."""
        if isinstance(answer, Refused):
            self._perform(self._claims.script_failed(run))
            self._look()
        else:
            self._perform(self._claims.script_answered(run, answer, _clock()))

    def _heard(self, _channel: bytes, octets: bytes) -> None:
        self._perform(self._claims.heard(octets, _clock()))
        self._look()  # beats come also while nothing is asked

    # What is done about it.

    def _perform(self, effects: list[Effect], *, in_turn: bool = True) -> None:
        """Do what was decided. Answers wait for the next turn of the loop where the question has just been put."""
        for effect in effects:
            if isinstance(effect, RunScript):
                self._store.run(_SCRIPTS[effect.script], effect.key, effect.arguments, _Run(self, effect))
            elif isinstance(effect, Publish):
                self._store.publish(effect.channel.encode(), effect.message)
            elif isinstance(effect, AnswerLogin) and in_turn:
                self._answer(effect)
            elif isinstance(effect, AnswerLogin):
                self._loop.call_soon(self._answer, effect)
            elif isinstance(effect, Displaced):
                self._displace(effect)
            else:
                self._ask_duo_time()
        self._arm()

    def _answer(self, effect: AnswerLogin) -> None:
        asked = self._asked.pop(effect.number, None)
        self._claiming.pop(effect.number, None)
        if asked is not None:
            if isinstance(asked.question, Claim):
                self._on_waited(_clock() - asked.at)
            asked.on_answer(effect.answer)

    def _displace(self, effect: Displaced) -> None:
        pending = self._shared.pop(effect.number, None)  # it is not ours, and its end is not told
        if pending is not None:
            self._on_displaced(pending)

    def _arm(self) -> None:
        """Have the claims called at their next instant; while nothing waits the loop is woken for nothing."""
        due = self._claims.next_timer
        if due is not None and self._timer is not None and self._timer_at <= due:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer_at = due
            self._timer = self._loop.call_later(max(0.0, due - _clock()), self._timer_due)

    def _timer_due(self) -> None:
        self._timer = None
        self._store.look(self._run_due)

    def _run_due(self) -> None:
        now = _clock()
        oldest = next(iter(self._claiming.values()), None)
        if oldest is not None and now - oldest.at >= self._patience.patience_s:
            self._patience.waited(oldest.at, now)  # what was under way with it says nothing more
        self._perform(self._claims.run(now))
        self._look()


@final
class _Asked(Asking):
    """A question to the fleet."""

    __slots__ = ("_client", "at", "on_answer", "question")

    def __init__(self, client: FleetClient, question: Claim | Join, on_answer: OnAnswer, at: float) -> None:
        self._client = client
        self.question = question
        self.on_answer = on_answer
        self.at = at

    def cancel(self) -> None:
        """Want no answer any more."""
        self._client.cancelled(self)

    def took_s(self, now: float) -> float:
        """Return what a person took, at another host; a claim is this gateway's own share."""
        return 0.0 if isinstance(self.question, Claim) else now - self.at


@final
class _Run(Asked):
    """A script that was to be run."""

    __slots__ = ("_client", "_run")

    def __init__(self, client: FleetClient, run: RunScript) -> None:
        self.octets = b""
        self._client = client
        self._run = run

    def answered(self, answer: StoreAnswer) -> None:
        """Hand on."""
        self._client.script_answered(self._run, answer)


def _told(verdict: Verdict | None) -> bytes | Callable[[], bytes] | None:
    """Return what joiners are told, or what makes it: of nearly all logins nobody asks. What a home server has said
    for its user is not kept for it.
    """
    if verdict is None:
        return None
    return partial(packed_verdict, verdict) if verdict.passed_on is None else packed_verdict(verdict)
