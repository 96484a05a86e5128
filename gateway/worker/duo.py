"""One client for each Duo application of the configuration; applications at the same host share its connections."""

import logging

from gateway import __version__
from gateway.config.settings import ApplicationSettings, Settings
from gateway.duoapi.calls import Answer, DuoUnavailable
from gateway.engine.pool_plan import PoolLimits
from gateway.net.duo_client import Application, DuoClient
from gateway.net.https_opening import Proxy
from gateway.net.https_pool import HttpsPools
from gateway.worker.wiring import application_key, pending_share

log = logging.getLogger("gateway.duo")


def open_duo_clients(settings: Settings, n_workers: int) -> dict[str, DuoClient]:
    """Return the clients by `application_key`, each already checking its keys in the background.

    Raises:
        ValueError: the trusted roots of one cannot be loaded.
    """
    # Each pending push has a long poll of its own.
    pools = HttpsPools(PoolLimits(max_patient=pending_share(settings, n_workers)))
    clients: dict[str, DuoClient] = {}
    for server in settings.servers:
        key = application_key(server.application)
        if key not in clients:
            clients[key] = _open(pools, server.application)
    return clients


def _open(pools: HttpsPools, settings: ApplicationSettings) -> DuoClient:
    application = Application(
        settings.ikey, settings.secret_key.octets, settings.api_timeout_s, settings.api_version.value
    )
    proxy = Proxy(settings.http_proxy_host, settings.http_proxy_port) if settings.http_proxy_host else None
    pool = pools.pool(
        settings.api_host,
        settings.api_port,
        proxy=proxy,
        ca_certs_file=settings.ca_certs_file,
        connect_timeout_s=application.connect_timeout_s,
    )
    name = {"application": settings.ikey, "api_host": f"{settings.api_host}:{settings.api_port}"}

    def version_changed(version: str) -> None:
        log.info("Duo wants this application to use version %s of its API", version, extra={"fields": name})

    def checked(answer: Answer | DuoUnavailable) -> None:
        if isinstance(answer, DuoUnavailable):
            fields = {**name, "trouble": answer.trouble.value}
            log.warning("Duo did not pass the check of keys and clock: %s", answer, extra={"fields": fields})
        else:
            log.info("Duo is there, and keys and clock are right", extra={"fields": name})

    user_agent = f"radgate/{__version__}"
    client = DuoClient(pool, application, user_agent=user_agent, on_version_changed=version_changed)
    client.start(checked)
    return client
