"""Datagrams lost in full sockets, by the slot whose worker reads there."""

import errno
import socket
from collections.abc import Iterator

import pytest

from gateway.config.listening import ListeningAddress
from gateway.listeners.udp import open_socket
from gateway.statistics.layout import Measure
from gateway.supervisor import overflows
from gateway.supervisor.overflows import Overflows
from gateway.supervisor.sockets import ListeningSockets, SocketGroup

N_BUCKETS = 4


@pytest.fixture
def group() -> Iterator[SocketGroup]:
    """Sockets of which none has room for more than a few datagrams."""
    sockets = [open_socket(socket.AF_INET, "127.0.0.1", 0, shared=False) for _ in range(N_BUCKETS)]
    for udp in sockets:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    group = SocketGroup(ListeningAddress(int(socket.AF_INET), "127.0.0.1", 0, ()), sockets)
    yield group
    group.close()


def flood(udp: socket.socket) -> int:
    """Send more than there is room for; return how many the kernel dropped.

    Loopback delivers before `sendto` returns.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(100):
            sender.sendto(bytes(100), udp.getsockname())
    n_waiting = 0
    while True:
        try:
            udp.recv(1)
        except BlockingIOError:
            return 100 - n_waiting
        n_waiting += 1


def of_slots(*lost: int) -> dict[tuple[str, ...], int]:
    return {(Measure.OVERFLOWED, str(slot)): n for slot, n in enumerate(lost) if n}


def test_what_was_lost_is_known_at_once_and_counted_once(group):
    """No further datagram has to come, nor a worker that reads it."""
    sockets, lost = ListeningSockets.of([group]), Overflows()
    assert lost.look([(sockets, 2)]) == {}
    n = flood(group.sockets[3])
    assert n > 0
    for _ in range(2):
        assert lost.look([(sockets, 2)]) == of_slots(0, n)
    n += flood(group.sockets[1])
    m = flood(group.sockets[0])
    assert lost.look([(sockets, 2)]) == of_slots(m, n)
    sockets.close()


def test_another_number_of_workers_takes_nothing_back(group):
    """A counter that falls is read as one that began anew: all of it would be lost once more."""
    sockets, lost = ListeningSockets.of([group]), Overflows()
    n = flood(group.sockets[3])
    assert lost.look([(sockets, 4)]) == of_slots(0, 0, 0, n)
    m = flood(group.sockets[3])
    assert lost.look([(sockets, 2), (sockets, 4)]) == of_slots(0, m, 0, n)
    sockets.close()


def test_sockets_that_are_given_up_leave_what_was_lost_there(group):
    sockets, lost = ListeningSockets.of([group]), Overflows()
    n = flood(group.sockets[0])
    lost.look([(sockets, 1)])
    sockets.close()
    assert lost.look([(sockets, 1)]) == lost.look([]) == of_slots(n)


def test_a_code_in_our_place_goes_on_where_we_were(group):
    """An upgrade keeps the sockets, and with them the kernel's count: what is lost meanwhile counts, too."""
    sockets = ListeningSockets.of([group])
    n = flood(group.sockets[0])
    assert Overflows().look([(sockets, 1)]) == Overflows().look([(sockets, 1)]) == of_slots(n)
    sockets.close()


def test_the_kernels_count_begins_anew_beyond_32_bits(group, monkeypatch):
    sockets, lost = ListeningSockets.of([group]), Overflows()
    for n in (2**32 - 2, 3):
        monkeypatch.setattr(overflows, "dropped", lambda udp, n=n: n if udp is group.sockets[0] else 0)
        lost.look([(sockets, 1)])
    assert lost.look([]) == of_slots(2**32 + 3)
    sockets.close()


def test_a_kernel_that_does_not_tell_is_no_trouble():
    class Mute:
        def getsockopt(self, *_: int) -> bytes:
            raise OSError(errno.ENOPROTOOPT, "no")

    assert overflows.dropped(Mute()) is None
