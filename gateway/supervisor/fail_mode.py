"""The watch over Duo in a running gateway: breakers that outlast reloads, evidence from the boards, and bulletins on
them.
"""

import logging
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

from gateway.config.settings import Settings
from gateway.duo.clients import open_probe_clients
from gateway.failmode.breaker import Breaker, BreakerLimits, Standing
from gateway.failmode.bulletin import Bulletin
from gateway.failmode.evidence import Evidence
from gateway.https.tls import Validity
from gateway.ipc.plan import application_key
from gateway.ipc.worker_channel import LookAtBoard
from gateway.supervisor.breaker_driver import BreakerDriver, WatchedApplication
from gateway.supervisor.crew import Crew
from gateway.supervisor.key_check import ikey_of, troubles_of_keys

if TYPE_CHECKING:
    from gateway.duo.client import DuoClient

log = logging.getLogger("gateway.health")


class FailModeWatch:
    """Watches the applications of one configuration after the other.

    Args:
        crews: returns all generations that are there, the one that serves first.
        is_reached_elsewhere: whether another host can reach an application, or could a moment ago.
        is_silent: whether this one is to be silent if it cannot.
    """

    def __init__(
        self,
        crews: Callable[[], Iterable[Crew]],
        is_reached_elsewhere: Callable[[str], bool] = lambda _key: False,
        is_silent: Callable[[], bool] = lambda: True,
    ) -> None:
        self._crews = crews
        self._is_reached_elsewhere = is_reached_elsewhere
        self._is_silent = is_silent
        self._breakers: dict[str, Breaker] = {}
        self._bulletins: dict[str, Bulletin] = {}
        self._clients: dict[str, DuoClient] = {}
        self._driver: BreakerDriver | None = None

    def start(self, settings: Settings) -> None:
        """Watch the applications of these settings from now on, and no others; what is known of them stays known."""
        try:
            clients = open_probe_clients(settings)
        except ValueError as error:  # of trusted roots, for which no worker can start either
            log.error("Duo cannot be watched: %s", error)
            return
        self.stop()
        self._clients = clients
        limits = BreakerLimits(failures_to_open=settings.gateway.failures_to_open)
        self._breakers = {key: self._breakers.get(key) or Breaker() for key in clients}
        for breaker in self._breakers.values():
            breaker.limits = limits
        applications = [
            WatchedApplication(key, breaker, clients[key], consequence(settings, key))
            for key, breaker in self._breakers.items()
        ]
        self._driver = BreakerDriver(applications, self._evidence, self._publish)
        self._driver.start()

    def stop(self) -> None:
        """Watch no more."""
        if self._driver is not None:
            self._driver.stop()
        for client in self._clients.values():
            client.close()

    async def troubles_of_keys(self, ikeys: Collection[str]) -> list[str]:
        """Have Duo check the keys of these applications now; return what it has against them, in lines."""
        return await troubles_of_keys({key: each for key, each in self._clients.items() if ikey_of(key) in ikeys})

    def standing(self, key: str) -> Standing:
        """Return how an application is."""
        breaker = self._breakers.get(key)
        return breaker.standing if breaker is not None else Breaker().standing

    def brief(self, crew: Crew) -> None:
        """Let a new generation know the present state of the applications that it shares with others."""
        for key, bulletin in self._bulletins.items():
            if key in crew.applications:
                crew.board.bulletin(key).post(bulletin)

    def _evidence(self, key: str) -> list[Evidence]:
        serving = next(iter(self._crews()))
        found = []
        for slot in serving.slots if key in serving.applications else ():
            numbers = serving.board.evidence(slot.number, key)
            if numbers is not None and serving.process(slot) is not None:
                found.append(Evidence(*numbers))
        return found

    def look_at_others(self) -> None:
        """See anew whether other hosts reach what this one does not."""
        for key, breaker in self._breakers.items():
            if key in self._bulletins and self._bulletins[key][5:] != self._seen_elsewhere(key, breaker.standing):
                self._publish(key, breaker.standing)

    def validity(self, key: str) -> Validity | None:
        """Return how long the certificates of an application's host are valid, as far as probes have seen them."""
        client = self._clients.get(key)
        return client.pool.validity if client is not None else None

    @property
    def isolated(self) -> list[str]:
        """The applications of which this host is silent, because another one can reach them."""
        return [key for key, bulletin in self._bulletins.items() if bulletin.is_isolated and key in self._breakers]

    def _seen_elsewhere(self, key: str, standing: Standing) -> tuple[bool, bool]:
        """Return whether this host is to be silent because another one reaches Duo, and to leave its pushes to that."""
        is_left = standing.state.is_fail_mode_active and self._is_reached_elsewhere(key)
        return is_left and self._is_silent(), is_left

    def _publish(self, key: str, standing: Standing) -> None:
        before = self._bulletins.get(key)
        since_ns, ping_ns = int(standing.since * 1e9), int(standing.ping_s * 1e9)
        state, (is_isolated, is_left) = standing.state, self._seen_elsewhere(key, standing)
        self._bulletins[key] = bulletin = Bulletin(
            state.number, state.is_fail_mode_active, standing.trial, since_ns, ping_ns, is_isolated, is_left
        )
        is_news = before is None or before[:3] != bulletin[:3] or before[5:] != bulletin[5:]
        if is_isolated != (before is not None and before.is_isolated):
            self._say_isolated(key, is_isolated=is_isolated)
        for crew in self._crews():
            if key in crew.applications:
                crew.board.bulletin(key).post(bulletin)
                if is_news:
                    crew.tell(LookAtBoard())

    def _say_isolated(self, key: str, *, is_isolated: bool) -> None:
        if is_isolated:
            log.error(
                "Duo cannot be reached from here, but from another host of the fleet: "
                "nobody is answered here now at sections of this application (%s)",
                key,
            )
        else:
            log.warning("Sections of this application answer again (%s)", key)


def consequence(settings: Settings, key: str) -> str:
    """Return what fail mode means for the sections of an application, in one line."""
    sections: dict[str, list[str]] = {}
    for server in settings.servers:
        if application_key(server.application) == key:
            sections.setdefault(server.fail_mode.value, []).append(f"[{server.section}]")
    texts = {"safe": "users get in without a second factor at", "secure": "nobody gets in at"}
    return "; ".join(f"{texts[mode]} {', '.join(names)} (failmode={mode})" for mode, names in sections.items())
