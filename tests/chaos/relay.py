"""A bad network: datagrams between fleet and gateway are lost, doubled and late, connections to Duo slow, cut or dead.

Everything is drawn from a seeded generator, and changes while the relays run.
"""

import asyncio
import os
import random
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, cast

Address = tuple[str, int]
_DATAGRAMS_A_TURN = 64
_BUFFER_OCTETS = 1_048_576
_LINGER_RESET = struct.pack("ii", 1, 0)  # close() sends RST
TRICKLE_OCTETS = 64
TRICKLE_EVERY_S = 0.01
LATE_S = 0.0075  # each way
CUT_SHARE = 0.05  # of the pieces that pass, while connections are cut at random


class Weather(NamedTuple):
    """What happens to datagrams, each way by itself: shares from 0 to 1.

    Attributes:
        loss: how many never arrive.
        duplication: how many arrive twice.
        lateness: how many are delayed, and so overtaken by others.
        delay_s: by how much at most.
    """

    loss: float = 0.0
    duplication: float = 0.0
    lateness: float = 0.0
    delay_s: float = 0.0


CALM = Weather()


class UdpRelay:
    """Between the NAS and one address of the gateway, with an upstream port of its own for each source.

    Attributes:
        weather: what happens to datagrams; to be changed at any time.
        n_lost, n_doubled, n_delayed: what has happened.
    """

    def __init__(self, server: Address, chance: random.Random, weather: Weather = CALM) -> None:
        """Listen on a port that the kernel chooses; to be made inside a running loop."""
        self.weather = weather
        self.n_lost = self.n_doubled = self.n_delayed = 0
        self._server = server
        self._chance = chance
        self._loop = asyncio.get_running_loop()
        self._upstreams: dict[tuple[Address, Address], socket.socket] = {}
        self._front = _open_socket("127.0.0.1")
        self._loop.add_reader(self._front.fileno(), self._from_fleet)

    @property
    def address(self) -> Address:
        """Where the fleet sends to."""
        return cast("Address", self._front.getsockname())

    def close(self) -> None:
        """Give all ports up; what is still on its way is lost."""
        for udp in (self._front, *self._upstreams.values()):
            self._loop.remove_reader(udp.fileno())
            udp.close()

    def _from_fleet(self) -> None:
        with suppress(OSError):
            for _ in range(_DATAGRAMS_A_TURN):
                datagram, source = self._front.recvfrom(4096)
                self._carry(self._upstream(source, self._server_for(datagram)).send, datagram)

    def _from_gateway(self, upstream: socket.socket, source: Address) -> None:
        with suppress(OSError):
            for _ in range(_DATAGRAMS_A_TURN):
                self._carry(self._front.sendto, upstream.recv(4096), source)

    def _server_for(self, _datagram: bytes) -> Address:
        return self._server

    def _upstream(self, source: Address, server: Address) -> socket.socket:
        """Return the port that stands for a source: a gateway sees one for each."""
        upstream = self._upstreams.get((source, server))
        if upstream is None:
            upstream = self._upstreams[source, server] = _open_socket(source[0])
            upstream.connect(server)
            self._loop.add_reader(upstream.fileno(), self._from_gateway, upstream, source)
        return upstream

    def _carry(self, send: Callable[..., Any], datagram: bytes, *where: Address) -> None:
        weather, chance = self.weather, self._chance
        if chance.random() < weather.loss:
            self.n_lost += 1
            return
        is_doubled = chance.random() < weather.duplication
        self.n_doubled += is_doubled
        for _ in range(1 + is_doubled):
            if chance.random() < weather.lateness:
                self.n_delayed += 1
                self._loop.call_later(chance.uniform(0.0, weather.delay_s), _deliver, send, datagram, *where)
            else:
                _deliver(send, datagram, *where)


class Balancer(UdpRelay):
    """A relay before several servers: each transmission of a packet goes to the next of them."""

    def __init__(self, servers: Sequence[Address], chance: random.Random, weather: Weather = CALM) -> None:
        super().__init__(servers[0], chance, weather)
        self._servers = servers
        self._turns: dict[bytes, int] = {}

    def _server_for(self, datagram: bytes) -> Address:
        turn = self._turns.get(datagram)
        if turn is None:
            turn = self._chance.randrange(len(self._servers))
        self._turns[datagram] = turn + 1
        return self._servers[turn % len(self._servers)]


def _deliver(send: Callable[..., Any], datagram: bytes, *where: Address) -> None:
    with suppress(OSError):  # a full buffer, a port that nobody listens on, or a relay closed meanwhile
        send(datagram, *where)


def _open_socket(host: str) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_OCTETS)
    udp.bind((host, 0))
    return udp


class Mood(StrEnum):
    """What connections through a `TcpRelay` meet."""

    CLEAR = "clear"
    SLOW = "slow"  # octets trickle
    LATE = "late"  # octets arrive a little later, in either direction
    BLACK_HOLE = "black_hole"  # nothing passes; it is delivered once the way is clear again, as by TCP
    RESETTING = "resetting"  # every connection is reset, open and new ones
    CUTTING = "cutting"  # connections are reset at random, in the middle of what they carry


class TcpRelay:
    """Between the gateway and the simulated Duo; `mood` says how it treats connections, `become` changes it.

    Attributes:
        n_connections: accepted since the start.
        n_reset: connections that it has reset.
    """

    def __init__(self, server: Address, chance: random.Random) -> None:
        self.mood = Mood.CLEAR
        self.n_connections = self.n_reset = 0
        self._server = server
        self._chance = chance
        self._ends: set[_End] = set()
        self._opening: set[asyncio.Task[None]] = set()

    async def start(self) -> Address:
        """Listen on a port that the kernel chooses, and return it."""
        self._loop = asyncio.get_running_loop()
        self._listener = await self._loop.create_server(lambda: _End(self), "127.0.0.1", 0, backlog=1024)
        return cast("Address", self._listener.sockets[0].getsockname())

    def become(self, mood: Mood) -> None:
        """Treat connections so from now on."""
        self.mood = mood
        for end in tuple(self._ends):
            if mood is Mood.RESETTING:
                self._reset(end)
            else:
                self.flow(end)

    async def close(self) -> None:
        """Cut everything and leave."""
        self._listener.close()
        for task in self._opening:
            task.cancel()
        for end in tuple(self._ends):
            end.abort()
        await self._listener.wait_closed()

    def opened(self, end: "_End") -> None:
        """Take a new end; one that came from the gateway gets its counterpart."""
        self._ends.add(end)
        if end.other is not None:
            return
        self.n_connections += 1
        if self.mood is Mood.RESETTING:
            self._reset(end)
            return
        task = self._loop.create_task(self._connect(end))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    def lost(self, end: "_End") -> None:
        """An end is gone, and so is its counterpart."""
        self._ends.discard(end)
        if end.other is not None:
            end.other.close()

    def flow(self, end: "_End") -> None:
        """Hand on what an end has heard, as the mood has it."""
        if end.held and end.other is not None:
            self._MANNERS[self.mood](self, end)

    async def _connect(self, near: "_End") -> None:
        try:
            await self._loop.create_connection(lambda: _End(self, near), *self._server)
        except OSError:
            near.abort()
            return
        if near not in self._ends and near.other is not None:  # it left while we connected
            near.other.abort()
            return
        self.flow(near)

    def _pass_on(self, end: "_End") -> None:
        end.hand_on(len(end.held))

    def _trickle(self, end: "_End") -> None:
        if not end.is_trickling:
            end.is_trickling = True
            self._loop.call_later(TRICKLE_EVERY_S, self._trickled, end)

    def _trickled(self, end: "_End") -> None:
        end.is_trickling = False
        if self.mood is Mood.SLOW and end in self._ends:
            end.hand_on(TRICKLE_OCTETS)
        self.flow(end)

    def _delay(self, end: "_End") -> None:
        n_octets = len(end.held) - end.n_delayed
        if n_octets:
            end.n_delayed += n_octets
            self._loop.call_later(LATE_S, self._delayed, end, n_octets)

    def _delayed(self, end: "_End", n_octets: int) -> None:
        end.n_delayed -= n_octets
        if end in self._ends:
            end.hand_on(n_octets)

    def _hold(self, _end: "_End") -> None:
        """Nothing passes."""

    def _cut_at_random(self, end: "_End") -> None:
        if self._chance.random() < CUT_SHARE:
            end.hand_on(len(end.held) // 2)
            self._reset(end)
        else:
            self._pass_on(end)

    def _reset(self, end: "_End") -> None:
        if end in self._ends:
            self.n_reset += 1
            for each in (end, end.other):
                if each is not None:
                    self._ends.discard(each)
                    each.reset()

    _MANNERS: ClassVar[dict[Mood, Callable[["TcpRelay", "_End"], None]]] = {
        Mood.CLEAR: _pass_on,
        Mood.SLOW: _trickle,
        Mood.LATE: _delay,
        Mood.BLACK_HOLE: _hold,
        Mood.RESETTING: _reset,
        Mood.CUTTING: _cut_at_random,
    }


class _End(asyncio.Protocol):
    """One end of a relayed connection: what it hears is held until it may be handed on to the other one."""

    def __init__(self, relay: TcpRelay, other: "_End | None" = None) -> None:
        self._relay = relay
        self.other = other
        self.held = bytearray()
        self.is_trickling = False
        self.n_delayed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self.other is not None:
            self.other.other = self
        self._relay.opened(self)

    def data_received(self, data: bytes) -> None:
        self.held += data
        self._relay.flow(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._relay.lost(self)

    def hand_on(self, n_octets: int) -> None:
        """Let the other end say the first of what this one has heard."""
        if self.other is not None and n_octets:
            self.other.say(bytes(self.held[:n_octets]))
            del self.held[:n_octets]

    def say(self, octets: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(octets)

    def close(self) -> None:
        """End it once all is written."""
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def reset(self) -> None:
        """End it with a TCP reset."""
        if not self._transport.is_closing():
            descriptor = self._transport.get_extra_info("socket").fileno()
            with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as alias:  # uvloop lends no real socket
                alias.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        self._transport.abort()
