"""Cuts what comes on a connection into messages, and keeps what is not whole."""

from typing import Final, final

from gateway.ldap.ber import SEQUENCE, BerError, size_of_element
from gateway.ldap.responses import Message, read_message

MAX_SIZE: Final = 1 << 20  # octets of a message

_HEADER: Final = 2  # octets, and as many more as the second of them says where the length is a long one


@final
class MessageReader:
    """Reads the messages of one connection. Its work grows with the octets, not with the pieces that they come in."""

    __slots__ = ("_max_size", "_n_octets", "_n_wanted", "_pieces")

    def __init__(self, max_size: int = MAX_SIZE) -> None:
        self._max_size = max_size
        self._pieces: list[bytes] = []  # of a message that has begun
        self._n_octets = 0  # in them
        self._n_wanted = _HEADER  # before there is something to read

    def feed(self, octets: bytes) -> list[Message]:
        """Return the messages that are whole now, in their order.

        Raises:
            BerError: this is no LDAP, or too long a message. Read nothing more from this connection.
        """
        self._n_octets += len(octets)
        self._pieces.append(octets)
        if self._n_octets < self._n_wanted:
            return []
        known = octets if len(self._pieces) == 1 else b"".join(self._pieces)
        messages: list[Message] = []
        begin = 0
        size = self._size_of_next(known, begin)
        while 0 < size <= len(known) - begin:
            messages.append(read_message(known[begin : begin + size]))
            begin += size
            size = self._size_of_next(known, begin)
        self._keep(known[begin:], size)
        return messages

    def _size_of_next(self, octets: bytes, begin: int) -> int:
        """Return the size of the message that begins there, 0 while it is not known."""
        if begin < len(octets) and octets[begin] != SEQUENCE:
            raise BerError("what is no LDAP message")
        size = size_of_element(octets, begin)
        if size > self._max_size:
            raise BerError("a message that is too long")
        return size

    def _keep(self, rest: bytes, size: int) -> None:
        self._pieces = [rest] if rest else []
        self._n_octets = len(rest)
        if size:
            self._n_wanted = size
        else:
            self._n_wanted = _HEADER if len(rest) < _HEADER else _HEADER + (rest[1] & 0x7F)
