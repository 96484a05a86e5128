"""A console on a port of the kernel's choice, in this process, with a supervisor that answers from a scene."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Protocol

from aiohttp import ClientSession, TCPConnector

from gateway.console.facts import Facts
from gateway.console.pages import Pages, Rules
from gateway.console.server import serve
from gateway.console.visitors import Token
from gateway.ipc.console_channel import (
    FromConsole,
    hear_console,
    tell_facts,
)
from gateway.ipc.ledger import Ledger

TOKEN = "a token of the console".replace(" ", "-")
LOOPBACK = Rules("127.0.0.1", None, is_encrypted=False)
GUARDED = Rules("0.0.0.0", Token(TOKEN.encode()), is_encrypted=False)


class Scene(Protocol):
    """What a supervisor would tell of."""

    @property
    def status(self) -> dict[str, Any]:
        """The object of `status.json`."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Any
    text: str
    cookies: Any

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Site:
    """A console and a visitor of it."""

    def __init__(self, facts: Facts, ledger: Ledger, port: int, context: ssl.SSLContext | bool) -> None:
        self.facts = facts
        self.ledger = ledger
        self.port = port
        self.url = f"{'https' if context is not True else 'http'}://127.0.0.1:{port}"
        self._context = context

    async def ask(self, path: str, method: str = "GET", **options: Any) -> Answer:
        """Send one request; redirects are not followed."""
        async with (
            ClientSession(connector=TCPConnector(ssl=self._context)) as session,
            session.request(method, self.url + path, allow_redirects=False, **options) as answer,
        ):
            return Answer(answer.status, answer.headers, await answer.text(), answer.cookies)

    async def send(self, octets: bytes) -> bytes:
        """Send anything, and return all that comes back until the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(octets)
        writer.write_eof()
        try:
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


@asynccontextmanager
async def console(
    gateway: Scene, rules: Rules = LOOPBACK, certificate: bytes = b"", context: ssl.SSLContext | bool = True
) -> AsyncIterator[Site]:
    """Run a console; it has heard of the gateway once."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ledger = Ledger.create(2)

    def answer() -> None:
        if hear_console(ours) is FromConsole.ASKING:
            tell_facts(ours, json.dumps(gateway.status).encode(), [ledger.descriptor])

    loop.add_reader(ours.fileno(), answer)
    listening = socket.create_server(("127.0.0.1", 0))
    facts = Facts(theirs, lambda: None)
    serving = loop.create_task(serve(Pages(facts, rules).application(), listening, certificate))
    facts.start()
    try:
        async with asyncio.timeout(20):
            while facts.status is None:  # noqa: ASYNC110 -- nobody tells
                await asyncio.sleep(0.001)
        yield Site(facts, ledger, listening.getsockname()[1], context)
    finally:
        facts.stop()
        serving.cancel()
        loop.remove_reader(ours.fileno())
        for each in (ours, theirs, listening):
            each.close()
        ledger.close()
