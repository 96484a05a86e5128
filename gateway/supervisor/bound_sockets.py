"""Which UDP sockets of this machine are bound, as the kernel lists them: whose an address is, whatever binding says.

A socket of an SO_REUSEPORT group may be bound beside an address of another program, if the kernel happens upon one of
our own group first. The next start has no group yet, and is refused there.
"""

import contextlib
import socket
import struct
from collections.abc import Collection
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from gateway.config.listening import ListeningAddress

_TABLES: Final = {int(socket.AF_INET): Path("/proc/net/udp"), int(socket.AF_INET6): Path("/proc/net/udp6")}
_LOCAL, _INODE = 1, 9  # columns
_WORD = struct.Struct("=I")  # an address is listed in words of this machine's order, each as 8 digits
_DIGITS = 8


def is_anothers(address: ListeningAddress, own: Collection[int]) -> bool:
    """Whether a socket other than those of these inodes has the port at this address, or one of both is for all.

    Where the kernel does not tell, there is none.
    """
    wanted, lines = ip_address(address.host.partition("%")[0]).packed, []
    with contextlib.suppress(OSError):
        lines = _TABLES[address.family].read_text().splitlines()[1:]
    for line in lines:
        columns = line.split()
        host, _, port = columns[_LOCAL].partition(":")
        if int(port, 16) == address.port and int(columns[_INODE]) not in own:
            found = b"".join(_WORD.pack(int(host[at : at + _DIGITS], 16)) for at in range(0, len(host), _DIGITS))
            if found == wanted or not any(found) or not any(wanted):
                return True
    return False
