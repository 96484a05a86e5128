"""How the home servers of one section are asked, without any I/O.

Rules:

- In the order of the section, those that are down last. A question goes to the next one after silence, or where the
  port is closed, and nowhere else after an answer: a reject is final.
- Each home server sees a question once, and the same octets again after each `retry_wait_s`, `retries` times. Another
  home server gets a request of its own: another authenticator, the password hidden with its secret.
- One that is silent for a whole round, to everybody, is down for `watch.REST_S`: whoever waits for it turns to the
  next. A Status-Server that it answers brings it back, or one question that is sent there to see.
- One whose port is closed is asked last for `REFUSED_REST_S`, and by Status-Server until it is back; if there is no
  other, the tries go on, for it may be restarting.
- `max_in_flight` questions are out at one home server at a time; more wait, within their time. More than 256 need more
  ports, for a port has 256 Identifiers.
- A reply counts only if it is the home server's own; else it is as if nothing had come.

Each input returns the effects that follow, in their order. Instants are monotonic seconds.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

from gateway.engine.first_factor import Answer
from gateway.firstfactor.home.asked import Asked
from gateway.firstfactor.home.choosing import choose, may_return
from gateway.firstfactor.home.effects import Effect
from gateway.firstfactor.home.ports import Port, Request
from gateway.firstfactor.home.replies import ANSWERS, answer_of, doubt
from gateway.firstfactor.home.requests import encode_question
from gateway.firstfactor.home.server import HomeServer, Limits, Location
from gateway.firstfactor.home.states import ENDED, OUT, WAITING
from gateway.firstfactor.home.switchboard import Switchboard
from gateway.firstfactor.home.tries import Tries
from gateway.firstfactor.home.watch import Watch
from gateway.firstfactor.host_states import LEFT, TRIAL, TRIED, UP
from gateway.radius.attributes import has_any
from gateway.radius.dictionary import AUTHENTICATOR_SIZE, EAP_MESSAGE, HEADER_SIZE
from gateway.radius.discards import DecodeError
from gateway.radius.packet import HAS_EAP, Packet, decode_reply
from gateway.unavailable import Trouble, Unavailable
from gateway.words.first_factors import REPLY_DISCARDS, ReplyDiscard

_EAP: Final = bytes(kind == EAP_MESSAGE for kind in range(256))
REFUSED_REST_S: Final = 1.0  # Linux tells nobody more often of a closed port: icmp_ratelimit


class HomePlan:
    """All questions to the home servers of one section.

    Args:
        servers: in the order of the section.
        limits: how they are asked.
        draw: returns so many unpredictable octets.
    """

    def __init__(self, servers: Iterable[HomeServer], limits: Limits, draw: Callable[[int], bytes]) -> None:
        self._servers = tuple(servers)
        self._by_name = {server.name: server for server in self._servers}
        self._limits = limits
        self._timeout_s = limits.timeout_s
        self._retry_wait_s = limits.retry_wait_s
        self._requires_signature = limits.requires_signature
        self._learns_signature = limits.learns_signature
        self._max_in_flight = limits.max_in_flight
        self._returns_untested = limits.returns_untested
        self._draw = draw
        self._lines: list[OrderedDict[Asked, None]] = [OrderedDict() for _ in self._servers]
        self._tries = Tries()
        self._board = Switchboard()
        self._watch = Watch(self._board, limits, draw)

    @property
    def servers(self) -> tuple[HomeServer, ...]:
        """The home servers, in order."""
        return self._servers

    @property
    def next_timer(self) -> float | None:
        """When `timer` is to be called."""
        first, other = self._tries.next, self._board.timers.next
        return other if first is None or (other is not None and other < first) else first

    # What who asks says.

    def ask(self, asked: Asked, now: float) -> list[Effect]:
        """Ask; `Answered` comes once, perhaps at once, unless the question is cancelled."""
        question = asked.question
        asked.asked_at = now
        asked.deadline = now + self._timeout_s
        if question.deadline:
            asked.deadline = min(asked.deadline, question.deadline)
        asked.servers = self._servers
        if question.host:
            server = self._by_name.get(question.host)
            asked.servers = (server,) if server is not None else ()
            if server is None:
                detail = f"{question.host} waits for an answer to its challenge, and is not asked any more"
                self._end(asked, Unavailable(Trouble.CONFIGURATION, detail), now)
                return self._board.take()
        if asked.deadline <= now:
            self._end(asked, Unavailable(Trouble.TIMEOUT, "no time is left to ask"), now)
        else:
            self._go_on(asked, now)
        return self._board.take()

    def cancel(self, asked: Asked, now: float) -> list[Effect]:
        """Want no answer any more; a home server that is tried for the second time by then was silent."""
        if asked.state is not ENDED:
            server = asked.server
            if server is not None and asked.state is OUT and asked.n_sent > 1:
                self._note_silence(asked, server, now)
            self._leave(asked, now)
            if server is not None:
                self._fill(server, now)
        return self._board.take()

    # What the network says.

    def received(self, number: int, datagram: bytes, now: float) -> list[Effect]:
        """Take octets that came to a port."""
        server = self._board.servers.get(number)
        if server is not None:
            request = server.ports[number].requests.get(datagram[1]) if len(datagram) > 1 else None
            try:
                reply = decode_reply(datagram)
            except DecodeError:
                _doubt(server, request, ReplyDiscard.MALFORMED)
                return self._board.take()
            if request is None:
                server.discards[ReplyDiscard.UNASKED] += 1
            elif isinstance(request, Asked):
                self._replied(server, request, reply, now)
            else:
                self._watch.replied(server, request, reply, now)
        return self._board.take()

    def refused(self, number: int, why: str, now: float) -> list[Effect]:
        """Hear that nobody receives what a port sends."""
        server = self._board.servers.get(number)
        if server is not None:
            self._watch.cannot_be_reached(server, now)
            server.refused_until = now + REFUSED_REST_S
            for asked in _questions(server.ports[number]):
                asked.complain(server, f"cannot be reached: {why}", Trouble.CONNECT)
                if choose(asked, self._returns_untested, now) is not None:
                    self._leave_server(asked, now)
                    self._go_on(asked, now)
            self._fill(server, now)
        return self._board.take()

    def failed(self, number: int, why: str, now: float) -> list[Effect]:
        """Hear that a port could not be opened."""
        server = self._board.servers.pop(number, None)
        if server is not None:
            self._watch.cannot_be_reached(server, now)
            port = server.ports.pop(number)
            port.is_left = False  # nobody has to close it
            for asked in _questions(port):
                asked.complain(server, f"cannot be reached: {why}", Trouble.CONNECT)
                self._leave_server(asked, now)
                self._go_on(asked, now)
            if server.probe.port is port:
                port.release(server.probe)
            self._fill(server, now)
        return self._board.take()

    def unsent(self, number: int) -> list[Effect]:
        """Hear that nothing leaves from a port any more; what has left before may still be answered there."""
        server = self._board.servers.get(number)
        if server is not None:
            self._board.leave_port(server, server.ports[number])
        return self._board.take()

    def located(self, server: HomeServer, location: Location, now: float) -> list[Effect]:
        """Hear where a home server is; what is out at another address may still be answered from there."""
        server.is_lost = False
        if location != server.location:
            server.location = location
            server.down_until = now  # there it may answer
            for port in tuple(server.ports.values()):
                self._board.leave_port(server, port)
            if server.heard_at < server.failed_at:
                self._watch.look(server, now)
            self._fill(server, now)
        return self._board.take()

    def lost(self, server: HomeServer, why: str, now: float) -> list[Effect]:
        """Hear that a home server's name cannot be resolved; an address that was known before stays."""
        if server.location is None:
            server.is_lost = True
            self._watch.cannot_be_resolved(server, now)
            for asked in tuple(self._lines[server.index]):
                asked.complain(server, why, Trouble.DNS)
                self._leave_server(asked, now)
                self._go_on(asked, now)
        return self._board.take()

    def timer(self, now: float) -> list[Effect]:
        """Do what is due."""
        while (asked := self._tries.due(now)) is not None:
            self._due(asked, now)
        self._board.timers.run(now)
        return self._board.take()

    # Where a question goes.

    def _go_on(self, asked: Asked, now: float) -> None:
        """Turn to the next home server; end if there is none."""
        server = choose(asked, self._returns_untested, now)
        if server is None:
            self._end(asked, asked.in_vain(), now)
            return
        if may_return(server, self._returns_untested, now):
            server.move(TRIED)
            server.trial = asked
        asked.server = server
        asked.tried |= 1 << server.index
        location = server.location
        if location is not None and server.n_out < self._max_in_flight:
            self._send_first(asked, server, location, now)
        else:
            asked.move(WAITING)
            self._lines[server.index][asked] = None
            self._wake(asked, asked.deadline)

    def _fill(self, server: HomeServer, now: float) -> None:
        """Send those who wait, the longest waiting first, as far as there are places."""
        line, location = self._lines[server.index], server.location
        while line and location is not None and server.n_out < self._max_in_flight:
            asked, _ = line.popitem(last=False)
            self._send_first(asked, server, location, now)

    def _send_first(self, asked: Asked, server: HomeServer, location: Location, now: float) -> None:
        port = self._board.take_port(server, location, asked)
        server.n_out += 1
        asked.move(OUT)
        asked.authenticator = self._draw(AUTHENTICATOR_SIZE)
        try:
            asked.octets = encode_question(
                asked.question, asked.identifier, asked.authenticator, server.shared_secret, location.nas_attribute
            )
        except ValueError as error:
            self._end(asked, Unavailable(Trouble.CONFIGURATION, f"the question is no RADIUS packet: {error}"), now)
            return
        asked.doubted = None
        asked.sent_at = now
        self._board.send(asked, port)
        self._wait(asked, now)

    # What time says.

    def _wait(self, asked: Asked, now: float) -> None:
        """Wait for the answer to a try."""
        at = now + self._retry_wait_s
        if at > asked.deadline:
            self._wake(asked, asked.deadline)
        else:
            asked.due_at = at
            self._tries.add(asked, at)

    def _wake(self, asked: Asked, at: float) -> None:
        asked.due_at = at
        self._board.timers.at(at, self._due, asked)

    def _due(self, asked: Asked, now: float) -> None:
        """Do what is due for a question; an earlier instant of its own may have been overtaken."""
        server, port = asked.server, asked.port
        if asked.state is ENDED or now < asked.due_at or server is None:
            return
        if now >= asked.deadline:
            self._out_of_time(asked, server, now)
        elif port is not None:
            if asked.n_sent <= self._limits.retries and not self._is_hopeless(asked, server, now):
                self._board.send(asked, port)
                self._wait(asked, now)
            else:
                self._was_silent(asked, server, now)

    def _is_hopeless(self, asked: Asked, server: HomeServer, now: float) -> bool:
        """Whether a home server is known to be silent, and another one is not."""
        if server.state is UP:
            return False
        other = choose(asked, self._returns_untested, now)
        return other is not None and other.state is UP

    def _was_silent(self, asked: Asked, server: HomeServer, now: float) -> None:
        self._note_silence(asked, server, now)
        self._leave_server(asked, now)
        self._go_on(asked, now)
        self._fill(server, now)

    def _out_of_time(self, asked: Asked, server: HomeServer, now: float) -> None:
        if asked.state is OUT:
            if asked.n_sent > 1:  # a question may have less time than a round takes: silence all the same
                self._note_silence(asked, server, now)
            else:
                asked.complain(server, *_silence(asked, "did not answer in time"))
        elif server.location is None:
            asked.complain(server, "cannot be resolved in time", Trouble.DNS)
        else:
            asked.complain(server, f"has {server.n_out} questions of ours already", Trouble.BUSY)
        self._end(asked, asked.in_vain(), now)
        self._fill(server, now)

    def _note_silence(self, asked: Asked, server: HomeServer, now: float) -> None:
        """Count a home server as down that has answered nobody since this question went there."""
        text, trouble = _silence(asked, "did not answer")
        if server.index not in asked.complaints:
            asked.complain(server, text, trouble)
        if server.heard_at >= asked.sent_at:
            return
        server.doubted = asked.doubted
        if not self._watch.was_silent(server, trouble, now):
            return
        for waiting in tuple(self._lines[server.index]):
            other = choose(waiting, self._returns_untested, now)
            if other is not None and other.state is UP:
                self._leave_server(waiting, now)
                self._go_on(waiting, now)

    # What an answer says.

    def _replied(self, server: HomeServer, asked: Asked, reply: Packet, now: float) -> None:
        authenticator, secret = asked.authenticator, server.shared_secret
        reason = doubt(reply, ANSWERS, authenticator, secret, self._must_be_signed(server))
        if reason is not None:
            _doubt(server, asked, reason)
            return
        if reply.signed_at and not server.has_signed:  # what answers EAP has to be, which tells nothing of the others
            server.has_signed = not reply.marks & HAS_EAP and not has_any(asked.octets[HEADER_SIZE:], _EAP)
        self._watch.heard(server, now)
        self._end(asked, answer_of(reply, server.name, authenticator, secret, asked.question.password), now)
        self._fill(server, now)

    def _must_be_signed(self, server: HomeServer) -> bool:
        return self._requires_signature or (self._learns_signature and server.has_signed)

    # How a question ends.

    def _end(self, asked: Asked, result: Answer | Unavailable, now: float) -> None:
        self._leave(asked, now)
        self._board.answer(asked, result, now)

    def _leave(self, asked: Asked, now: float) -> None:
        """End a question, whatever comes for it now."""
        self._leave_server(asked, now)
        asked.move(ENDED)
        asked.question.forget()

    def _leave_server(self, asked: Asked, now: float) -> None:
        """Give up what a question has at its home server: its place, or that in the line."""
        server = asked.server
        if server is None:
            return
        asked.server = None
        if server.trial is asked:
            server.trial = None
            if server.state is TRIAL:  # nothing could be told: the next one tries
                server.move(LEFT)
                server.down_until = now
        if asked.state is WAITING:
            self._lines[server.index].pop(asked, None)
        elif asked.port is not None:
            server.n_out -= 1
            self._board.release(server, asked)


def _doubt(server: HomeServer, request: Request | None, reason: ReplyDiscard) -> None:
    """Note that a reply is not believed, and why, for whoever has asked."""
    server.discards[reason] += 1
    if isinstance(request, Asked):
        request.doubted = reason


def _silence(asked: Asked, text: str) -> tuple[str, Trouble]:
    """Return what there is to say of a home server that has not answered: this text, or why it was not believed."""
    if asked.doubted is None:
        return text, Trouble.TIMEOUT
    return f"has sent a reply that is not believed: {REPLY_DISCARDS[asked.doubted].happens}", Trouble.BAD_ANSWER


def _questions(port: Port) -> list[Asked]:
    """Return the questions that are out at a port, the oldest first."""
    return [request for request in port.requests.values() if isinstance(request, Asked)]
