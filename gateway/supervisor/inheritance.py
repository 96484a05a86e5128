"""What a supervisor keeps through an exec of other code in its place: the folder's lock, and sockets with what waits in
them.

A memfd says which descriptors those are, and a variable of the environment which memfd; it counts for this process
alone. No secret is in it. Code that cannot read it closes everything, and starts like any other.
"""

import os
import socket
from collections.abc import MutableMapping
from typing import Final

import msgspec

from gateway.config.listening import ListeningAddress
from gateway.ipc.memory import memfd, read_memfd
from gateway.supervisor.sockets import ListeningSockets, SocketGroup

VARIABLE: Final = "RADGATE_INHERITED"  # PID:DESCRIPTOR
_FIRST_OF_OURS: Final = 3  # behind standard input, output and error


class _Group(msgspec.Struct, array_like=True):
    """The sockets of one listening address, by bucket."""

    family: int
    host: str
    port: int
    descriptors: list[int]


class Inheritance(msgspec.Struct, array_like=True):
    """Descriptors.

    Attributes:
        folder_fd: by which `run_dir` is locked.
        groups: what is listened on.
    """

    folder_fd: int
    groups: list[_Group]

    @property
    def descriptors(self) -> list[int]:
        """All of them."""
        return [self.folder_fd, *(each for group in self.groups for each in group.descriptors)]

    def sockets(self) -> ListeningSockets:
        """Return the sockets."""
        return ListeningSockets.of([_opened(group) for group in self.groups])


def _opened(group: _Group) -> SocketGroup:
    address = ListeningAddress(group.family, group.host, group.port, ())
    return SocketGroup(address, [socket.socket(fileno=each) for each in group.descriptors])


def bequeath(folder_fd: int, sockets: ListeningSockets) -> dict[str, str]:
    """Return the environment's part of what other code in our place is to inherit; all else is closed by an exec."""
    groups = [
        _Group(group.address.family, group.address.host, group.address.port, [each.fileno() for each in group.sockets])
        for group in sockets.groups
    ]
    inheritance = Inheritance(folder_fd, groups)
    document = memfd("radgate-inheritance", msgspec.msgpack.encode(inheritance))
    for descriptor in [document, *inheritance.descriptors]:
        os.set_inheritable(descriptor, True)
    return {VARIABLE: f"{os.getpid()}:{document}"}


def inherited(environ: MutableMapping[str, str]) -> Inheritance | None:
    """Return what the code before us in this process has left, None for nothing; no child of ours may have it."""
    process_id, _, document = environ.pop(VARIABLE, "").partition(":")
    if process_id != str(os.getpid()):
        return None
    try:
        found = msgspec.msgpack.decode(read_memfd(int(document)), type=Inheritance)
        for descriptor in found.descriptors:
            os.set_inheritable(descriptor, False)
        os.close(int(document))
    except (ValueError, OSError, msgspec.MsgspecError):  # of a version that says something else
        os.closerange(_FIRST_OF_OURS, os.sysconf("SC_OPEN_MAX"))
        return None
    return found
