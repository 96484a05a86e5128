"""What the console knows: the supervisor's answers, a second old at most, and what follows from them.

There is one truth: `radgate status` gives the same answer. A visitor never causes a question, so that a flood of them
is none for the supervisor; the workers' ledgers are read in shared memory.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from typing import Any

import msgspec

from gateway.console.exposition import exposition
from gateway.console.health import Health, examine, examine_life
from gateway.console.history import History
from gateway.console.kept import Query
from gateway.console.lately import Lately
from gateway.console.recent import RecentLogins
from gateway.ipc.console_channel import FromConsole, ReceivedFacts, hear_supervisor, tell_supervisor
from gateway.logs.setup import reopen_logs

log = logging.getLogger("gateway.console")

ASK_EVERY_S = 1.0
LOOK_EVERY_S = 0.25  # at the ledgers: a worker fills no more than two thirds of its ring meanwhile
ASK_AGAIN_AFTER_S = 5.0  # without an answer


class Facts:
    """Asks from `start` on.

    Args:
        channel: to the supervisor.
        on_end: called once the supervisor is gone.
        is_brief: whether metrics are to be few, see `exposition`.

    Attributes:
        status: the last answer; None before the first.
        octets: the same as it came, `status.json`.
    """

    def __init__(self, channel: socket.socket, on_end: Callable[[], object], is_brief: bool = False) -> None:
        self._channel = channel
        self._is_brief = is_brief
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._asked_at = self._answered_at = self._loop.time()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._metrics: bytes | None = None
        self.status: dict[str, Any] | None = None
        self.octets = b"{}"
        self.history = History()
        self.lately = Lately()
        self.logins = RecentLogins()

    def start(self) -> None:
        """Say that there is a console, and begin to ask."""
        self._loop.add_reader(self._channel.fileno(), self._hear)
        tell_supervisor(self._channel, FromConsole.SERVING)
        self._ask()
        self._look()

    def stop(self) -> None:
        """Ask and hear no more."""
        self._loop.remove_reader(self._channel.fileno())
        for timer in self._timers.values():
            timer.cancel()

    @property
    def age_s(self) -> float:
        """How old the last answer is."""
        return self._loop.time() - self._answered_at

    @property
    def metrics(self) -> bytes:
        """The last answer as Prometheus's text, made once for all who ask; empty before the first."""
        if self._metrics is None and self.status is not None:
            self._metrics = exposition(self.status, self._is_brief)
        return self._metrics or b""

    def examine(self) -> Health:
        """Return what is wrong."""
        return examine(self.status, self.age_s)

    def examine_life(self) -> Health:
        """Return what only a restart would mend."""
        return examine_life(self.age_s)

    def _ask(self) -> None:
        self._timers["ask"] = self._loop.call_later(ASK_EVERY_S, self._ask)
        now = self._loop.time()
        if self._answered_at >= self._asked_at or now - self._asked_at > ASK_AGAIN_AFTER_S:
            self._asked_at = now
            tell_supervisor(self._channel, FromConsole.ASKING)

    def _look(self) -> None:
        self._timers["look"] = self._loop.call_later(LOOK_EVERY_S, self._look)
        self.logins.look()

    def _hear(self) -> None:
        try:
            word = hear_supervisor(self._channel)
        except OSError as error:  # it is asked again after a while
            log.warning("An answer of the supervisor is lost, and the page behind: %s", error.strerror)
            return
        if word is None:
            self.stop()
            self._on_end()
        elif isinstance(word, ReceivedFacts):
            self._take(word)
        else:
            reopen_logs()

    def _take(self, facts: ReceivedFacts) -> None:
        now = self._loop.time()
        self.logins.follow(facts.ledgers, now)
        self.status, self.octets, self._metrics = msgspec.json.decode(facts.status), facts.status, None
        self.history.take(self.status, time.time(), now)
        self.lately.take(self.status, now)
        self._answered_at = now  # last: an answer that cannot be read must not look like one


class Cursor(msgspec.Struct, array_like=True):
    """How far a page has got: which console it asked, and the number of the last sample that it has."""

    console: str = ""
    sample: int = 0

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Return a cursor that a page gave back; one that is none is the beginning."""
        console, _, sample = text.partition("-")
        return cls(console, int(sample)) if sample.isdecimal() and len(sample) < 20 else cls()

    def __str__(self) -> str:
        return f"{self.console}-{self.sample}"


class View:
    """What the page shows, as JSON: all of it at first, then only what is new; logins only where they are asked for.

    Args:
        name: random, so that a page notices another console.
        asks_token: whether visitors had to give one, and may want to be forgotten.
    """

    def __init__(self, facts: Facts, name: str, *, asks_token: bool) -> None:
        self._facts = facts
        self._name = name
        self._asks_token = asks_token

    def after(self, text: str) -> bytes:
        """Return what a page that got as far as this cursor does not know yet."""
        cursor = Cursor.parse(text)
        is_whole = cursor.console != self._name
        if is_whole:
            cursor = Cursor(self._name)
        facts = self._facts
        status = {key: value for key, value in (facts.status or {}).items() if key != "histograms"}
        return msgspec.json.encode(
            {
                "cursor": str(Cursor(self._name, facts.history.n_taken)),
                "is_whole": is_whole,
                "asks_token": self._asks_token,
                "age_s": facts.age_s,
                "health": facts.examine().content,
                "status": status or None,
                "samples": facts.history.after(cursor.sample),
                "lately": facts.lately.summary(),
                "logins": {"last": facts.logins.kept.n_found, "kept": len(facts.logins.kept)},
            }
        )

    def logins(self, query: Query) -> bytes:
        """Return the logins that are wanted, the newest first, and of a directory its clients."""
        kept = self._facts.logins.kept
        servers = (self._facts.status or {}).get("servers", ())
        found = kept.find(query, {server["section"]: server.get("name") or "" for server in servers})
        logins = [
            {"number": each.number, "slot": each.slot, **msgspec.structs.asdict(each.record)} for each in found.logins
        ]
        clients = [each._asdict() for each in kept.clients_of(query.section)] if query.section else []
        return msgspec.json.encode(
            {"logins": logins, "matching": found.n_matching, "kept": len(kept), "clients": clients}
        )
