"""A pool of kept-alive TLS connections to one endpoint, driven by callbacks.

`gateway.https.plan` decides, this module does: it opens, writes, watches deadlines and tells each exchange
its outcome once.

When the connection of a request is lost before the answer, the request is sent again, once and not on an idle
connection, if it is repeatable or if nothing of it can have been acted on (the kernel took no octet). A request
that must not be repeated takes only a connection used within the last few seconds, looked at right before, else a
new one: the race with a server that closes idle connections cannot be won otherwise.

Connections that are lost without a word are found by the calls that wait on them: `gateway.https.second_askings` looks
at those that are overdue 20 times a second.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.http1.response import Response
from gateway.https.connection import ConnectionOwner, HttpsConnection
from gateway.https.deadlines import TICK_S, Deadlines
from gateway.https.exchange import Carrier, Exchange, ExchangeOutcome
from gateway.https.opening import Endpoint, open_tls
from gateway.https.plan import MOST_OPENINGS, Opening, PoolLimits, PoolPlan, affordable_openings
from gateway.https.resolver import Resolver
from gateway.https.second_askings import SecondAskings
from gateway.https.tls import Validity, validity
from gateway.unavailable import Trouble, Unavailable

if TYPE_CHECKING:
    import ssl

FRESH_WITHIN_S: Final = 3.0  # well below any server's idle time-out
SESSION_FOR_S: Final = 300.0  # then the server's certificate is verified again
LATE_S: Final = 0.5  # our own pause: answers may lie unread in sockets, and nothing is overdue
SILENCE_S: Final = 0.5  # without an answer: who waits for a connection meanwhile waits for the other side
_ALL: Final = float("inf")
_NEVER_IDLE: Final = -1.0


class PoolCounts(NamedTuple):
    """What the pool's connections and calls are doing."""

    idle: int
    busy: int
    opening: int
    waiting: int


class HttpsPool(ConnectionOwner, Carrier):
    """Carries exchanges to one endpoint. All methods belong to the loop's thread.

    Attributes:
        endpoint: to which.
        validity: how long the other side's certificates are valid, as far as a handshake has told.
        is_closed: whether it carries nothing any more.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        resolver: Resolver,
        limits: PoolLimits | None = None,
        fresh_within_s: float = FRESH_WITHIN_S,
    ) -> None:
        """Open nothing yet; a running loop is needed."""
        self.endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._now = time.monotonic  # what uvloop's loop.time() reads once a turn, in whole milliseconds
        self._resolver = resolver
        self._fresh_within_s = fresh_within_s
        limits = limits or PoolLimits()
        self._idle_timeout_s = limits.idle_timeout_s
        self._plan: PoolPlan[Exchange, HttpsConnection] = PoolPlan(limits)
        self._deadlines: Deadlines[Exchange] = Deadlines()
        self._openings: set[asyncio.Task[None]] = set()
        self._connections: set[HttpsConnection] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._ticked_at = self._busy_until = 0.0  # the loop's thread had used so many seconds of a processor by then
        self._answered_at = 0.0
        self._silence_s = 0.0  # all of it so far
        self._session: ssl.SSLSession | None = None
        self._session_until = float("-inf")
        self.validity: Validity | None = None
        self.is_closed = False
        # Last: the compiler takes for granted only what is set before anybody else sees this object.
        self._second_askings = SecondAskings(self, self._plan, endpoint)

    def send(self, exchange: Exchange, now: float) -> None:
        """Carry `exchange` out, which is asked `now`; its recipient hears of it, never before this returns."""
        exchange.asked_at = now
        exchange.silence_before_s = self._silence_s + now - self._answered_at
        exchange.carrier = self
        if self.is_closed:
            self.fail(exchange, Unavailable(Trouble.CLOSED, "the connection pool is closed"))
            return
        if not self._plan.has_room(exchange.waits_for_person):
            self.fail(exchange, Unavailable(Trouble.BUSY, f"too many calls to {self.endpoint} at once"))
            return
        exchange.due_with = self._deadlines.add(exchange, exchange.deadline)
        if self._timer is None:
            self._begin_ticking(now)
        self._place(exchange, self._idle_timeout_s if exchange.is_repeatable else self._fresh_within_s, now)

    def warm(self, n_connections: int) -> None:
        """Open connections until there are so many, although no call waits for them yet: the first calls will."""
        for opening in self._plan.warm(n_connections):
            self._start_opening(opening)

    def cancel(self, exchange: Exchange) -> None:
        """Drop `exchange`: its recipient hears no more of it. One on the wire takes its connection with it."""
        now = self._now()
        exchange.carrier = None
        exchange.forget_deadline()
        self._second_askings.drop(exchange, now)
        self.take_back(exchange, now)
        self._open_more()

    def drop_idle(self, since: float = _ALL) -> None:
        """Close idle connections of which nothing has been heard since an instant; without one all: what is asked next
        is asked on a new one.
        """
        self._close(self._plan.drop_idle(since))

    def send_anew(self, exchange: Exchange, now: float) -> None:
        """Write the exchange to a connection that is new or about to be opened."""
        self._place(exchange, _NEVER_IDLE, now)

    def take_back(self, exchange: Exchange, now: float) -> None:
        """Take the exchange from its connection, which is closed, or from the queue."""
        connection = exchange.connection
        if isinstance(connection, HttpsConnection):
            exchange.ended(now)
            connection.close()
            self._connections.discard(connection)
            self._plan.closed(connection)
        else:
            self._plan.forget(exchange)

    def fail(self, exchange: Exchange, trouble: Unavailable) -> None:
        """Tell its recipient, as soon as this has returned, why there is no answer."""
        exchange.forget_deadline()
        self._loop.call_soon(self._tell, exchange, trouble)

    def close(self) -> None:
        """Close all connections, and drop exchanges without a word: who closes has stopped deciding logins."""
        self.is_closed = True
        for task in self._openings:
            task.cancel()
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._deadlines = Deadlines()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def counts(self) -> PoolCounts:
        """The state at this moment."""
        plan = self._plan
        return PoolCounts(plan.n_idle, plan.n_busy, plan.n_opening, plan.n_waiting)

    def __repr__(self) -> str:
        return f"<HttpsPool {self.endpoint} {self._plan!r}>"

    # What connections tell.

    def connection_answered(self, connection: HttpsConnection, exchange: Exchange, response: Response) -> None:
        """Give the connection to the next call first, so that a call made by the recipient finds the pool settled."""
        exchange.forget_deadline()
        now = self._now()
        self._note_silence(now)
        self._answered_at = now
        exchange.ended(now)
        if exchange.second is not None:
            self._second_askings.drop(exchange, now)
        if response.is_reusable:
            if now >= self._session_until:
                self._keep_session(connection, now)
            waiting = self._plan.released(connection, now)
            if waiting is not None:
                silence_s = self._silence_s - waiting.silence_before_s
                if silence_s > SILENCE_S:
                    waiting.stalled(now, silence_s)
                self._begin(waiting, connection, now)
        else:
            self._forget(connection)
        exchange.carrier = None
        exchange.recipient.responded(response, now)

    def connection_lost(
        self, connection: HttpsConnection, exchange: Exchange | None, trouble: Unavailable, may_have_acted: bool
    ) -> None:
        """Try the exchange once more where that does no harm."""
        self._forget(connection)
        if exchange is None:
            return
        now = self._now()
        exchange.ended(now)
        if exchange.second is not None:  # that may still be answered
            return
        is_worth_it = trouble.trouble is not Trouble.BAD_ANSWER and not exchange.is_retry
        if is_worth_it and (exchange.is_repeatable or not may_have_acted):
            exchange.is_retry = True
            self.send_anew(exchange, now)
        else:
            trouble.may_have_acted = may_have_acted and not exchange.is_repeatable
            self.fail(exchange, trouble)

    # Helpers.

    def _place(self, exchange: Exchange, max_idle_s: float, now: float) -> None:
        """Find a connection for the exchange, or let it wait for one."""
        while True:
            connection = self._plan.ask(exchange, exchange.waits_for_person, max_idle_s, now)
            if connection is None:
                self._open_more()
                return
            if exchange.is_repeatable or connection.is_open_now():
                self._begin(exchange, connection, now)
                return

    def _begin(self, exchange: Exchange, connection: HttpsConnection, now: float) -> None:
        exchange.began(connection, now)
        connection.begin(exchange)

    def _note_silence(self, now: float) -> None:
        """Add the time since the last answer, if it was so long that waiting calls waited for the other side."""
        silence_s = now - self._answered_at
        if silence_s > SILENCE_S:
            self._silence_s += silence_s

    def _keep_session(self, connection: HttpsConnection, now: float) -> None:
        """Let further connections resume this one's TLS session for a while, if its handshake was a whole one."""
        self._session = connection.session
        if self._session is not None:
            self._session_until = now + SESSION_FOR_S

    def _forget(self, connection: HttpsConnection) -> None:
        self._connections.discard(connection)
        self._plan.closed(connection)
        self._open_more()

    def _close(self, connections: list[HttpsConnection]) -> None:
        """Close connections that the plan has forgotten."""
        for connection in connections:
            self._connections.discard(connection)
            connection.close()

    def _tell(self, exchange: Exchange, outcome: ExchangeOutcome) -> None:
        if exchange.carrier is not None:  # not cancelled meanwhile
            exchange.carrier = None
            exchange.recipient.responded(outcome, self._now())

    def _open_more(self) -> None:
        if not self.is_closed:
            for opening in self._plan.begin_openings():
                self._start_opening(opening)

    def _start_opening(self, opening: Opening) -> None:
        task = self._loop.create_task(self._open(opening))
        self._openings.add(task)
        task.add_done_callback(self._openings.discard)

    async def _open(self, opening: Opening) -> None:
        if self._now() >= self._session_until:
            self._session = None
        session = self._session
        try:
            opened = await open_tls(self.endpoint, self._resolver, session)
            if session is None:  # else there may have been no certificates
                self.validity = validity(opened.tls)
            connection = HttpsConnection(opened, str(self.endpoint), self, self._loop)
        except Unavailable as trouble:
            self._opening_failed(opening, trouble)
        except Exception as error:
            # Whatever it was, the plan must hear of it: it permits so many openings at once and no more.
            self._opening_failed(opening, Unavailable(Trouble.BUSY, f"cannot connect: {type(error).__name__}"))
            raise
        else:
            self._take(connection)
        self._open_more()

    def _opening_failed(self, opening: Opening, trouble: Unavailable) -> None:
        self._session = None  # it may be what was not liked
        now = self._now()
        for failing in self._plan.open_failed(opening):
            failing.stalled(now)
            self.fail(failing, trouble)

    def _take(self, connection: HttpsConnection) -> None:
        """Put a new connection to use."""
        self._connections.add(connection)
        now = self._now()
        exchange = self._plan.opened(connection, now)
        if exchange is not None:
            exchange.stalled(now)
            self._begin(exchange, connection, now)
        elif self._timer is None:
            self._begin_ticking(now)

    def _begin_ticking(self, now: float) -> None:
        self._ticked_at, self._busy_until = now, time.thread_time()
        self._plan.afford(MOST_OPENINGS)
        self._timer = self._loop.call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        now = self._now()
        is_late = now - self._ticked_at > LATE_S
        self._afford(now, time.thread_time())
        try:
            for exchange in self._deadlines.expire(now):
                self._expire(exchange, now)
            if not is_late:
                self._second_askings.look(now)
            self._close(self._plan.expire_idle(now))
        finally:
            is_needed = self._deadlines or self._connections
            self._timer = self._loop.call_later(TICK_S, self._tick) if is_needed else None
            self._open_more()

    def _afford(self, now: float, busy_until: float) -> None:
        """Permit openings for as much of the next tick as the loop had to spare since the last one."""
        self._plan.afford(affordable_openings(busy_until - self._busy_until, now - self._ticked_at, TICK_S))
        self._ticked_at, self._busy_until = now, busy_until

    def _expire(self, exchange: Exchange, now: float) -> None:
        had_connection = exchange.connection is not None or exchange.second is not None
        self._second_askings.drop(exchange, now)
        self.take_back(exchange, now)
        if had_connection:
            self.drop_idle(exchange.began_at)
        # It waited for a connection while others were answered: there are too many calls, and the service is well.
        is_busy = not had_connection and self._answered_at > exchange.asked_at
        if not is_busy:
            exchange.stalled(now)
        trouble, way = (Trouble.TIMEOUT, f"answer from {self.endpoint}") if had_connection else self._unreached()
        text = f"no {way} within {exchange.deadline - exchange.asked_at:.1f} s"
        may_have_acted = had_connection and not exchange.is_repeatable
        self.fail(exchange, Unavailable(Trouble.BUSY if is_busy else trouble, text, may_have_acted=may_have_acted))
        self._open_more()

    def _unreached(self) -> tuple[Trouble, str]:
        """Return what it means that there is no connection, and what there is none of."""
        proxy = self.endpoint.proxy
        if proxy is None:
            return Trouble.TIMEOUT, f"connection to {self.endpoint}"
        return Trouble.PROXY, f"connection to {self.endpoint} through proxy {proxy.host}:{proxy.port}"
