"""Asks Duo step by step, as one application: name, connection, TLS, certificates, ping, clock, keys.

The first step that fails ends the walk: what comes after it could only fail too. Every step has a bound.
"""

import asyncio
import datetime as dt
from collections.abc import Iterable
from functools import lru_cache

from gateway.brackets import with_port
from gateway.checks.certificates import certificate_findings, verified_chain
from gateway.checks.findings import Finding, Severity
from gateway.config.settings import ApplicationSettings
from gateway.duo.client import CORRECTION_WORTH_TELLING_S, DuoClient
from gateway.duo.clients import USER_AGENT, application_of, proxy_of
from gateway.duoapi.calls import Answer, Call, Check, Ping, Refusal
from gateway.https.opening import Endpoint, find_addresses, open_tls
from gateway.https.plan import PoolLimits
from gateway.https.pool import HttpsPool
from gateway.https.resolver import Resolver
from gateway.https.sockets import TlsSocket
from gateway.https.tls import TrustStore
from gateway.ipc.plan import application_key
from gateway.unavailable import Trouble, Unavailable
from gateway.words.english import clock_difference
from gateway.words.explanations import SET_THE_CLOCK, TROUBLES

STEP_TIMEOUT_S = 5.0  # for name, connection and TLS together, for ping, and for check

_STEPS = {
    Trouble.DNS: "dns",
    Trouble.CONNECT: "tcp",
    Trouble.PROXY: "proxy",
    Trouble.TLS: "tls",
    Trouble.CERTIFICATE: "tls",
}
_OURS = frozenset({Trouble.CONFIGURATION, Trouble.CLOCK})  # what somebody has to mend here


async def examine_application(settings: ApplicationSettings) -> list[Finding]:
    """Return what each step came to, within some 15 s at most."""
    walk = _Walk(settings)
    try:
        await walk.connect()
        await walk.ask()
    except Unavailable as trouble:
        walk.failed(trouble)
    except ValueError as error:  # the trusted roots cannot be loaded
        walk.note("tls", Severity.PROBLEM, str(error), "name a PEM file in http_ca_certs_file, or remove the line")
    return walk.findings


def applications_of(servers: Iterable[ApplicationSettings]) -> list[ApplicationSettings]:
    """Return each application once, in the order of the file."""
    return list({application_key(each): each for each in servers}.values())


class _Walk:
    """The steps taken so far."""

    def __init__(self, settings: ApplicationSettings) -> None:
        self.findings: list[Finding] = []
        self._settings = settings
        self._step = "tls"
        self._name = f"application {settings.ikey} at {settings.api_host}:{settings.api_port}"

    def note(self, step: str, severity: Severity, text: str, remedy: str = "") -> None:
        self.findings.append(Finding(self._name, step, severity, text, remedy))

    def failed(self, trouble: Unavailable) -> None:
        severity = Severity.PROBLEM if trouble.trouble in _OURS else Severity.UNREACHABLE
        step = _STEPS.get(trouble.trouble, self._step)
        self.note(step, severity, trouble.detail, TROUBLES[trouble.trouble].remedy)

    async def connect(self) -> None:
        """Look the name up, connect, shake hands, and read the certificates."""
        endpoint, resolver = self._endpoint(), Resolver(asyncio.get_running_loop().time)
        await self._resolve(endpoint, resolver)
        began_at = asyncio.get_running_loop().time()
        opened = await open_tls(endpoint, resolver)
        try:
            took_s = asyncio.get_running_loop().time() - began_at
            self._note_connection(opened, endpoint, took_s)
            chain = verified_chain(opened.tls)
        finally:
            opened.socket.close()
        self.findings += certificate_findings(self._name, chain, dt.datetime.now(dt.UTC))

    async def ask(self) -> None:
        """Ask ping and check, as a worker would."""
        application = application_of(self._settings)._replace(api_timeout_s=STEP_TIMEOUT_S)
        pool = HttpsPool(self._endpoint(), Resolver(asyncio.get_running_loop().time), PoolLimits())
        client = DuoClient(pool, application, user_agent=USER_AGENT)
        alone = application._replace(secret_key=application.next_secret_key, next_secret_key=b"")
        next_client = DuoClient(pool, alone, user_agent=USER_AGENT)
        try:
            await self._ping(client)
            await self._check(client)
            if application.next_secret_key and not client.signs_with_next_key:
                await self._check_next(next_client)
        finally:
            client.close()
            next_client.close()
            pool.close()

    async def _resolve(self, endpoint: Endpoint, resolver: Resolver) -> None:
        addresses = await find_addresses(endpoint, resolver, STEP_TIMEOUT_S)
        what = f"the proxy {endpoint.proxy.host}" if endpoint.proxy else endpoint.host
        self.note("dns", Severity.OK, f"{what} is {', '.join(map(str, addresses))}")

    def _note_connection(self, opened: TlsSocket, endpoint: Endpoint, took_s: float) -> None:
        if endpoint.proxy:
            self.note("proxy", Severity.OK, f"a tunnel through {endpoint.proxy.host}:{endpoint.proxy.port} is open")
        else:
            host, port = opened.socket.getpeername()[:2]
            self.note("tcp", Severity.OK, f"connected to {with_port(host, port)}")
        text = f"{opened.tls.version()}, verified with {endpoint.trust.name}, {took_s * 1000:.0f} ms with connecting"
        self.note("tls", Severity.OK, text)

    async def _ping(self, client: DuoClient) -> None:
        self._step = "ping"
        self._refuse(await _ask(client, Ping()))
        self.note("ping", Severity.OK, "Duo answers")
        offset_s = client.clock_offset_s
        if abs(offset_s) > CORRECTION_WORTH_TELLING_S:
            text = f"this machine's clock is {clock_difference(offset_s)}; the gateway dates calls by Duo's"
            self.note("clock", Severity.WARNING, text, SET_THE_CLOCK)
        else:
            self.note("clock", Severity.OK, f"agrees with Duo's, to {max(1, round(abs(offset_s)))} s")

    async def _check(self, client: DuoClient) -> None:
        self._step = "keys"
        self._refuse(await _ask(client, Check()))
        if client.signs_with_next_key:
            text = f"Duo takes skey_next, and skey no more (API version {client.api_version})"
            self.note("keys", Severity.WARNING, text, "make skey_next the skey, remove skey_next, and reload")
        else:
            self.note("keys", Severity.OK, f"Duo accepts ikey and skey (API version {client.api_version})")

    async def _check_next(self, client: DuoClient) -> None:
        """Say whether Duo takes the next secret key; that of now it does."""
        answer = await _ask(client, Check())
        if isinstance(answer, Unavailable) and answer.trouble is Trouble.CONFIGURATION:
            text = "Duo does not take skey_next: not yet, if it is to become the skey; never, if it is mistyped"
            self.note("next key", Severity.NOTE, text)
            return
        self._step = "next key"
        self._refuse(answer)
        self.note("next key", Severity.OK, "Duo takes skey_next, too")

    def _refuse(self, answer: Answer | Unavailable) -> None:
        """Raise what is no good answer."""
        if isinstance(answer, Unavailable):
            raise answer
        if isinstance(answer, Refusal):
            text = f"{self._settings.api_host} answered {answer.code or answer.http_status} {answer.message}".rstrip()
            raise Unavailable(Trouble.BAD_ANSWER, text)

    def _endpoint(self) -> Endpoint:
        settings = self._settings
        trust = _trust_store(settings.ca_certs_file)
        return Endpoint(settings.api_host, settings.api_port, proxy_of(settings), trust, STEP_TIMEOUT_S)


_trust_store = lru_cache(TrustStore)  # which many applications share, and which takes time to load


async def _ask(client: DuoClient, call: Call) -> Answer | Unavailable:
    answered: asyncio.Future[Answer | Unavailable] = asyncio.get_running_loop().create_future()
    client.ask(call, answered.set_result)
    return await answered
