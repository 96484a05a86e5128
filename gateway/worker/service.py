"""The worker's shell: what the engine decides is performed here, and nothing is decided.

The way of one login: `datagram_received` -> engine -> `_ask` -> Duo -> `answered` -> engine -> `_send`.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, final

import msgspec
from mypy_extensions import mypyc_attr

from gateway.engine.asking import Answer, Asking
from gateway.engine.discard_notices import (
    ChoosePap,
    Notice,
    RefusalsLeftOut,
    UnsignedNas,
)
from gateway.engine.effects import (
    Effect,
    Finished,
    ForgetLogin,
    KeepLogin,
    KeepReply,
    LeftOut,
    PassOn,
    PutQuestion,
    SendReply,
    ShareEnd,
    ShareLogin,
    StopAsking,
)
from gateway.engine.engine import Engine
from gateway.engine.peer import Peer
from gateway.engine.pending import PendingLogin
from gateway.ipc.ledger import LoginRing
from gateway.ipc.links import LinkWriter
from gateway.listeners.udp import UdpListener
from gateway.logs.events import EventLog
from gateway.logs.setup import AUTH_EVENTS_LOGGER, log_internal_error
from gateway.unavailable import Unavailable
from gateway.worker.journal_keeper import JournalKeeper
from gateway.worker.last_logins import LastLogins
from gateway.worker.narration import Narrator
from gateway.worker.passing import Inlet, Passing
from gateway.worker.reports import (
    EventSection,
    Line,
    LoginLog,
    auth_event,
    choose_pap_line,
    left_out_line,
    notice_line,
    refusals_left_out_line,
    unsigned_line,
)

log = logging.getLogger("gateway.worker")
events = logging.getLogger(AUTH_EVENTS_LOGGER)
_LOOK_S = 0.02


class Asker(Protocol):
    """Somebody who asks one service, such as a Duo application, `duo.client`, what the engine puts to it alone."""

    def ask(self, question: Any, on_answer: Callable[[Any], None], /) -> Asking:
        """Ask; `on_answer` is called exactly once, unless the question is cancelled."""


class Sharer(Protocol):
    """Who lets other hosts know of logins: `fleet.client`."""

    def share(self, effect: ShareLogin, /) -> None:
        """Tell how far one is."""

    def end(self, effect: ShareEnd, /) -> None:
        """Tell how one has ended."""


class Service:
    """One worker's engine on its event loop.

    Args:
        askers: by the name that the engine's questions are for.
        event_sections: the server sections, by name, as `authevents.log` tells of them.
        listening: what each listener is called in the log, by its number.
    """

    def __init__(
        self,
        engine: Engine,
        keeper: JournalKeeper,
        event_log: EventLog,
        askers: Mapping[str, Asker],
        event_sections: Mapping[str, EventSection],
        listening: list[str],
        hostname: str,
        slot: int,
        ring: LoginRing,
    ) -> None:
        self._engine = engine
        self._keeper = keeper
        self._askers = askers
        self._event_sections = event_sections
        self._listening = listening
        self._hostname = hostname
        names = {section: each.name for section, each in event_sections.items() if each.name}
        self._login_log = LoginLog(event_log, slot, names)
        self._readers: list[UdpListener | Inlet] = []
        self._senders: dict[int, UdpListener] = {}
        self._loop = asyncio.get_running_loop()
        self._last_logins = LastLogins(ring, self._loop.call_later)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._idle: asyncio.Event | None = None
        self._narrator = Narrator(askers) if log.isEnabledFor(logging.DEBUG) else None
        self._perform_seldom: dict[type, Callable[[Any], None]] = {
            StopAsking: self._stop_asking,
            Notice: self._warn_of,
            UnsignedNas: lambda unsigned: _warn(unsigned_line(unsigned)),
            ChoosePap: lambda choose: _warn(choose_pap_line(choose)),
            RefusalsLeftOut: lambda left_out: _warn(refusals_left_out_line(left_out)),
            LeftOut: lambda left_out: _warn(left_out_line(left_out)),
        }

    def take_sockets(
        self, listeners: list[UdpListener], inlets: Sequence[Inlet] = (), passing: Passing | None = None
    ) -> None:
        """Read from these sockets, send replies by them, and pass on what belongs to other workers."""
        self._readers = [*listeners, *inlets]
        self._senders = {listener.number: listener for listener in listeners}
        if passing is not None:
            self._perform_seldom[PassOn] = passing.pass_on

    def share_with(self, fleet: Sharer) -> None:
        """Let the fleet know of this worker's logins."""
        self._perform_seldom[ShareLogin] = fleet.share
        self._perform_seldom[ShareEnd] = fleet.end

    def displaced(self, pending: PendingLogin) -> None:
        """Another host has taken over a login's push."""
        self.perform(self._engine.displaced(pending, time.monotonic()))

    def leave(self) -> None:
        """Leave what is under way to other hosts, but for what they know nothing of."""
        self.perform(self._engine.leave(time.monotonic()))

    def serve(self) -> None:
        """Begin to read."""
        for reader in self._readers:
            reader.start(self._loop)

    def stop_reading(self) -> None:
        """Read no more: what comes now waits for the next worker."""
        for reader in self._readers:
            reader.stop(self._loop)

    def hand_over(self, links: dict[int, LinkWriter]) -> None:
        """Read no more, and let the successors, by bucket, know of every login and what becomes of it."""
        self.stop_reading()
        self.perform(self._engine.hand_over())
        self._keeper.hand_over(links)

    async def drain(self, timeout_s: float) -> bool:
        """Read no more, and return once every login has its answer: False if some had none within `timeout_s`."""
        self.stop_reading()
        self._idle = asyncio.Event()
        self._note_idle()
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
                await self._keeper.told()
        except TimeoutError:
            return False
        finally:
            self._last_logins.flush()
        return True

    async def finish_brief(self, timeout_s: float) -> None:
        """Read no more, and return once what waits for no person has its answer, within `timeout_s` at most."""
        self.stop_reading()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not self._engine.is_left_to_people:  # noqa: ASYNC110 -- each event would have to look at all
                    await asyncio.sleep(_LOOK_S)
        self._last_logins.flush()

    @property
    def n_pending(self) -> int:
        """How many logins are under way."""
        return self._engine.n_pending

    def datagram_received(self, datagram: bytes, peer: Peer) -> None:
        """Take octets from the network."""
        try:
            effects = self._engine.datagram_received(datagram, peer, time.monotonic())
        except Exception as error:  # noqa: BLE001 -- our own mistake ends this packet, not the worker
            log_internal_error("Internal error while reading a datagram, which is dropped", error)
            return
        if self._narrator is not None:
            self._narrator.received(datagram, peer, effects)
        self.perform(effects)

    def answered(self, pending: PendingLogin, answer: Answer | Unavailable) -> None:
        """Take what became of a login's question."""
        now = time.monotonic()
        asking = pending.asking
        if asking is not None:
            pending.duo_s += asking.took_s(now)
            pending.asking = None
        if self._narrator is not None:
            self._narrator.answered(pending, answer)
        try:
            if isinstance(answer, Unavailable):
                effects = self._engine.unavailable(pending, answer, now)
            else:
                effects = self._engine.answered(pending, answer, now)
        except Exception as error:  # noqa: BLE001 -- our own mistake ends this login, not the worker
            log_internal_error("Internal error while deciding a login, which is rejected", error)
            effects = self._engine.failed(pending, now)
        self.perform(effects)

    def _timer_due(self) -> None:
        self._timer = None
        try:
            effects = self._engine.timer(time.monotonic())
        except Exception as error:  # noqa: BLE001 -- the other timers must go on
            log_internal_error("Internal error in a timer", error)
            effects = []
        self.perform(effects)

    def perform(self, effects: list[Effect]) -> None:
        """Do what the engine has decided, in its order."""
        for effect in effects:
            try:
                self._perform_one(effect)
            except Exception as error:  # noqa: BLE001 -- nor may it keep the other effects from happening
                log_internal_error(f"Internal error while performing {type(effect).__name__}", error)
                if isinstance(effect, PutQuestion):  # else its login would wait for ever
                    self.perform(self._engine.failed(effect.pending, time.monotonic()))
        self._arm()
        if self._idle is not None:
            self._note_idle()

    def _perform_one(self, effect: Effect) -> None:
        if isinstance(effect, SendReply):
            self._send(effect)
        elif isinstance(effect, PutQuestion):
            self._ask(effect)
        elif isinstance(effect, KeepReply):
            self._keeper.keep_reply(effect)
        elif isinstance(effect, Finished):
            self._report(effect)
        elif isinstance(effect, KeepLogin):
            self._keeper.keep_login(effect)
        elif isinstance(effect, ForgetLogin):
            self._keeper.forget_login(effect)
        else:
            self._perform_seldom[type(effect)](effect)

    def _arm(self) -> None:
        """Have the engine called at its next instant."""
        due = self._engine.next_timer
        if due is None or (self._timer is not None and self._timer_at <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = due
        self._timer = self._loop.call_later(max(0.0, due - time.monotonic()), self._timer_due)

    def _note_idle(self) -> None:
        if self._idle is not None and self._engine.is_idle:
            self._idle.set()

    def _send(self, effect: SendReply) -> None:
        if self._narrator is not None:
            self._narrator.sends(effect)
        self._senders[effect.peer.listener].send(effect.octets, effect.peer)

    def _ask(self, effect: PutQuestion) -> None:
        if self._narrator is not None:
            self._narrator.asks(effect)
        at = effect.at
        if at:
            timer = self._loop.call_later(max(0.0, at - time.monotonic()), self._ask_late, effect)
            effect.pending.asking = _Later(timer)
        else:
            self._ask_now(effect)

    def _ask_late(self, effect: PutQuestion) -> None:
        try:
            self._ask_now(effect)
        except Exception as error:  # noqa: BLE001 -- as in perform: its login would wait for ever
            log_internal_error("Internal error while asking a question", error)
            self.perform(self._engine.failed(effect.pending, time.monotonic()))

    def _ask_now(self, effect: PutQuestion) -> None:
        pending = effect.pending
        pending.asking = self._askers[effect.to].ask(effect.question, _Recipient(self, pending))

    def _stop_asking(self, effect: StopAsking) -> None:
        asking = effect.pending.asking
        if asking is not None:
            asking.cancel()

    def _report(self, finished: Finished) -> None:
        if self._narrator is not None:
            self._narrator.finished(finished)
        now = time.time()
        self._login_log.tell(finished, now)
        self._last_logins.add(finished, now)
        if not events.disabled:
            section = self._event_sections.get(finished.section)
            events.info(msgspec.json.encode(auth_event(finished, section, self._hostname)).decode())

    def _warn_of(self, notice: Notice) -> None:
        _warn(notice_line(notice, self._listening[notice.listener]))


@final
@mypyc_attr(free_list_len=1)
class _Recipient:
    """Who waits for the answer to a login's question: called with it."""

    __slots__ = ("_pending", "_service")

    def __init__(self, service: Service, pending: PendingLogin) -> None:
        self._service = service
        self._pending = pending

    def __call__(self, answer: Answer | Unavailable) -> None:
        self._service.answered(self._pending, answer)


@final
class _Later(Asking):
    """A question that is to be asked at an instant."""

    __slots__ = ("_timer",)

    def __init__(self, timer: asyncio.TimerHandle) -> None:
        self._timer = timer

    def cancel(self) -> None:
        """Do not ask."""
        self._timer.cancel()

    def took_s(self, _now: float) -> float:
        """Return 0: nobody has been asked."""
        return 0.0


def _warn(line: Line) -> None:
    text, fields = line
    log.warning(text, extra={"fields": fields})
