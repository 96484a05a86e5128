"""A client for each `[radius_client]` of the configuration, and what the log is told of its home servers."""

import logging
import math
from collections.abc import Callable, Sequence

from gateway.config.settings import RadiusClient, StatusServer
from gateway.engine.rules import RequireMessageAuthenticator
from gateway.firstfactor.home.addresses import HostPort
from gateway.firstfactor.home.client import HomeClient
from gateway.firstfactor.home.server import HomeServer, Limits
from gateway.firstfactor.host_states import UP
from gateway.radius.shared_secret import SharedSecret
from gateway.statistics.counters import FirstFactorCounters
from gateway.unavailable import Trouble
from gateway.words.first_factors import HOME_SERVER_TROUBLES, REPLY_DISCARDS

log = logging.getLogger("gateway.firstfactor")

_OTHERS = "until it does, the others are asked first"
_NO_OTHER = "as far as is known no other does, so logins are rejected until one answers"
_SIGNED = RequireMessageAuthenticator


def open_home_client(settings: RadiusClient, n_workers: int, counters: FirstFactorCounters | None = None) -> HomeClient:
    """Return the client of a section, which is already finding out where its home servers are.

    `n_workers` share its `max_in_flight`; `counters` are what to count with.
    """
    servers = [
        HomeServer(number, home.name, SharedSecret(home.shared_secret.octets))
        for number, home in enumerate(settings.homes)
    ]
    client = HomeClient(
        servers,
        [HostPort(home.host, home.port) for home in settings.homes],
        limits_of(settings, n_workers),
        nas_ip=settings.nas_ip,
        on_changed=tell_of(settings.section, servers),
        counters=counters,
    )
    client.start()
    return client


def limits_of(settings: RadiusClient, n_workers: int) -> Limits:
    """Return how a section wants its home servers asked by one of its workers."""
    return Limits(
        retries=settings.retries,
        retry_wait_s=settings.retry_wait_s,
        timeout_s=settings.timeout_s,
        max_in_flight=math.ceil(settings.max_in_flight / n_workers),
        probes=settings.status_server is not StatusServer.NO,
        returns_untested=settings.status_server is not StatusServer.YES,
        requires_signature=settings.force_message_authenticator is _SIGNED.YES,
        learns_signature=settings.force_message_authenticator is _SIGNED.AUTO,
    )


def tell_of(section: str, servers: Sequence[HomeServer]) -> Callable[[HomeServer], None]:
    """Return what tells the log that one of a section's home servers does not answer, or is back."""

    def tell(server: HomeServer) -> None:
        fields = {"client": section, "host": server.name}
        if not server.is_told:
            log.info("Home server %s answers again", server.name, extra={"fields": fields})
            return
        others = any(each.state is UP and not each.is_told for each in servers)
        text = "Home server %s does not answer%s; " + (_OTHERS if others else _NO_OTHER)
        log.warning(text, server.name, _why(server), extra={"fields": fields})

    return tell


def _why(server: HomeServer) -> str:
    """Return what is known beyond its silence."""
    trouble = server.trouble
    if trouble is None or trouble is Trouble.TIMEOUT:
        return ""
    if trouble is Trouble.BAD_ANSWER and server.doubted is not None:
        return f" (its reply is not believed: {REPLY_DISCARDS[server.doubted].happens})"
    return f" ({HOME_SERVER_TROUBLES[trouble].happens})"
