"""Duo's time, about which hosts and their workers agree: the applications are asked for it in turn.

A clock that nobody sets carries it on in between. That one stands still with its machine, while it is moved or saved,
and nobody tells.
"""

import random
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from gateway.duoapi.calls import Answer, Call, Ping, Time
from gateway.unavailable import Unavailable

INTERVAL_S: Final = 60.0


class Teller(Protocol):
    """A client of one application, `duo.client.DuoClient`."""

    @property
    def duo_time(self) -> float | None:
        """Duo's time in Unix seconds; None while Duo has not told it."""

    def ask(self, call: Call, on_answer: Callable[[Answer | Unavailable], None], /) -> object:
        """Ask; `on_answer` hears the answer, or why there is none, once."""


class DuoTime:
    """Tells the time of Duo as one of the clients, by name, has heard it."""

    def __init__(
        self, clients: Mapping[str, Teller], call_later: Callable[[float, Callable[[], None]], object]
    ) -> None:
        self._clients = clients
        self._call_later = call_later
        self._last: Teller | None = None
        self._n_asked = 0

    def unix_time(self) -> float | None:
        """Return Unix seconds, by the application that was asked last with success; None while none has told it."""
        if self._last is not None:
            return self._last.duo_time
        told = (client.duo_time for client in self._clients.values())
        return next((each for each in told if each is not None), None)

    def keep(self) -> None:
        """Ask from now on, one application after the other."""
        self._call_later(INTERVAL_S * (0.75 + 0.5 * random.random()), self._ask)  # noqa: S311 -- hosts side by side

    def _ask(self) -> None:
        clients = list(self._clients.values())
        client = clients[self._n_asked % len(clients)]
        self._n_asked += 1
        client.ask(Ping(), lambda answer: self._answered(client, answer))
        self.keep()

    def _answered(self, client: Teller, answer: Answer | Unavailable) -> None:
        if isinstance(answer, Time) and answer.time is not None:
            self._last = client
