"""One client for each Duo application of the configuration; applications at the same host share its connections."""

import logging
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from gateway import __version__
from gateway.config.settings import ApplicationSettings, Settings
from gateway.duo.client import (
    CORRECTION_WORTH_TELLING_S,
    WARM_CONNECTIONS,
    Application,
    DuoClient,
)
from gateway.duo.observer import CallObserver
from gateway.duo.pending_call import OnAnswer
from gateway.duoapi.calls import Answer
from gateway.failmode.evidence import LONGEST_PATIENCE_S
from gateway.https.opening import Proxy
from gateway.https.plan import PoolLimits
from gateway.https.pools import HttpsPools
from gateway.ipc.plan import application_key, pending_share
from gateway.unavailable import Unavailable
from gateway.words.english import clock_difference
from gateway.words.explanations import SET_THE_CLOCK

if TYPE_CHECKING:
    from gateway.https.pool import HttpsPool

log = logging.getLogger("gateway.duo")

USER_AGENT = f"radgate/{__version__}"
CLOCK_WARNING_INTERVAL_S = 60.0
PROBE_CONNECT_TIMEOUT_S = 1.9  # below two: attempts that hang must not hold new ones back for long
PROBE_IDLE_S = 0.05  # a check takes the connection of its ping; no ping takes one that somebody may have forgotten


def open_probe_clients(settings: Settings) -> dict[str, DuoClient]:
    """Return clients for short questions whether Duo is there, by `application_key`, with connections of their own.

    Raises:
        ValueError: the trusted roots of one cannot be loaded.
    """
    pools = HttpsPools(PoolLimits(max_brief=8, max_patient=1, max_idle=2, idle_timeout_s=PROBE_IDLE_S))
    clients: dict[str, DuoClient] = {}
    for server in settings.servers:
        application = msgspec.structs.replace(server.application, api_timeout_s=LONGEST_PATIENCE_S)
        key = application_key(application)
        if key not in clients:
            clients[key] = _open(pools, application, None, connect_timeout_s=PROBE_CONNECT_TIMEOUT_S)
    return clients


def open_duo_clients(
    settings: Settings, n_workers: int, observers: Mapping[str, CallObserver] | None = None
) -> dict[str, DuoClient]:
    """Return the clients by `application_key`, each already checking its keys in the background.

    Args:
        settings: the configuration.
        n_workers: among which its bounds are shared.
        observers: who hears of each application's calls, by `application_key`.

    Raises:
        ValueError: the trusted roots of one cannot be loaded.
    """
    # Each pending push has a long poll of its own.
    pools = HttpsPools(PoolLimits(max_patient=pending_share(settings, n_workers)))
    first_checks: defaultdict[HttpsPool, FirstChecks] = defaultdict(FirstChecks)
    clients: dict[str, DuoClient] = {}
    for server in settings.servers:
        key = application_key(server.application)
        if key not in clients:
            client = clients[key] = _open(pools, server.application, (observers or {}).get(key))
            first_checks[client.pool].ask(client, ClientLog(_names(server.application)).checked)
    return clients


class FirstChecks:
    """The first checks of the applications that share a pool, as many at once as it has connections to begin with.

    All at once, each would open a connection of its own, in each worker and at each reload, to be closed half a minute
    later. Nothing but checks waits here.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[DuoClient, OnAnswer]] = deque()
        self._n_asked = 0

    def ask(self, client: DuoClient, on_checked: OnAnswer) -> None:
        """Check an application, at once or in its turn; `on_checked` hears the outcome."""
        self._waiting.append((client, on_checked))
        self._ask_next()

    def _ask_next(self) -> None:
        if self._waiting and self._n_asked < WARM_CONNECTIONS:
            self._n_asked += 1
            client, on_checked = self._waiting.popleft()
            client.start(partial(self._checked, on_checked))

    def _checked(self, on_checked: OnAnswer, answer: Answer | Unavailable) -> None:
        self._n_asked -= 1
        self._ask_next()
        on_checked(answer)


def application_of(settings: ApplicationSettings) -> Application:
    """Return the application as a client takes it."""
    next_key = settings.next_secret_key
    return Application(
        settings.ikey,
        settings.secret_key.octets,
        settings.api_timeout_s,
        settings.api_version.value,
        next_key.octets if next_key is not None else b"",
    )


def proxy_of(settings: ApplicationSettings) -> Proxy | None:
    """Return the HTTP proxy on the way to Duo, None for none."""
    return Proxy(settings.http_proxy_host, settings.http_proxy_port) if settings.http_proxy_host else None


class ClientLog:
    """What the log is told of one application; `names` are the fields that tell which."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._quiet_until = float("-inf")

    def checked(self, answer: Answer | Unavailable) -> None:
        """Tell what the first check came to."""
        if isinstance(answer, Unavailable):
            fields = {**self._names, "trouble": answer.trouble.value}
            log.warning("Duo did not pass the check of keys and clock: %s", answer, extra={"fields": fields})
        else:
            log.info("Duo answers, and keys and dates are right", extra={"fields": self._names})

    def version_changed(self, version: str) -> None:
        """Tell which version of Duo's API is used from now on."""
        log.info("Duo wants this application to use version %s of its API", version, extra={"fields": self._names})

    def key_changed(self, is_next: bool) -> None:
        """Tell that Duo has taken another secret key than before."""
        if is_next:
            text = "Duo takes skey_next of this application now, and skey no more; make it skey, and remove skey_next"
        else:
            text = "Duo takes skey of this application again, and not skey_next"
        log.warning(text, extra={"fields": self._names})

    def clock_corrected(self, offset_s: float, now: float) -> None:
        """Tell by how many seconds Duo's clock is ahead of this machine's, at most once a minute."""
        if now < self._quiet_until:
            return
        self._quiet_until = now + CLOCK_WARNING_INTERVAL_S
        if abs(offset_s) > CORRECTION_WORTH_TELLING_S:
            text = "This machine's clock is %s; calls are dated by Duo's clock from now on"
            fields = {**self._names, "hint": SET_THE_CLOCK}
            log.warning(text, clock_difference(offset_s), extra={"fields": fields})
        else:  # it stood still, with the whole machine perhaps, and somebody has set the wall clock since
            log.info("The dates of calls were wrong and are now set by Duo's clock", extra={"fields": self._names})


def _names(settings: ApplicationSettings) -> dict[str, str]:
    return {"application": settings.ikey, "api_host": f"{settings.api_host}:{settings.api_port}"}


def _open(
    pools: HttpsPools,
    settings: ApplicationSettings,
    observer: CallObserver | None,
    connect_timeout_s: float | None = None,
) -> DuoClient:
    application, told = application_of(settings), ClientLog(_names(settings))
    pool = pools.pool(
        settings.api_host,
        settings.api_port,
        proxy=proxy_of(settings),
        ca_certs_file=settings.ca_certs_file,
        connect_timeout_s=connect_timeout_s or application.connect_timeout_s,
    )
    return DuoClient(
        pool,
        application,
        user_agent=USER_AGENT,
        on_version_changed=told.version_changed,
        on_clock_corrected=lambda offset_s: told.clock_corrected(offset_s, time.monotonic()),
        on_key_changed=told.key_changed,
        observer=observer,
    )
