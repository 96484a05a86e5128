"""The inner loop of one process: what is due is sent, what comes is verified, what is not answered is asked again."""

import math
import os
import random
import select
import time
from array import array
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bench.radius_load.nas import Address, Login, Nas, Request, source_addresses
from bench.radius_load.plan import KINDS, LoadPlan
from bench.radius_load.result import Counts, Record
from bench.radius_load.retransmission import Timers, may_ask_again, next_wait_s
from bench.radius_load.schedule import pause_s, planned_instants
from bench.radius_load.users import Users
from gateway.radius.dictionary import MAX_PACKET_SIZE, STATE, Code
from gateway.radius.packet import decode_packet
from gateway.radius.shared_secret import SharedSecret

PROGRESS_S = 0.5
CONTROLLERS_GAP_S = 0.050  # within which all controllers have asked for a login
BEHIND_S = 1.0  # logins that could not leave so long after the last phase are given up
BURST = 32  # logins sent before replies are read again


class Progress(NamedTuple):
    """How far one process has come; counts since its beginning."""

    at_s: float
    planned: int
    sent: int
    answered: int
    pending: int


class Fleet:
    """The NAS of one process of several, which take the planned logins in turn."""

    def __init__(self, plan: LoadPlan, process: int) -> None:
        """Open all ports and lay out all logins.

        Raises:
            OSError: a port cannot be opened.
        """
        turn = slice(process, None, plan.n_processes)
        self._plan = plan
        self._way = plan.retransmission
        self._ports: dict[int, Nas] = {}
        self._ways = [self._open_ports(server, turn) for server in plan.targets[: self._way.servers]]
        self._chance = random.Random(f"{plan.seed} {process}")
        self._typed_first = {kind: plan.typed_first(kind) for kind in KINDS}
        self._users = Users(range(plan.n_users)[turn], self._chance, plan.zipf)
        self._planned_at = planned_instants(plan.phases)[turn].tolist()
        n_logins = len(self._planned_at)
        draw = np.random.default_rng((plan.seed, process))
        self._kinds = draw.choice(len(KINDS), n_logins, p=plan.mix.shares).astype(np.uint8).tobytes()
        self._sent_at = array("d", [math.nan]) * n_logins
        self._answered_at = array("d", [math.nan]) * n_logins
        self._codes = bytearray(n_logins)
        self._in_vain: set[int] = set()  # logins of which a request was never answered
        self._counts = Counts()
        self._push_logins: Counter[str] = Counter()
        self._waiting: Timers[Request] = Timers(0.0)
        self._joining: Timers[tuple[Login, int]] = Timers(0.0)  # which controller asks for it too
        self._n_begun = self._n_sent = self._n_answered = self._n_pending = self._n_turns = 0

    def _open_ports(self, server: Address, turn: slice) -> list[list[Nas]]:
        """Return the ports of each controller."""
        plan = self._plan
        shared_secret = SharedSecret(plan.shared_secret.encode())
        ports = [Nas(host, server, shared_secret) for host in source_addresses(plan.source_network, plan.n_nas)[turn]]
        self._ports.update((nas.fileno, nas) for nas in ports)
        return [ports[controller :: self._way.controllers] for controller in range(self._way.controllers)]

    def run(self, began_at: float, on_progress: Callable[[Progress], None]) -> Record:
        """Send the load, the first login at `began_at` by time.monotonic(); return what became of it."""
        self._began_at, self._cpu_s_before = began_at, time.process_time()
        with select.epoll() as epoll:
            for fileno in self._ports:
                epoll.register(fileno, select.EPOLLIN)
            self._loop(epoll, on_progress)
        return self._record()

    def close(self) -> None:
        """Give all ports up."""
        for nas in self._ports.values():
            nas.socket.close()

    def _loop(self, epoll: select.epoll, on_progress: Callable[[Progress], None]) -> None:
        active_at, progress_at = 0.0, PROGRESS_S
        while True:
            now = time.monotonic() - self._began_at
            n_begun = self._begin_due(now)
            for login, controller in self._joining.due(now):
                self._ask(login, controller, 0, now)
            for request in self._waiting.due(now):
                self._waited_in_vain(request, now)
            nap_s = pause_s(now, active_at, self._next_at())
            ready = epoll.poll(nap_s)
            for fileno, _ in ready:
                self._receive(self._ports[fileno])
            if ready or n_begun:
                active_at = now
            elif not nap_s:
                os.sched_yield()
            if now >= progress_at:
                progress_at += PROGRESS_S
                on_progress(Progress(now, self._n_begun, self._n_sent, self._n_answered, self._n_pending))
            if self._is_over(now):
                return

    def _next_at(self) -> float:
        return self._planned_at[self._n_begun] if self._n_begun < len(self._planned_at) else math.inf

    def _is_over(self, now: float) -> bool:
        if self._n_begun < len(self._planned_at):
            if now > self._plan.duration_s + BEHIND_S:
                self._counts["behind"] += len(self._planned_at) - self._n_begun
                self._n_begun = len(self._planned_at)
            return False
        return not self._n_pending or now > self._plan.duration_s + self._plan.drain_s

    def _begin_due(self, now: float) -> int:
        """Begin the logins that are due, a burst at most; return how many."""
        first = index = self._n_begun
        end = min(first + BURST, len(self._planned_at))
        while index < end and self._planned_at[index] <= now:
            self._begin(index)
            index += 1
        self._n_begun = index
        return index - first

    def _begin(self, index: int) -> None:
        user = self._users.draw()
        if user is None:
            self._counts["no_user"] += 1
            return
        login = Login(index, KINDS[self._kinds[index]], user, self._way.controllers)
        now = time.monotonic() - self._began_at
        self._n_pending += 1
        self._ask(login, 0, 0, now)
        for controller in range(1, self._way.controllers):
            self._joining.set(now + self._chance.random() * CONTROLLERS_GAP_S, (login, controller))

    def _ask(self, login: Login, controller: int, server: int, now: float, state: bytes = b"") -> None:
        """Send a new request from the next port that has a free Identifier; with State it answers a challenge."""
        typed = login.kind.typed if state else self._typed_first[login.kind]
        ports = self._ways[server][controller]
        for _ in ports:
            self._n_turns += 1
            nas = ports[self._n_turns % len(ports)]
            if nas.free:
                self._send(nas.ask(login, controller, server, now, typed, state), now)
                return
        self._counts["no_identifier"] += 1
        self._close(login)

    def _send(self, request: Request, now: float) -> None:
        if request.nas.send(request.octets):
            self._counts["packets_sent"] += 1
            if math.isnan(self._sent_at[request.login.index]):
                self._sent_at[request.login.index] = now
                self._n_sent += 1
                self._count_push(request.login)
        else:
            self._counts["not_taken"] += 1
        request.n_sent += 1
        request.wait_s = next_wait_s(self._way, request.wait_s, now - request.first_at, self._chance.uniform(-1.0, 1.0))
        request.spoke = self._waiting.set(now + request.wait_s, request)

    def _count_push(self, login: Login) -> None:
        if login.kind.typed == b"push":
            self._push_logins[login.kind.user_name(login.user).decode()] += 1

    def _waited_in_vain(self, request: Request, now: float) -> None:
        if not request.is_open:  # its login was answered in the same turn
            return
        if may_ask_again(self._way, request.n_sent, now - request.first_at):
            self._counts["retransmissions"] += 1
            self._send(request, now)
        else:
            self._give_up(request, now)

    def _give_up(self, request: Request, now: float) -> None:
        """Turn to the next server, if there is one."""
        self._release(request)
        if request.server + 1 < self._way.servers:
            self._counts["failovers"] += 1
            self._ask(request.login, request.controller, request.server + 1, now)
        else:
            self._in_vain.add(request.login.index)
            self._close(request.login)

    def _receive(self, nas: Nas) -> None:
        try:
            datagram = nas.socket.recv(MAX_PACKET_SIZE)
        except BlockingIOError:  # a checksum was wrong
            return
        except OSError:  # ICMP says that nobody listens
            self._counts["refused"] += 1
            return
        now = time.monotonic() - self._began_at
        self._counts["packets_received"] += 1
        try:
            request, signed = nas.asked(datagram)
        except ValueError:
            self._counts["invalid"] += 1
            return
        if not signed:
            self._counts["unsigned"] += 1
        if request.reply is not None:
            self._counts["repeated_answers" if request.reply == datagram else "double_answers"] += 1
            return
        request.reply = datagram
        if request.is_open:
            self._answered(request, datagram[0], now)
        else:
            self._counts["after_giving_up"] += 1

    def _answered(self, request: Request, code: int, now: float) -> None:
        self._waiting.stop(request.spoke, request)
        self._release(request)
        if code == Code.ACCESS_CHALLENGE and self._plan.answers_challenge and not request.state:
            self._challenged(request, now)
            return
        index = request.login.index
        if not self._codes[index]:
            self._codes[index] = code
            self._answered_at[index] = now
            self._n_answered += 1
        elif self._codes[index] != code:
            self._counts["contradictions"] += 1  # between two controllers
        self._close(request.login)

    def _challenged(self, request: Request, now: float) -> None:
        """Answer with the factor, as a person does who need not think."""
        self._counts["challenges"] += 1
        state = decode_packet(request.reply or b"").value(STATE)
        self._ask(request.login, request.controller, request.server, now, state or b"")

    def _release(self, request: Request) -> None:
        request.is_open = False
        request.nas.free.append(request.identifier)

    def _close(self, login: Login) -> None:
        """Let the user go when no controller waits for an answer any more."""
        login.n_open -= 1
        if not login.n_open:
            self._n_pending -= 1
            self._users.give_back(login.user)

    def _record(self) -> Record:
        requests = (request for nas in self._ports.values() for request in nas.requests if request is not None)
        self._in_vain.update(request.login.index for request in requests if request.is_open)
        if half_answered := sum(self._codes[index] != 0 for index in self._in_vain):
            self._counts["half_answered"] = half_answered
        return Record(
            planned_at=np.array(self._planned_at, np.float64),
            sent_at=np.frombuffer(self._sent_at, np.float64),
            answered_at=np.frombuffer(self._answered_at, np.float64),
            kind=np.frombuffer(self._kinds, np.uint8),
            code=np.frombuffer(self._codes, np.uint8),
            counts=self._counts,
            push_logins=self._push_logins,
            cpu_s=time.process_time() - self._cpu_s_before,
        )
