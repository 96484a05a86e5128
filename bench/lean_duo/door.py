"""The listening socket of a port, which may be shut (connects are refused) or held (nobody is let in) for a while."""

import socket
from collections.abc import Callable

from bench.lean_duo.loop import Loop

BACKLOG = 4096
_ACCEPTS_A_TURN = 64
_PAUSE_S = 0.1  # after accept() failed for want of descriptors


class Door:
    """A TCP port of the loopback address; `n_accepted` counts who came in."""

    def __init__(self, loop: Loop, port: int, accepted: Callable[[socket.socket], object]) -> None:
        """Bind the port, 0 = any free one, and listen.

        Raises:
            OSError: the port is taken.
        """
        self._loop = loop
        self._accepted = accepted
        self._port = port
        self._reservation = self._bound()  # bound, never listening: keeps the port while shut
        self._port = self._reservation.getsockname()[1]
        self._socket: socket.socket | None = None
        self._is_watched = False
        self._lets_in = False
        self.n_accepted = 0
        self.set()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._port}"

    def set(self, *, shut: bool = False, held: bool = False) -> None:
        """Change what new connections meet."""
        self._lets_in = not shut and not held
        if shut:
            self._leave_alone()
            if self._socket is not None:
                self._socket.close()
                self._socket = None
            return
        if self._socket is None:
            self._socket = self._bound()
            self._socket.listen(BACKLOG)
        if held:
            self._leave_alone()
        else:
            self._resume()

    def close(self) -> None:
        """Give the port back."""
        self.set(shut=True)
        self._reservation.close()

    def _leave_alone(self) -> None:
        if self._socket is not None and self._is_watched:
            self._is_watched = False
            self._loop.forget(self._socket.fileno())

    def _resume(self) -> None:
        if self._socket is not None and self._lets_in and not self._is_watched:
            self._is_watched = True
            self._loop.watch(self._socket.fileno(), self._ready)

    def _bound(self) -> socket.socket:
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(("127.0.0.1", self._port))
        except OSError:
            bound.close()
            raise
        return bound

    def _ready(self, _events: int) -> None:
        for _ in range(_ACCEPTS_A_TURN):
            if self._socket is None or not self._is_watched:
                return
            try:
                connection, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # out of descriptors: a loop without a pause would only burn the CPU
                self._leave_alone()
                self._loop.call_at(self._loop.now + _PAUSE_S, self._resume)
                return
            self.n_accepted += 1
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._accepted(connection)
