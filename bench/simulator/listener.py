"""A TLS port that can refuse connects, leave them unanswered, and serve again, all at once and without losing the port.

asyncio's own server closes its socket some turns of the loop later and cannot leave connections in the kernel's queue,
so connections are accepted here and only then handed to the loop.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from enum import Enum
from functools import partial

BACKLOG = 4096
HANDSHAKE_TIMEOUT_S = 15.0
_PAUSE_S = 0.1  # after accept() failed for want of descriptors


class Door(Enum):
    """What a new connection meets."""

    CLOSED = "closed"  # not started, or stopped
    SERVING = "serving"
    REFUSING = "refusing"  # connection refused
    HOLDING = "holding"  # the kernel connects, and nobody ever says a word


class Listener:
    """One address: `door` tells how it is, `port` is 0 until started, `n_accepted` counts connections."""

    def __init__(
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], host: str, port: int, context: ssl.SSLContext
    ) -> None:
        self._protocol_factory = protocol_factory
        self._host = host
        self._context = context
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._reservation: socket.socket | None = None  # bound, never listening: keeps the port while refusing
        self._socket: socket.socket | None = None
        self._handshakes: set[asyncio.Task[None]] = set()
        self._resumption: asyncio.TimerHandle | None = None
        self.port = port
        self.door = Door.CLOSED
        self.n_accepted = 0

    def __repr__(self) -> str:
        return f"<Listener {self._host} port {self.port} {self.door.value}>"

    def start(self) -> None:
        """Bind the port (0 = any free one) and serve.

        Raises:
            OSError: the address is in use, or not ours.
        """
        self._reservation = self._bound_socket()
        self.port = self._reservation.getsockname()[1]
        self.become(Door.SERVING)

    def become(self, door: Door) -> None:
        """Change what new connections meet. Open ones are not touched; refusing cuts handshakes that are under way."""
        if door is self.door:
            return
        self._pause()
        self.door = door
        if door in (Door.CLOSED, Door.REFUSING):
            self._close_socket()
            for task in self._handshakes:
                task.cancel()
        elif self._socket is None:
            self._socket = self._bound_socket()
            self._socket.listen(BACKLOG)
        if door is Door.SERVING:
            self._resume()

    def stop(self) -> None:
        """Close the port for good."""
        self.become(Door.CLOSED)
        if self._reservation is not None:
            self._reservation.close()
            self._reservation = None

    def _bound_socket(self) -> socket.socket:
        bound = socket.socket(self._family, socket.SOCK_STREAM)
        try:
            bound.setblocking(False)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self._host, self.port))
        except BaseException:
            bound.close()
            raise
        return bound

    def _close_socket(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _pause(self) -> None:
        if self._resumption is not None:
            self._resumption.cancel()
            self._resumption = None
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())

    def _resume(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().add_reader(self._socket.fileno(), self._accept_all, self._socket)

    def _accept_all(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # out of descriptors: a loop without a pause would only burn the CPU
                self._pause()
                self._resumption = asyncio.get_running_loop().call_later(_PAUSE_S, self._resume)
                return
            self.n_accepted += 1
            connection.setblocking(False)
            task = asyncio.ensure_future(self._hand_over(connection))
            self._handshakes.add(task)
            task.add_done_callback(partial(self._handed_over, connection))

    async def _hand_over(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol_factory, connection, ssl=self._context, ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S
            )
        except OSError:  # ssl.SSLError is one: the client did not trust us, or left
            connection.close()

    def _handed_over(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        self._handshakes.discard(task)
        if task.cancelled():  # maybe before it had begun
            connection.close()
