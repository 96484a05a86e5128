"""Datagrams that the kernel dropped since a socket was full: it is asked about each, for the supervisor holds them all.

It counts from the making of a socket on, whoever reads it, and tells at once. A worker would learn of it from the next
datagram only, and takes its numbers along when it dies.
"""

import socket
import struct
from collections import Counter
from collections.abc import Iterable
from typing import Final
from weakref import WeakKeyDictionary

from gateway.statistics.layout import Key, Measure
from gateway.supervisor.sockets import ListeningSockets

SO_MEMINFO: Final = 55  # asm-generic/socket.h; since Linux 4.12
_MEMINFO: Final = struct.Struct("=32xI")  # linux/sock_diag.h: SK_MEMINFO_DROPS stands behind eight others
_WRAP: Final = 1 << 32


def dropped(udp: socket.socket) -> int | None:
    """Return the kernel's count of a socket; None where it does not tell, as of one that is closed."""
    try:
        return int(_MEMINFO.unpack(udp.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _MEMINFO.size))[0])
    except OSError:
        return None


class Overflows:
    """How many were lost, by slot: each counts for the slot that has the socket when it is found.

    So no slot's number ever falls, whatever becomes of the sockets and of the number of workers.
    """

    def __init__(self) -> None:
        self._lost = Counter[Key]()
        self._known: WeakKeyDictionary[socket.socket, int] = WeakKeyDictionary()

    def look(self, held: Iterable[tuple[ListeningSockets, int]]) -> Counter[Key]:
        """Return how many were lost until now, in all of these, each with its number of slots, and in former ones.

        Of sockets that several have, the first has them.
        """
        for sockets, n_slots in held:
            for slot, udp in sockets.by_slot(n_slots):
                known = self._known.get(udp, 0)
                if (n := dropped(udp)) is not None and n != known:
                    self._lost[Measure.OVERFLOWED, str(slot)] += (n - known) % _WRAP
                    self._known[udp] = n
        return self._lost
