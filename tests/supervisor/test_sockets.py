"""The listening sockets: all of an address's slots in one group, everything bound or nothing."""

import contextlib
import errno
import os
import select
import socket
from collections.abc import Callable, Iterator

import pytest

from gateway.config.listening import ListeningAddress
from gateway.listeners.udp import open_socket
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import USER_NAME
from gateway.supervisor import sockets as supervisor_sockets
from gateway.supervisor.bound_sockets import is_anothers
from gateway.supervisor.sockets import CannotListen, ListeningSockets, bucket_count
from tests.descriptors import descriptors

SLOTS = 4


@pytest.fixture
def free_address() -> Callable[[], ListeningAddress]:
    """A loopback address with a port that the kernel chose and nobody holds."""

    def choose() -> ListeningAddress:
        with open_socket(socket.AF_INET, "127.0.0.1", 0, shared=False) as udp:
            return ListeningAddress(int(socket.AF_INET), "127.0.0.1", udp.getsockname()[1], ())

    return choose


@pytest.fixture
def taken_address() -> Iterator[ListeningAddress]:
    with open_socket(socket.AF_INET, "127.0.0.1", 0, shared=False) as udp:
        yield ListeningAddress(int(socket.AF_INET), "127.0.0.1", udp.getsockname()[1], ())


def of_slot(sockets: ListeningSockets, slot: int, n_slots: int) -> list[int]:
    return [each.descriptor for each in sockets.of_slot(slot, n_slots)]


def request_of(user: str) -> bytes:
    attributes = encode_attribute(USER_NAME, user.encode())
    return bytes([1, 1, 0, 20 + len(attributes)]) + bytes(16) + attributes


def test_a_taken_address_is_refused_with_a_text_that_names_it(taken_address):
    with pytest.raises(CannotListen) as refused:
        ListeningSockets([taken_address], 2)
    assert str(refused.value) == (
        f"cannot listen on udp 127.0.0.1:{taken_address.port}: "
        "the port is in use; is another radgate or Duo's proxy running?"
    )


def test_a_group_of_our_own_user_is_no_invitation_to_join(free_address):
    """SO_REUSEPORT would let a second gateway in, and half of the logins would go to each."""
    address = free_address()
    first = ListeningSockets([address], 2)
    with pytest.raises(CannotListen, match="the port is in use"):
        ListeningSockets([address], 2)
    first.close()


def test_an_address_of_another_machine_is_refused_with_a_text_that_says_so():
    address = ListeningAddress(int(socket.AF_INET), "192.0.2.1", 1812, ())
    with pytest.raises(CannotListen, match=r"192\.0\.2\.1:1812: no interface of this machine has that address"):
        ListeningSockets([address], 2)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "not permitted; ports below 1024 need root"),
        (errno.EMFILE, "too many open files; raise LimitNOFILE in the systemd unit, or ulimit -Hn"),
    ],
)
def test_other_refusals_of_the_kernel_are_explained(monkeypatch, free_address, number, words):
    def refuse(*_arguments, **_options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(supervisor_sockets, "open_socket", refuse)
    with pytest.raises(CannotListen, match=words):
        ListeningSockets([free_address()], 2)


def test_all_slots_of_an_address_are_in_one_group(free_address):
    address = free_address()
    group = ListeningSockets([address], SLOTS)
    members = [
        socket.socket(fileno=os.dup(descriptor)) for n in range(SLOTS) for descriptor in of_slot(group, n, SLOTS)
    ]
    assert {member.getsockname() for member in members} == {("127.0.0.1", address.port)}
    assert all(member.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT) for member in members)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(100):
            sender.sendto(request_of(f"user{number}"), ("127.0.0.1", address.port))
    received = [len(received_by(member)) for member in members]
    assert sum(received) == 100
    assert all(received)
    for member in members:
        member.close()
    group.close()


def received_by(member: socket.socket) -> list[bytes]:
    """Return all that waits in a socket; loopback delivers before `sendto` returns."""
    found = []
    while select.select([member], [], [], 0)[0]:
        found.append(member.recv(4096))
    return found


def test_a_slot_has_one_socket_for_each_address_in_their_order(free_address):
    addresses = [free_address(), free_address(), free_address()]
    sockets = ListeningSockets(addresses, 2)
    for slot in range(2):
        ports = []
        for descriptor in of_slot(sockets, slot, 2):
            with socket.socket(fileno=os.dup(descriptor)) as udp:
                ports.append(udp.getsockname()[1])
        assert ports == [address.port for address in addresses]
    sockets.close()


def test_the_address_for_all_and_a_named_one_may_share_a_port(free_address):
    """Two sections, one of them with `interface`: our own sockets do not count as somebody else's."""
    named = free_address()
    for addresses in ([named, named._replace(host="0.0.0.0")], [named._replace(host="0.0.0.0"), named]):
        ListeningSockets(addresses, 2).close()


def test_other_numbers_of_workers_share_the_same_sockets(free_address):
    """Every bucket is read by one worker, however many there are, and the same one of every address."""
    sockets = ListeningSockets([free_address(), free_address()], bucket_count(3))
    for n_slots in (1, 2, 3, 5, sockets.n_buckets):
        shares = [sockets.of_slot(slot, n_slots) for slot in range(n_slots)]
        dealt = [(each.listener, each.bucket) for share in shares for each in share]
        assert sorted(dealt) == [(listener, bucket) for listener in (0, 1) for bucket in range(sockets.n_buckets)]
        sizes = {len(share) for share in shares}
        assert max(sizes) - min(sizes) <= 2
    sockets.close()


@pytest.mark.parametrize("n_workers", [1, 2, 3, 7, 16, 17, 64])
def test_the_number_of_sockets_is_shared_equally(n_workers):
    assert bucket_count(n_workers) % n_workers == 0
    assert bucket_count(n_workers) >= 4


def test_there_is_a_socket_for_each_core_at_least(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert [bucket_count(n_workers) for n_workers in (1, 3, 8, 16)] == [8, 9, 8, 16]


def test_what_two_configurations_share_is_bound_once(free_address):
    before, (kept, given_up, new) = descriptors(), (free_address(), free_address(), free_address())
    former = ListeningSockets([kept, given_up], SLOTS)
    sockets = ListeningSockets([new, kept], SLOTS, [former])
    former.close([sockets])
    assert of_slot(sockets, 0, SLOTS)[1] == of_slot(former, 0, SLOTS)[0]
    ListeningSockets([given_up], SLOTS).close()
    sockets.close()
    assert descriptors() == before


def test_a_refused_address_leaves_the_former_ones_alone(free_address, taken_address):
    before, kept = descriptors(), free_address()
    former = ListeningSockets([kept], SLOTS)
    during = descriptors()
    with pytest.raises(CannotListen):
        ListeningSockets([kept, taken_address], SLOTS, [former])
    assert descriptors() == during
    former.close()
    assert descriptors() == before


def test_the_address_for_all_may_follow_a_named_one(free_address):
    named = free_address()
    former = ListeningSockets([named], SLOTS)
    sockets = ListeningSockets([named._replace(host="0.0.0.0")], SLOTS, [former])
    former.close([sockets])
    sockets.close()


@pytest.mark.parametrize("is_first", [False, True], ids=["after ours", "before ours"])
@pytest.mark.parametrize("wanted", ["0.0.0.0", "127.0.0.2"])
def test_what_others_have_beside_our_own_sockets_of_that_port_is_taken(free_address, wanted, is_first):
    """The kernel lets ours in beside theirs if it happens upon ours first; the next start, without any, it refuses."""
    ours = free_address()
    theirs = ours._replace(host="127.0.0.2")
    with contextlib.ExitStack() as bound:
        if is_first:
            bound.enter_context(open_socket(*theirs[:3], shared=False))
        former = ListeningSockets([ours], SLOTS)
        bound.callback(former.close)
        if not is_first:
            bound.enter_context(open_socket(*theirs[:3], shared=False))
        with pytest.raises(CannotListen, match=f"{wanted}:{ours.port}: the port is in use") as refused:
            ListeningSockets.try_addresses([ours._replace(host=wanted)], [former])
        assert refused.value.is_taken
        ListeningSockets.try_addresses([ours._replace(host="127.0.0.3")], [former])


@pytest.mark.parametrize("wanted", ["::", "::1"])
def test_ipv6_is_no_other_matter(wanted):
    with open_socket(socket.AF_INET6, "::1", 0, shared=False) as theirs:
        address = ListeningAddress(int(socket.AF_INET6), wanted, theirs.getsockname()[1], ())
        assert is_anothers(address, own=set())
        assert not is_anothers(address, own={os.fstat(theirs.fileno()).st_ino})
        assert not is_anothers(address._replace(host="2001:db8::1"), own=set())
        assert not is_anothers(address._replace(family=int(socket.AF_INET), host="0.0.0.0"), own=set())


def test_closing_gives_every_address_up(free_address):
    before, addresses = descriptors(), [free_address(), free_address()]
    ListeningSockets(addresses, SLOTS).close()
    assert descriptors() == before
    ListeningSockets(addresses, SLOTS).close()


def test_nothing_is_left_open_when_a_later_address_is_refused(free_address, taken_address):
    before, free = descriptors(), free_address()
    with pytest.raises(CannotListen, match=str(taken_address.port)):
        ListeningSockets([free, taken_address], SLOTS)
    assert descriptors() == before
    ListeningSockets([free], SLOTS).close()


def test_nothing_is_left_open_when_a_later_slot_of_an_address_cannot_be_bound(monkeypatch, free_address):
    """Descriptors can run out, or somebody can take the port, between one slot and the next."""
    before, opened = descriptors(), []

    def open_two(*arguments, shared: bool) -> socket.socket:
        if len(opened) == 2:
            raise OSError(errno.EMFILE, "Too many open files")
        udp = open_socket(*arguments, shared=shared)
        opened.extend([udp] if shared else [])
        return udp

    monkeypatch.setattr(supervisor_sockets, "open_socket", open_two)
    with pytest.raises((CannotListen, OSError)):
        ListeningSockets([free_address()], SLOTS)
    left_open = descriptors() - before
    for udp in opened:
        udp.close()
    assert not left_open


def test_the_receive_buffer_is_what_the_kernel_granted(free_address):
    sockets = ListeningSockets([free_address()], 1)
    with socket.socket(fileno=os.dup(of_slot(sockets, 0, 1)[0])) as udp:
        assert sockets.receive_buffer == udp.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
    assert 0 < sockets.receive_buffer <= supervisor_sockets.RECEIVE_BUFFER
    sockets.close()
