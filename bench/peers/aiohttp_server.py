"""`python -m bench.peers.aiohttp_server SETTINGS CALLS`: the gateway's calls of Duo, made by aiohttp.

Signatures, messages and RADIUS are the gateway's; one uvloop, one process. aiohttp is used as sparingly as it
allows: ready URLs, ready bodies, no cookies, no limit on connections.
"""

import asyncio
import ssl
import sys
from contextlib import suppress
from email.utils import formatdate

import aiohttp
import uvloop
from yarl import URL

from bench.peers.radius_server import Login, RadiusServer, Settings, announce, open_udp, read_settings
from gateway.duoapi.calls import Answer, Auth, AuthAnswer, AuthStatus, Call, Factor, Preauth, PreauthAnswer
from gateway.duoapi.flavours import V2
from gateway.duoapi.signing import Signer
from gateway.radius.shared_secret import SharedSecret
from gateway.unavailable import Unavailable

PREAUTH_FIRST = "preauth+auth"
AUTH_ALONE = "auth"


class Duo:
    """Asks calls of one application through a `ClientSession`."""

    def __init__(self, session: aiohttp.ClientSession, settings: Settings) -> None:
        self._session = session
        self._base = f"https://{settings.api_host}"
        self._signer = Signer(settings.ikey, settings.secret_key.encode(), settings.host)

    async def ask(self, call: Call) -> Answer:
        """Return Duo's answer.

        Raises:
            Unavailable, aiohttp.ClientError, TimeoutError: there is none.
        """
        request, date = V2.request(call), formatdate()
        method, path, params = request.method, request.path, request.params
        headers = {"Date": date, "Authorization": self._signer.authorization(date, method, path, params).decode()}
        if method == "GET":
            url, body = URL(f"{self._base}{path}?{params.decode()}", encoded=True), None
        else:
            url, body = URL(self._base + path, encoded=True), params
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        async with self._session.request(method, url, data=body, headers=headers) as response:
            return V2.read(call, response.status, await response.read())


class Gateway:
    """Logins in, verdicts out."""

    def __init__(self, duo: Duo, radius: RadiusServer, *, asks_preauth: bool) -> None:
        self._duo = duo
        self._radius = radius
        self._asks_preauth = asks_preauth
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, login: Login) -> None:
        """Serve a login in a task of its own."""
        task = asyncio.create_task(self._serve(login))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, login: Login) -> None:
        try:
            verdict = await self._verdict(login)
        except (Unavailable, aiohttp.ClientError, TimeoutError):
            verdict = AuthAnswer("deny", status_msg="Duo is away")
        text = verdict.status_msg if isinstance(verdict, (AuthAnswer, PreauthAnswer)) else "refused"
        self._radius.answer(login, text, is_allowed=getattr(verdict, "result", "") == "allow")

    async def _verdict(self, login: Login) -> Answer:
        if self._asks_preauth:
            may_enter = await self._duo.ask(Preauth(login.user))
            if getattr(may_enter, "result", "") != "auth":
                return may_enter
        if login.password != Factor.PUSH:
            return await self._duo.ask(Auth(login.user, Factor.PASSCODE, passcode=login.password))
        begun = await self._duo.ask(Auth(login.user, Factor.PUSH))
        while isinstance(begun, AuthAnswer) and begun.txid:
            status = await self._duo.ask(AuthStatus(begun.txid))
            if getattr(status, "result", "") != "waiting":
                return status
        return begun


async def serve(settings: Settings, *, asks_preauth: bool) -> None:
    """Serve until the process is ended."""
    connector = aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context(cafile=settings.ca))
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=75)
    ) as session:
        udp = open_udp()
        udp.setblocking(False)
        radius = RadiusServer(udp, SharedSecret(settings.shared_secret.encode()))
        gateway = Gateway(Duo(session, settings), radius, asks_preauth=asks_preauth)

        def drain() -> None:
            with suppress(BlockingIOError):
                for _ in range(64):
                    login = radius.take(*udp.recvfrom(4096))
                    if login is not None:
                        gateway.begin(login)

        asyncio.get_running_loop().add_reader(udp, drain)
        announce(udp)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(read_settings(), asks_preauth=sys.argv[2] == PREAUTH_FIRST))
