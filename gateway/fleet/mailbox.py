"""The mailbox of a host: what others publish to its channels comes on a connection of its own."""

from collections.abc import Callable, Sequence

from gateway.fleet.connection import StoreConnection
from gateway.fleet.line import Line, LineOwner
from gateway.fleet.opening import Opener
from gateway.fleetapi.resp import Answer, Refused, encode_command

OnMessage = Callable[[bytes, bytes], None]


class Mailbox(LineOwner):
    """Subscribes, again after every loss; what is published in between is lost.

    Attributes:
        is_connected: whether it hears: all its channels are subscribed.
        reason: why it does not, for an administrator; "" while it does.
    """

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
        self._n_missing = 0
        self.is_connected = False
        self.reason = "not connected yet"

    def start(self) -> None:
        """Subscribe, and go on subscribing."""
        self._line.start()

    async def close(self) -> None:
        """Close for good."""
        await self._line.close()

    def opened(self, connection: StoreConnection) -> None:
        """Subscribe: one channel a command, for each is answered by itself."""
        connection.listen()
        self._n_missing = len(self._channels)
        for channel in self._channels:
            connection.ask(encode_command([b"SUBSCRIBE", channel]), self._subscribed)

    def heard(self, channel: bytes, octets: bytes) -> None:
        """Hand it to its reader."""
        self._on_message(channel, octets)

    def lost(self, detail: str) -> None:
        """Wait for the next connection."""
        self._change(is_connected=False, reason=detail)

    def _subscribed(self, answer: Answer) -> None:
        if isinstance(answer, Refused):
            self.reason = f"the store does not let us hear other hosts: see the user's rights ({answer.text})"
            return
        self._n_missing -= 1
        if self._n_missing == 0:
            self._change(is_connected=True, reason="")

    def _change(self, *, is_connected: bool, reason: str) -> None:
        has_changed = is_connected is not self.is_connected
        self.is_connected = is_connected
        self.reason = reason
        if has_changed:
            self._on_change()
