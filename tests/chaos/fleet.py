"""A fleet of NAS: thousands of logins at a time from many source ports, asked again as RADIUS clients do.

One non-blocking socket for each source port, one timer for all: every tick sends what is due, asks again what has been
waiting for `retry_s`, and wakes those who wait for some progress. A login costs no task and no timer of its own.
"""

import asyncio
import math
import os
import random
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

from gateway.radius.client import encode_access_request, verify_reply
from gateway.radius.dictionary import REPLY_MESSAGE
from gateway.radius.discards import DecodeError
from gateway.radius.packet import Packet
from gateway.radius.shared_secret import SharedSecret
from tests.chaos.records import Plan, Record

Address = tuple[str, int]
HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4")
N_IDENTIFIERS = 255
TICK_S = 0.005
_STARTS_A_TICK = 250  # an unbounded rush would only overflow the sockets' buffers
_DATAGRAMS_A_TURN = 64
_BUFFER_OCTETS = 1_048_576


class Habits(NamedTuple):
    """How a NAS asks again.

    Attributes:
        retry_s: from one transmission to the next.
        tries: transmissions of a packet before the NAS gives up, or turns to its second server with a new packet.
        deaf: the share of logins whose first reply the NAS does not hear: it asks again, and must get the same octets.
    """

    retry_s: float = 2.0
    tries: int = 15
    deaf: float = 0.0

    @property
    def patience_s(self) -> float:
        """How long a NAS asks one server."""
        return self.retry_s * self.tries


class Attempt:
    """A login under way."""

    __slots__ = ("is_deaf", "plan", "record", "requests")

    def __init__(self, plan: Plan, record: Record) -> None:
        self.plan = plan
        self.record = record
        self.is_deaf = record.was_deaf
        self.requests: list[Request] = []

    @property
    def is_over(self) -> bool:
        """Whether the NAS waits no more: it heard a reply, or gave up."""
        return self.record.ended_at < math.inf and not self.is_deaf


class Request:
    """One packet, its octets the same however often it is sent, and its reply."""

    __slots__ = ("attempt", "authenticator", "identifier", "n_sent", "nas", "octets", "reply")

    def __init__(self, attempt: Attempt, nas: "Nas", identifier: int) -> None:
        self.attempt = attempt
        self.nas = nas
        self.identifier = identifier
        self.authenticator = os.urandom(16)
        plan = attempt.plan
        self.octets = encode_access_request(
            identifier, self.authenticator, nas.shared_secret, plan.user.encode(), plan.typed.encode()
        )
        self.n_sent = 0
        self.reply: bytes | None = None

    def send(self) -> None:
        """Send it once more."""
        self.n_sent += 1
        self.attempt.record.n_sent += 1
        self.nas.send(self.octets)


class Nas:
    """One source port of a RADIUS client. The Identifier that was free for longest is used next.

    Attributes:
        n_strays: replies that answer nothing that was asked, or are not signed: a NAS ignores them.
    """

    def __init__(self, host: str, server: Address, shared_secret: SharedSecret) -> None:
        self.shared_secret = shared_secret
        self.n_strays = 0
        self._free = deque(range(N_IDENTIFIERS))
        self._requests: list[Request | None] = [None] * 256
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_OCTETS)
        self._socket.bind((host, 0))
        self._server = server  # not connected: no error tells that nobody listens there just now, and ends the reading

    def request(self, attempt: Attempt) -> Request | None:
        """Return a new packet for this login, None when every Identifier waits for a reply."""
        if not self._free:
            return None
        identifier = self._free.popleft()
        request = self._requests[identifier] = Request(attempt, self, identifier)
        return request

    def release(self, request: Request) -> None:
        """Let the Identifier be used again, after all others."""
        self._free.append(request.identifier)

    def send(self, octets: bytes) -> None:
        """Send; what the kernel does not take is lost, as on any network."""
        try:
            self._socket.sendto(octets, self._server)
        except OSError:
            pass

    def listen(self, heard: Callable[[Request, Packet | None], None]) -> None:
        """Begin to read; `heard` takes a request with its first reply, or with None for a further one."""
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._drain, heard)

    def close(self) -> None:
        """Give the port up."""
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()

    def _drain(self, heard: Callable[[Request, Packet | None], None]) -> None:
        for _ in range(_DATAGRAMS_A_TURN):
            try:
                datagram, sender = self._socket.recvfrom(4096)
            except OSError:  # nothing more to read
                return
            if sender == self._server:
                self._received(datagram, heard)

    def _received(self, datagram: bytes, heard: Callable[[Request, Packet | None], None]) -> None:
        request = self._requests[datagram[1]] if len(datagram) > 1 else None
        if request is not None and request.reply == datagram:
            request.attempt.record.n_duplicates += 1
            heard(request, None)
            return
        try:
            if request is None:
                raise ValueError("nothing was asked under this Identifier")
            reply = verify_reply(datagram, request.authenticator, self.shared_secret)
        except (DecodeError, ValueError):
            self.n_strays += 1
            return
        if request.reply is None:
            request.reply = datagram
            heard(request, reply)
        else:
            request.attempt.record.n_conflicting += 1
            heard(request, None)


class Fleet:
    """Many NAS that share their habits, their servers and their secret.

    Attributes:
        records: of all logins begun, in that order.
        answers: of those answered, in the order of their replies.
        n_sent: transmissions.
        n_finished: logins answered or given up.
        n_short: ticks in which a login had to wait for a free Identifier.
        lag_s: the longest that a tick came late: how far this process itself fell behind.
    """

    def __init__(
        self,
        servers: Sequence[Address],
        secret: str,
        habits: Habits | None = None,
        *,
        n_ports: int = 32,
        seed: int = 0,
        sources: Sequence[str] = HOSTS,
    ) -> None:
        """Open `n_ports` source ports for each server: the first one is asked, then the second, if there is one."""
        shared_secret = SharedSecret(secret.encode())
        self._habits = habits or Habits()
        self._chance = random.Random(seed)
        self._ways = [
            [Nas(sources[n % len(sources)], server, shared_secret) for n in range(n_ports)] for server in servers
        ]
        self._turns = [0] * len(servers)
        self._waiting: deque[tuple[float, Attempt]] = deque()  # by the instant of the next transmission
        self._conditions: list[tuple[Callable[[], bool], asyncio.Future[bool]]] = []
        self._plans: Sequence[Plan] = ()
        self._is_done = False
        self.records: list[Record] = []
        self.answers: list[Record] = []
        self.n_sent = self.n_finished = self.n_short = 0
        self.lag_s = 0.0

    @property
    def n_started(self) -> int:
        """Logins begun."""
        return len(self.records)

    @property
    def n_strays(self) -> int:
        """Replies that were not believed."""
        return sum(nas.n_strays for way in self._ways for nas in way)

    async def run(self, plans: Sequence[Plan], rate: float) -> list[Record]:
        """Begin these logins, `rate` a second, and return their records once all are answered or given up."""
        self._loop = asyncio.get_running_loop()
        self._plans, self._rate, self._began_at = plans, rate, time.monotonic()
        for way in self._ways:
            for nas in way:
                nas.listen(self._heard)
        self._done = self._loop.create_future()
        self._tick_due_at = self._began_at
        self._tick()
        await self._done
        return self.records

    async def until(self, condition: Callable[[], bool]) -> bool:
        """Return True once the condition holds, looked at in every tick; False if the fleet is done before."""
        if condition() or self._is_done:
            return condition()
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._conditions.append((condition, future))
        return await future

    async def until_started(self, n_logins: int) -> bool:
        """Return True once so many logins have begun, or all that there are."""
        return await self.until(lambda: self.n_started >= min(n_logins, len(self._plans) or n_logins))

    async def until_sent(self, n_transmissions: int) -> bool:
        """Return True once so much has been sent; False if the fleet is done before."""
        return await self.until(lambda: self.n_sent >= n_transmissions)

    def stop(self) -> None:
        """Begin no more logins; those under way go on."""
        self._plans = self._plans[: self.n_started]

    def give_up(self) -> None:
        """Ask no more for what has no answer yet, and begin nothing else."""
        self.stop()
        now = time.monotonic()
        for attempt in {attempt for _, attempt in self._waiting if not attempt.is_over}:
            self._give_up(attempt, now)

    def close(self) -> None:
        """Give all ports up."""
        for way in self._ways:
            for nas in way:
                nas.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def _tick(self) -> None:
        now = time.monotonic()
        self.lag_s = max(self.lag_s, now - self._tick_due_at)
        self._tick_due_at = now + TICK_S
        self._begin_due(now)
        self._ask_again_due(now)
        self._is_done = self.n_finished == len(self._plans)
        self._wake()
        if self._is_done:
            self._done.set_result(None)
        else:
            self._loop.call_later(TICK_S, self._tick)

    def _wake(self) -> None:
        conditions, self._conditions = self._conditions, []
        for condition, future in conditions:
            if not future.done():  # a cancelled one is
                holds = condition()
                if holds or self._is_done:
                    future.set_result(holds)
                else:
                    self._conditions.append((condition, future))

    def _begin_due(self, now: float) -> None:
        n_due = min(len(self._plans), int((now - self._began_at) * self._rate) + 1)
        for _ in range(min(n_due - self.n_started, _STARTS_A_TICK)):
            plan = self._plans[self.n_started]
            attempt = Attempt(plan, Record(plan.user, now, was_deaf=self._chance.random() < self._habits.deaf))
            if not self._ask(attempt, 0, now):
                self.n_short += 1
                return
            self.records.append(attempt.record)

    def _ask(self, attempt: Attempt, way: int, now: float) -> bool:
        """Send a new packet to a server; False when no Identifier is free."""
        for _ in self._ways[way]:
            self._turns[way] = (self._turns[way] + 1) % len(self._ways[way])
            request = self._ways[way][self._turns[way]].request(attempt)
            if request is not None:
                attempt.requests.append(request)
                attempt.record.n_packets += 1
                self._send(request, now)
                return True
        return False

    def _send(self, request: Request, now: float) -> None:
        request.send()
        self.n_sent += 1
        self._waiting.append((now + self._habits.retry_s, request.attempt))

    def _ask_again_due(self, now: float) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            _, attempt = self._waiting.popleft()
            if attempt.is_over:
                continue
            if attempt.requests[-1].n_sent < self._habits.tries:
                self._send(attempt.requests[-1], now)
            elif len(attempt.requests) == len(self._ways) or not self._ask(attempt, len(attempt.requests), now):
                self._give_up(attempt, now)

    def _give_up(self, attempt: Attempt, now: float) -> None:
        attempt.record.gave_up_at = now
        attempt.is_deaf = False
        self._finish(attempt)

    def _heard(self, request: Request, reply: Packet | None) -> None:
        attempt = request.attempt
        record = attempt.record
        if record.gave_up_at < math.inf:
            return
        if record.code is None and reply is not None:
            record.replied_at = time.monotonic()
            record.code = reply.code
            record.message = b"".join(reply.values(REPLY_MESSAGE)).decode()
            self.answers.append(record)
            if not attempt.is_deaf:
                self._finish(attempt)
            return
        if reply is not None and reply.code != record.code:
            record.n_conflicting += 1
        if attempt.is_deaf:
            attempt.is_deaf = False
            self._finish(attempt)

    def _finish(self, attempt: Attempt) -> None:
        self.n_finished += 1
        for request in attempt.requests:
            request.nas.release(request)
