"""Duo's time, about which hosts and their workers agree: the applications are asked for it in turn.

A clock that nobody sets carries it on in between. That one stands still with its machine, while it is moved or saved,
and nobody tells. So they are asked at the start, about once a minute, and when what other hosts say shows it.
"""

import random
from collections.abc import Callable, Mapping
from functools import partial
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
        self._is_asking = False

    def unix_time(self) -> float | None:
        """Return Unix seconds, by the application that was asked last with success; None while none has told it."""
        if self._last is not None:
            return self._last.duo_time
        told = (client.duo_time for client in self._clients.values())
        return next((each for each in told if each is not None), None)

    def keep(self) -> None:
        """Ask now, and from now on."""
        self.ask()
        self._call_later(INTERVAL_S * (0.75 + 0.5 * random.random()), self.keep)  # noqa: S311 -- hosts side by side

    def ask(self) -> None:
        """Ask the application whose turn it is, and the others as long as none tells it; if that is not under way."""
        if not self._is_asking:
            self._ask_next(len(self._clients))

    def _ask_next(self, n_left: int) -> None:
        self._is_asking = n_left > 0
        if not self._is_asking:
            return
        clients = list(self._clients.values())
        client = clients[self._n_asked % len(clients)]
        self._n_asked += 1
        client.ask(Ping(), partial(self._answered, client, n_left - 1))

    def _answered(self, client: Teller, n_left: int, answer: Answer | Unavailable) -> None:
        if isinstance(answer, Time) and answer.time is not None:
            self._last = client
            n_left = 0
        self._ask_next(n_left)
