"""Which home servers answer: one that does not is told of once, and asked by Status-Server until it is back."""

from collections.abc import Callable
from typing import Final

from gateway.firstfactor.home.ports import Request
from gateway.firstfactor.home.replies import ALIVE, doubt
from gateway.firstfactor.home.requests import encode_probe
from gateway.firstfactor.home.server import HomeServer, Limits
from gateway.firstfactor.home.switchboard import Switchboard
from gateway.firstfactor.host_states import HEARD, SILENT, UP
from gateway.radius.dictionary import AUTHENTICATOR_SIZE
from gateway.radius.packet import Packet
from gateway.unavailable import Trouble

REST_S: Final = 60.0
PROBE_INTERVAL_S: Final = 10.0  # RFC 3539 section 3.4.1 asks for 6 at least


class Watch:
    """Looks after the home servers of one section."""

    __slots__ = ("_board", "_draw", "_probes", "_requires_signature")

    def __init__(self, board: Switchboard, limits: Limits, draw: Callable[[int], bytes]) -> None:
        self._board = board
        self._draw = draw
        self._probes = limits.probes
        self._requires_signature = limits.requires_signature

    def heard(self, server: HomeServer, now: float) -> None:
        """Note that a home server has answered."""
        server.heard_at = now
        if server.state is not UP:
            server.move(HEARD)
            server.trial = None
        if server.is_told:
            server.is_told = False
            self._board.tell(server)

    def was_silent(self, server: HomeServer, trouble: Trouble, now: float) -> bool:
        """Note that it has answered nobody for a round, and let it rest; return whether that is new."""
        server.failed(now, trouble)
        server.down_until = now + REST_S
        server.trial = None
        was_up = server.state is UP
        server.move(SILENT)
        if was_up:
            self._tell(server)
            if self._probes and not server.is_probed:
                server.is_probed = True
                self._probe(server, now)
        return was_up

    def cannot_be_reached(self, server: HomeServer, now: float) -> None:
        """Note that its port is closed, or that there is no way to it."""
        server.failed(now, Trouble.CONNECT)
        self._tell(server)
        self.look(server, now)

    def cannot_be_resolved(self, server: HomeServer, now: float) -> None:
        """Note that nobody knows where it is."""
        server.failed(now, Trouble.DNS)
        self._tell(server)

    def look(self, server: HomeServer, now: float) -> None:
        """Ask in a while whether it lives: where others are asked instead, no question may come there."""
        if self._probes and not server.is_probed:
            server.is_probed = True
            self._board.timers.at(now + PROBE_INTERVAL_S, self._probe, server)

    def replied(self, server: HomeServer, probe: Request, reply: Packet, now: float) -> None:
        """Take what has come for a Status-Server."""
        reason = doubt(reply, ALIVE, probe.authenticator, server.shared_secret, self._requires_signature)
        if reason is not None:
            server.discards[reason] += 1
            return
        self._board.release(server, probe)
        self.heard(server, now)

    def _tell(self, server: HomeServer) -> None:
        """Have the log told that it does not answer, once until it does."""
        if not server.is_told:
            server.is_told = True
            self._board.tell(server)

    def _probe(self, server: HomeServer, now: float) -> None:
        """Ask a home server that does not answer whether it lives, each time anew (RFC 5997 section 4.1)."""
        probe, location = server.probe, server.location
        if probe.port is not None and server.trouble is not None:
            server.failed(now, server.trouble)  # still
        self._board.release(server, probe)
        if server.heard_at >= server.failed_at or location is None:
            server.is_probed = False
            return
        port = self._board.take_port(server, location, probe)
        probe.authenticator = self._draw(AUTHENTICATOR_SIZE)
        probe.octets = encode_probe(probe.identifier, probe.authenticator, server.shared_secret, location.nas_attribute)
        self._board.send(probe, port)
        self._board.timers.at(now + PROBE_INTERVAL_S, self._probe, server)
