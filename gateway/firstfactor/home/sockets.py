"""A UDP socket that is connected to one home server: nobody else's replies arrive, and a closed port is told."""

import asyncio
import errno
import socket
from typing import Final

from mypy_extensions import trait

from gateway.firstfactor.home.server import Location
from gateway.listeners.udp import IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PMTUDISC_DONT

_BUFFER_SIZE: Final = 4096  # octets; what is longer is padding (RFC 2865 section 3)
_DATAGRAMS_A_TURN: Final = 64
_CALM_TURNS: Final = 8  # after one that found a datagram alone
_PASSING: Final = (errno.ECONNREFUSED, errno.EAGAIN, errno.ENOBUFS)  # what is sent next may leave


@trait
class Reader:
    """Who takes what arrives."""

    __slots__ = ()

    def received(self, number: int, datagram: bytes) -> None:
        """Take a datagram that came to the port of this number."""
        raise NotImplementedError

    def refused(self, number: int, why: str) -> None:
        """Hear that what was sent from it has arrived nowhere."""
        raise NotImplementedError

    def unsent(self, number: int) -> None:
        """Hear that nothing leaves from it any more, as after our own address has changed."""
        raise NotImplementedError


class HomeSocket:
    """One local port. Requests that the kernel does not take are sent again like those that are lost."""

    def __init__(self, loop: asyncio.AbstractEventLoop, number: int, location: Location, reader: Reader) -> None:
        """Open and connect it, and begin to read.

        Raises:
            OSError: there is no way to that address, or no descriptor left.
        """
        self._loop = loop
        self._number = number
        self._reader = reader
        self._udp = udp = _connected(location)
        self._send, self._receive = udp.send, udp.recv
        self._n_calm = 0  # turns that look for no second datagram
        loop.add_reader(self._udp.fileno(), self._drain)

    def send(self, octets: bytes) -> None:
        """Send a request. An error here is that of an earlier one: this one is then sent all the same."""
        try:
            self._send(octets)
        except ConnectionRefusedError:
            self._read_on()
            try:
                self._send(octets)
            except OSError as error:
                self._not_sent(error)
        except OSError as error:
            self._not_sent(error)

    def close(self) -> None:
        """Close it, reading no more."""
        if self._udp.fileno() >= 0:
            self._loop.remove_reader(self._udp.fileno())
            self._udp.close()

    def _drain(self) -> None:
        """Read what is there, 64 datagrams at most; as `UdpListener` does, mostly one where they come one at a time."""
        if self._n_calm:
            self._n_calm -= 1
            self._read(1)
        elif self._read(_DATAGRAMS_A_TURN) == 1:
            self._n_calm = _CALM_TURNS

    def _read(self, n_most: int) -> int:
        """Hand datagrams on, and return how many there were; an error is told, or was by `send`, and ends it."""
        receive, number = self._receive, self._number
        for n_received in range(n_most):
            try:
                datagram = receive(_BUFFER_SIZE)
            except BlockingIOError:
                if not n_received:  # what made it readable was an error, which `send` has met first
                    self._read_on()
                return n_received
            except OSError as error:
                self._read_on()
                self._reader.refused(number, error.strerror or str(error))
                return n_received
            self._reader.received(number, datagram)
            if self._udp.fileno() < 0:
                return n_received
        return n_most

    def _not_sent(self, error: OSError) -> None:
        """Tell of an error that stays, soon: whoever sends is not done yet."""
        if error.errno not in _PASSING:
            self._read_on()
            self._loop.call_soon(self._reader.unsent, self._number)

    def _read_on(self) -> None:
        """Watch the socket anew: libuv stops to watch one that has had an error."""
        self._loop.remove_reader(self._udp.fileno())
        self._loop.add_reader(self._udp.fileno(), self._drain)


def _connected(location: Location) -> socket.socket:
    udp = socket.socket(location.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        if location.family == socket.AF_INET6:
            udp.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_DONT)
        else:
            udp.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DONT)
        udp.connect(location.sockaddr)
    except BaseException:
        udp.close()
        raise
    return udp
