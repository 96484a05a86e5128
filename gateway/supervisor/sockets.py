"""The listening sockets: bound once, held for good, one for each address and slot.

A worker's death changes nothing in a SO_REUSEPORT group: datagrams wait in its socket for the successor. None of them
is ever closed while the gateway runs, for the kernel would move the group's last member into its place.
"""

import contextlib
import errno
import socket

from gateway.config.listening import ListeningAddress
from gateway.net.listener import open_socket
from gateway.net.steering import steer_by_user

RECEIVE_BUFFER = (
    4_194_304  # octets asked for each socket: about 5,000 small datagrams; the kernel caps it at net.core.rmem_max
)


class CannotListen(Exception):  # noqa: N818 -- reads as what it says
    """An address cannot be bound; the text says which, why, and what to do."""


class ListeningSockets:
    """The SO_REUSEPORT groups of all addresses."""

    def __init__(self, addresses: list[ListeningAddress], slots: int) -> None:
        """Bind everything, or nothing.

        Raises:
            CannotListen: an address is taken, or is not of this machine.
        """
        self._groups: list[list[socket.socket]] = []
        try:
            for address in addresses:
                _refuse_taken(address)  # all of them first: our own sockets would count as taken, too
            for address in addresses:
                self._bind_group(address, slots)
        except BaseException:
            self.close()
            raise

    def _bind_group(self, address: ListeningAddress, slots: int) -> None:
        group: list[socket.socket] = []
        self._groups.append(group)  # before it is filled, so that a failure closes all of it
        try:
            for _ in range(slots):
                group.append(open_socket(address.family, address.host, address.port, shared=True))
                group[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            if slots > 1:
                steer_by_user(group[0], slots)
        except OSError as error:
            raise CannotListen(f"cannot listen on udp {address}: {_explain(error)}") from error

    def of_slot(self, slot: int) -> tuple[int, ...]:
        """Return the descriptors of a slot, one for each address, in their order."""
        return tuple(group[slot].fileno() for group in self._groups)

    @property
    def receive_buffer(self) -> int:
        """Octets that the kernel granted for each socket, which it reports doubled."""
        return min(group[0].getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) for group in self._groups) // 2

    def close(self) -> None:
        """Give all addresses up."""
        for group in self._groups:
            for udp in group:
                with contextlib.suppress(OSError):
                    udp.close()


def _refuse_taken(address: ListeningAddress) -> None:
    """Bind once alone: a second gateway of the same user would join the first one's group without a word."""
    try:
        open_socket(address.family, address.host, address.port, shared=False).close()
    except OSError as error:
        raise CannotListen(f"cannot listen on udp {address}: {_explain(error)}") from error


def _explain(error: OSError) -> str:
    return {
        errno.EADDRINUSE: "the port is in use; is another radgate or Duo's proxy running?",
        errno.EACCES: "not permitted; ports below 1024 need root or CAP_NET_BIND_SERVICE",
        errno.EADDRNOTAVAIL: "no interface of this machine has that address; mend interface=",
    }.get(error.errno or 0, (error.strerror or str(error)).lower())
