"""The mailbox of a host: what others publish to its channels comes on a connection of its own."""

from collections.abc import Callable, Sequence

from gateway.fleet.connection import StoreConnection, ignore
from gateway.fleet.line import Line, LineOwner
from gateway.fleet.opening import Opener
from gateway.fleetapi.resp import encode_command

OnMessage = Callable[[bytes, bytes], None]


class Mailbox(LineOwner):
    """Subscribes, again after every loss; what is published in between is lost."""

    def __init__(
        self,
        opener: Opener,
        channels: Sequence[bytes],
        on_message: OnMessage,
        clock: Callable[[], float],
        chance: Callable[[], float],
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin with `start`.

        `on_message` is called with a channel's name and the octets, which may be anybody's; `on_change` when
        `is_connected` has changed.
        """
        self._channels = channels
        self._on_message = on_message
        self._on_change = on_change
        self._line = Line(opener, self, clock, chance, with_scripts=False)
        self.is_connected = False

    def start(self) -> None:
        """Subscribe, and go on subscribing."""
        self._line.start()

    async def close(self) -> None:
        """Close for good."""
        await self._line.close()

    def opened(self, connection: StoreConnection) -> None:
        """Subscribe: one channel a command, for each is answered by itself."""
        connection.listen()
        for channel in self._channels:
            connection.ask(encode_command([b"SUBSCRIBE", channel]), ignore)
        self.is_connected = True
        self._on_change()

    def heard(self, channel: bytes, octets: bytes) -> None:
        """Hand it to its reader."""
        self._on_message(channel, octets)

    def lost(self, detail: str) -> None:  # noqa: ARG002 -- the store's own line tells it
        """Wait for the next connection."""
        self.is_connected = False
        self._on_change()
