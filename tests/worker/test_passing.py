"""Datagrams from one worker to another, through real sockets."""

import asyncio
import socket

import msgspec
import pytest

from gateway.engine.effects import PassOn
from gateway.engine.peer import Peer
from gateway.worker.passing import Inlet, Passing

PEER = Peer(("192.0.2.1", 40_001), 2, [(0, 8, b"way back")], 0)


@pytest.fixture
def ends():
    inlet, outlet = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with outlet:
        yield inlet.detach(), outlet


async def heard(inlet_fd: int, generation: int, write) -> list[tuple[bytes, Peer]]:
    """What an inlet of bucket 3 hears of what `write` does, up to a last datagram that ends it."""
    loop, end, found = asyncio.get_running_loop(), asyncio.Event(), []

    def on_datagram(datagram: bytes, peer: Peer) -> None:
        if datagram == b"end":
            end.set()
        else:
            found.append((datagram, peer))

    inlet = Inlet(inlet_fd, 3, generation, on_datagram)
    inlet.start(loop)
    write()
    await end.wait()
    inlet.stop(loop)
    inlet._socket.close()
    return found


def test_a_datagram_arrives_with_its_peer_and_the_bucket_that_it_belongs_to(ends):
    inlet_fd, outlet = ends
    passing = Passing(7, {3: outlet})

    def write() -> None:
        passing.pass_on(PassOn(b"octets" * 600, PEER, 3))
        passing.pass_on(PassOn(b"end", PEER, 3))

    assert asyncio.run(heard(inlet_fd, 7, write)) == [
        (b"octets" * 600, Peer(("192.0.2.1", 40_001), 2, [(0, 8, b"way back")], 3))
    ]


def test_what_is_of_other_settings_or_no_message_is_dropped(ends, caplog):
    inlet_fd, outlet = ends

    def write() -> None:
        Passing(6, {3: outlet}).pass_on(PassOn(b"of before", PEER, 3))
        outlet.send(b"\xc1 no message")
        outlet.send(msgspec.msgpack.encode([7, ["~~", 1], 2, [], b"no UTF-8"]).replace(b"~~", b"\xff\xff"))
        Passing(7, {3: outlet}).pass_on(PassOn(b"end", PEER, 3))

    assert asyncio.run(heard(inlet_fd, 7, write)) == []
    assert caplog.records == []


def test_a_worker_that_does_not_take_it_keeps_nobody_waiting(ends):
    inlet_fd, outlet = ends
    passing = Passing(7, {3: outlet})
    for _ in range(10_000):
        passing.pass_on(PassOn(bytes(4096), PEER, 3))
    socket.socket(fileno=inlet_fd).close()
    passing.pass_on(PassOn(b"to nobody", PEER, 3))
