"""The mailbox of a host: what others publish to its channels comes on a connection of its own.

That one and the one on which the store is asked may come to be at two servers: after a failover the former master lets
whoever has subscribed stay, and nobody speaks there any more. All other hosts would seem to be silent. So a mailbox
hears only once what its own process publishes has come back to it, on a channel that nobody else hears: anew for each
connection on which the store is asked, and twice a second. What the store has published, and what does not come, makes
it deaf, and it subscribes again. While the store has not even published it, as one that stands still, it hears nobody
either, and no silence is to be believed. Both take less than until a host that has beaten just before counts as gone.
"""

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from gateway.fleet.connection import StoreConnection
from gateway.fleet.line import Line, LineOwner
from gateway.fleet.opening import Opener
from gateway.fleetapi.names import echo_channel
from gateway.fleetapi.resp import NOT_ANSWERED, Answer, Refused, encode_command

OnMessage = Callable[[bytes, bytes], None]

ECHO_S: Final = 0.5

_N_LOOKS: Final = 2  # with a turn of the loop between them, in which what has come is read
UNHEARD: Final = "what this host says has not come back to it yet"
_UNSAID: Final = "the store does not publish what this host says"
_DEAF: Final = "what this host says does not come back to it: the store has moved to another server"


class Mailbox(LineOwner):
    """Subscribes, again after every loss; what is published in between is lost.

    Attributes:
        is_connected: whether all its channels are subscribed where the store is asked.
        is_hearing: whether it is, and what this host has said last has come back: others would be heard as well.
        reason: why it does not, for an administrator; "" while it does.
    """

    def __init__(
        self,
        opener: Opener,
        channels: Sequence[bytes],
        on_message: OnMessage,
        clock: Callable[[], float],
        chance: Callable[[], float],
        on_change: Callable[[], None],
    ) -> None:
        """Begin with `start`; it hears while a `Store` with the same opener is there.

        `on_message` is called with a channel's name and the octets, which may be anybody's; `on_change` when
        `is_connected` or `is_hearing` has changed.
        """
        self._opener = opener
        self._echo = echo_channel(os.urandom(8))
        self._channels = [*channels, self._echo]
        self._on_message = on_message
        self._on_change = on_change
        self._clock = clock
        self._line = Line(opener, self, clock, chance, with_scripts=False)
        self._connection: StoreConnection | None = None
        self._n_missing = 0
        self._said = b""  # the last echo
        self._n_said = 0
        self._said_at = 0.0
        self._is_under_way = False
        self._is_published = False
        self._is_heard = False
        self._n_looks = 0  # for the last one, since it was said, and anew since it was published
        self.is_connected = self.is_hearing = False
        self.reason = "not connected yet"

    def start(self) -> None:
        """Subscribe, and go on subscribing."""
        self._opener.watch(self._store_changed)
        self._line.start()

    async def close(self) -> None:
        """Close for good."""
        await self._line.close()

    def opened(self, connection: StoreConnection) -> None:
        """Subscribe: one channel a command, for each is answered by itself."""
        connection.listen()
        self._connection = connection
        self._n_missing = len(self._channels)
        for channel in self._channels:
            connection.ask(encode_command([b"SUBSCRIBE", channel]), partial(self._subscribed, connection))

    def heard(self, channel: bytes, octets: bytes) -> None:
        """Hand it to its reader."""
        if channel != self._echo:
            self._on_message(channel, octets)
        elif octets == self._said:
            self._is_heard = True
            self._change(is_connected=True, is_hearing=True, reason="")

    def lost(self, detail: str) -> None:
        """Wait for the next connection."""
        self._connection = None
        self._change(is_connected=False, is_hearing=False, reason=detail)

    def ticked(self, now: float) -> None:
        """Say something again, or be deaf to what was said."""
        connection = self._connection
        if connection is None or self._n_missing or now - self._said_at < ECHO_S:
            return
        if self._is_heard or not (self._is_published or self._is_under_way):
            self._say()
            return
        self._n_looks += 1
        if self._n_looks < _N_LOOKS:
            return
        if self._is_published:
            connection.close(_DEAF)
        else:
            self._change(is_connected=self.is_connected, is_hearing=False, reason=self.reason)

    def _subscribed(self, connection: StoreConnection, answer: Answer) -> None:
        if isinstance(answer, Refused):
            if answer.code not in NOT_ANSWERED:
                connection.close(f"the store does not let us hear other hosts: see the user's rights ({answer.text})")
            return
        self._n_missing -= 1
        if self._n_missing == 0:
            self.reason = UNHEARD
            self._say()

    def _store_changed(self) -> None:
        """The store is asked on another connection, or on none: what is heard here says nothing of it."""
        if self._connection is not None:
            self._change(is_connected=False, is_hearing=False, reason=UNHEARD)
            self._say()

    def _say(self) -> None:
        """Say to itself what it has not said before."""
        asking = self._opener.asking
        self._is_under_way = self._is_published = self._is_heard = False
        if asking is None or self._n_missing:
            return
        self._n_said += 1
        self._n_looks = 0
        self._said = b"%d" % self._n_said
        self._said_at = self._clock()
        self._is_under_way = True
        asking.ask(encode_command([b"PUBLISH", self._echo, self._said]), partial(self._published, self._said))

    def _published(self, said: bytes, answer: Answer) -> None:
        if said != self._said:
            return
        self._is_under_way = False
        self._is_published = not isinstance(answer, Refused)
        self._n_looks = 0
        if isinstance(answer, Refused) and answer.code not in NOT_ANSWERED:  # nor may others speak, it seems
            self._change(is_connected=False, is_hearing=False, reason=_UNSAID + f" ({answer.text})")

    def _change(self, *, is_connected: bool, is_hearing: bool, reason: str) -> None:
        has_changed = is_connected is not self.is_connected or is_hearing is not self.is_hearing
        self.is_connected, self.is_hearing = is_connected, is_hearing
        self.reason = reason
        if has_changed:
            self._on_change()
