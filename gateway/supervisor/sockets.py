"""The listening sockets: bound once and held, a fixed number for each address, whichever worker reads them.

A user's packets all come to one socket of the group (`listeners.steering`), her bucket; each worker reads some of the
buckets. A worker's death changes nothing in a SO_REUSEPORT group: datagrams wait in its sockets for the successor. Nor
does another number of workers: the same sockets are dealt out anew. No member of a group is ever closed alone, for the
kernel would move the last one into its place.
"""

import contextlib
import errno
import os
import socket
from typing import TYPE_CHECKING, NamedTuple

from gateway.config.listening import ListeningAddress
from gateway.config.writing import MORE_FILES
from gateway.ipc.numbering import Numbering
from gateway.ipc.orders import (
    BucketOrders,
    SocketOrders,
)
from gateway.listeners.steering import steer_by_user
from gateway.listeners.udp import open_socket
from gateway.supervisor.bound_sockets import is_anothers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RECEIVE_BUFFER = 4_194_304  # octets asked for each socket: about 5,000 small datagrams
SO_RCVBUFFORCE = 33  # asm-generic/socket.h; Python does not name it
MOST_WAITING = 10_000  # small datagrams in one socket: about twice what its buffer holds
FEWEST_BUCKETS = 4  # so that a reload may raise the number of workers on a small machine, too


class CannotListen(Exception):  # noqa: N818 -- reads as what it says
    """An address cannot be bound; the text says which, why, and what to do."""

    @property
    def is_taken(self) -> bool:
        """Whether somebody else has it."""
        return isinstance(self.__cause__, OSError) and self.__cause__.errno == errno.EADDRINUSE


class SocketGroup(NamedTuple):
    """The sockets of one address, by bucket."""

    address: ListeningAddress
    sockets: list[socket.socket]

    def discard_waiting(self) -> None:
        """Discard what came before the kernel steered: it may be in anybody's socket, and its sender asks again.

        A worker that does not serve the user would take a retransmission for a new login.
        """
        for udp in self.sockets:
            with contextlib.suppress(OSError):  # no more is there
                for _ in range(MOST_WAITING):
                    udp.recv(1, socket.MSG_DONTWAIT)

    def close(self) -> None:
        for udp in self.sockets:
            with contextlib.suppress(OSError):
                udp.close()


class _Passage(NamedTuple):
    """The two ends of a bucket's socket for packets that workers pass on to each other."""

    inlet: socket.socket
    outlet: socket.socket


class ListeningSockets:
    """The SO_REUSEPORT groups of all addresses of one configuration, and how workers pass packets on to each other.

    Attributes:
        n_buckets: sockets of each address, and so the greatest number of workers.
        groups: the sockets of each address, in order.
        passages: by bucket, how workers pass packets on.
    """

    def __init__(
        self, addresses: list[ListeningAddress], n_buckets: int, others: "Iterable[ListeningSockets]" = ()
    ) -> None:
        """Bind everything, or nothing; what others have bound already is shared with them.

        Raises:
            CannotListen: an address is taken, or is not of this machine.
        """
        self.n_buckets = n_buckets
        self.groups: list[SocketGroup] = []
        self.passages: list[_Passage]
        others = list(others)
        held = [group for each in others for group in each.groups]
        new: list[SocketGroup] = []
        try:
            self.try_addresses(addresses, others)  # all of them first: our own sockets would count as taken, too
            for address in addresses:
                group = next((each for each in held if each.address[:3] == address[:3]), None)
                if group is None:
                    group = SocketGroup(address, [])
                    new.append(group)  # before it is filled, so that a failure closes all of it
                    self._bind(group)
                self.groups.append(group)
            self.passages = others[0].passages if others else _open_passages(n_buckets)
        except BaseException:
            for group in new:
                group.close()
            raise

    @staticmethod
    def try_addresses(addresses: list[ListeningAddress], others: "Iterable[ListeningSockets]") -> None:
        """Make sure that everything can be bound that others have not bound already.

        Raises:
            CannotListen: an address is taken, or is not of this machine.
        """
        held = [group for each in others for group in each.groups]
        for address in addresses:
            if not any(address[:3] == group.address[:3] for group in held):
                try_address(address)
                _refuse_taken(address, held)

    @classmethod
    def of(cls, groups: list[SocketGroup]) -> "ListeningSockets":
        """Return those of groups that are bound already; all have the same number of sockets."""
        sockets = cls.__new__(cls)
        sockets.groups, sockets.n_buckets = groups, len(groups[0].sockets)
        sockets.passages = _open_passages(sockets.n_buckets)
        return sockets

    @property
    def numbering(self) -> Numbering:
        """What their numbers mean to whoever finds a journal."""
        return Numbering([str(group.address) for group in self.groups], self.n_buckets)

    def _bind(self, group: SocketGroup) -> None:
        address = group.address
        with _explained(address):
            for _ in range(self.n_buckets):
                group.sockets.append(open_socket(address.family, address.host, address.port, shared=True))
                grow_receive_buffer(group.sockets[-1])
            if self.n_buckets > 1:
                steer_by_user(group.sockets[0], self.n_buckets)
                group.discard_waiting()

    def of_slot(self, slot: int, n_slots: int) -> list[SocketOrders]:
        """Return the share of one of so many workers: the same buckets of every address."""
        return [
            SocketOrders(number, bucket, group.sockets[bucket].fileno())
            for number, group in enumerate(self.groups)
            for bucket in self.buckets(slot, n_slots)
        ]

    def buckets(self, slot: int, n_slots: int) -> list[int]:
        """Return the buckets of one of so many workers."""
        return list(range(slot, self.n_buckets, n_slots))

    def by_slot(self, n_slots: int) -> "Iterator[tuple[int, socket.socket]]":
        """Yield every socket with the slot, one of so many, whose worker reads it."""
        for group in self.groups:
            for bucket, udp in enumerate(group.sockets):
                yield bucket % n_slots, udp

    def passages_of_slot(self, slot: int, n_slots: int) -> list[BucketOrders]:
        """Return how one of so many workers passes packets on, and gets those of its own buckets."""
        own = self.buckets(slot, n_slots)
        return [
            BucketOrders(bucket, each.outlet.fileno(), each.inlet.fileno() if bucket in own else -1)
            for bucket, each in enumerate(self.passages)
        ]

    @property
    def receive_buffer(self) -> int:
        """Octets that the kernel granted for each socket, which it reports doubled."""
        return min(group.sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) for group in self.groups) // 2

    def close(self, others: "Iterable[ListeningSockets]" = ()) -> None:
        """Give all addresses up that no others share."""
        others = list(others)
        kept = [group for each in others for group in each.groups]
        for group in self.groups:
            if not any(group is each for each in kept):
                group.close()
        if not any(self.passages is each.passages for each in others):
            for passage in self.passages:
                passage.inlet.close()
                passage.outlet.close()


def _open_passages(n_buckets: int) -> list[_Passage]:
    return [_Passage(*socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)) for _ in range(n_buckets)]


def bucket_count(n_workers: int) -> int:
    """Return a number of sockets that so many workers can share equally, one for each core of ours at least.

    No more than needed: a worker that drains one socket instead of 16 spends a tenth less on a login.
    """
    fewest = max(FEWEST_BUCKETS, len(os.sched_getaffinity(0)))
    return n_workers * -(-fewest // n_workers)


def grow_receive_buffer(udp: socket.socket) -> int:
    """Ask for `RECEIVE_BUFFER` octets, and return what the kernel grants.

    Beyond net.core.rmem_max that takes CAP_NET_ADMIN, which root has.
    """
    try:
        udp.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    except PermissionError:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    return udp.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2  # it reports twice as much


def _refuse_taken(address: ListeningAddress, held: list[SocketGroup]) -> None:
    """Bind once alone: a second gateway of the same user would join the first one's group without a word."""
    ports = {(group.address.family, group.address.port) for group in held}
    if (address.family, address.port) not in ports:
        try_port(address)
        return
    own = {os.fstat(udp.fileno()).st_ino for group in held for udp in group.sockets}
    with _explained(address):
        if is_anothers(address, own):
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    try_port(address, beside_ours=True)


def try_address(address: ListeningAddress) -> None:
    """Make sure that an address is one of this machine's from which it can answer, whoever has the port.

    Raises:
        CannotListen: it is not.
    """
    with _explained(address), open_socket(address.family, address.host, 0, shared=False) as udp:
        _refuse_broadcast(udp)


def try_port(address: ListeningAddress, *, beside_ours: bool = False) -> None:
    """Bind an address and its port alone, and give them up again.

    Args:
        address: that is wanted.
        beside_ours: sockets of this process that have the port at other addresses are not in the way.

    Raises:
        CannotListen: somebody has them, or we may not.
    """
    with _explained(address):
        open_socket(address.family, address.host, address.port, shared=beside_ours).close()


@contextlib.contextmanager
def _explained(address: ListeningAddress) -> "Iterator[None]":
    try:
        yield
    except OSError as error:
        raise CannotListen(f"cannot listen on udp {address}: {_explain(error)}") from error


def _refuse_broadcast(udp: socket.socket) -> None:
    """Raise EADDRNOTAVAIL where a network's broadcast address is bound: the kernel alone knows that it is one."""
    try:
        udp.connect(udp.getsockname())  # which sends nothing
    except PermissionError as error:
        raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL)) from error
    except OSError:  # no route, perhaps not yet
        pass


def _explain(error: OSError) -> str:
    return {
        errno.EADDRINUSE: "the port is in use; is another radgate or Duo's proxy running?",
        errno.EACCES: "not permitted; ports below 1024 need root or CAP_NET_BIND_SERVICE",
        errno.EMFILE: f"too many open files; {MORE_FILES}",
        errno.EADDRNOTAVAIL: "no interface of this machine has that address; correct interface=",
    }.get(error.errno or 0, (error.strerror or str(error)).lower())
