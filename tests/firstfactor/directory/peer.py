"""A scripted directory on port 0: it does with each request what a test says, and else what a polite one would."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from gateway.config.settings import AdClient, AuthType, DirectoryHost, Secret, Transport
from gateway.firstfactor.directory.client import DirectoryClient
from gateway.firstfactor.directory.clients import open_directory_client
from gateway.firstfactor.directory.host import Host
from gateway.ldap.ber import INTEGER, SEQUENCE, Cursor
from gateway.statistics.counters import FirstFactorCounters
from tests.firstfactor.directory.answers import bind_done, entry, extended, search_done
from tests.firstfactor.directory.scene import BASE, SEARCH, SERVICE, Sent, read
from tests.https.peer import Peer, Visit, tls_peer

PASSWORD = b"correct horse"
ALICE_DN = b"uid=alice," + BASE
_EXTENDED = 0x77
_SOMEWHERE = Host(0, "", "")

Step = Callable[[Visit, Sent], Awaitable[None]]


class Directory:
    """A script for connections: `service`, `search`, `check`, `bind` and `start_tls` can be replaced.

    Attributes:
        binds: users' binds that have come, in order.
        n_searches: how many searches have.
        ports: where it is, once it is.
    """

    def __init__(
        self, context: ssl.SSLContext | None = None, *, steps: dict[str, Step] | None = None, **more: Step
    ) -> None:
        self.binds: list[Sent] = []
        self.n_searches = 0
        self.port = 0
        self._context = context
        self._steps = {**(steps or {}), **more}

    @property
    def host(self) -> DirectoryHost:
        return DirectoryHost(host="127.0.0.1", port=self.port)

    async def __call__(self, visit: Visit) -> None:
        while True:
            octets = await _message(visit)
            if _operation(octets) == _EXTENDED:
                await self._steps.get("start_tls", self._start_tls)(visit, Sent(0, _SOMEWHERE, 0.0, _EXTENDED, 1))
            else:
                await self._answer(visit, read(visit.number, _SOMEWHERE, 0.0, octets))

    async def _answer(self, visit: Visit, sent: Sent) -> None:
        if sent.kind == SEARCH:
            self.n_searches += not sent.is_check
            await self._steps.get("check" if sent.is_check else "search", find_alice)(visit, sent)
        elif sent.is_service_bind:
            await self._steps.get("service", check_password(SERVICE.password))(visit, sent)
        else:
            self.binds.append(sent)
            await self._steps.get("bind", check_password(PASSWORD))(visit, sent)

    async def _start_tls(self, visit: Visit, sent: Sent) -> None:
        assert self._context is not None
        visit.send(extended(sent.message_id))
        await visit.writer.start_tls(self._context)


async def find_alice(visit: Visit, sent: Sent) -> None:
    visit.send(entry(sent.message_id, ALICE_DN, sAMAccountName=b"alice") + search_done(sent.message_id))


def check_password(password: bytes) -> Step:
    async def check(visit: Visit, sent: Sent) -> None:
        visit.send(bind_done(sent.message_id, 0 if sent.password == password else 49))

    return check


def say(octets: Callable[[int], bytes]) -> Step:
    """Say this instead of an answer, made with the request's number."""

    async def speak(visit: Visit, sent: Sent) -> None:
        visit.send(octets(sent.message_id))

    return speak


async def hang(visit: Visit, sent: Sent) -> None:
    await visit.until_client_leaves()


async def die(visit: Visit, sent: Sent) -> None:
    visit.reset()


async def leave(visit: Visit, sent: Sent) -> None:
    visit.close()


@asynccontextmanager
async def serving(*directories: Directory, server_file: str | None = None) -> AsyncIterator[list[Peer]]:
    """Let directories be there."""
    if not directories:
        yield []
        return
    async with (
        tls_peer(directories[0], server_file) as peer,
        serving(*directories[1:], server_file=server_file) as more,
    ):
        directories[0].port = peer.port
        yield [peer, *more]


def section_of(*hosts: DirectoryHost, **how) -> AdClient:
    given = {
        "section": "ad_client",
        "hosts": hosts,
        "auth_type": AuthType.PLAIN,
        "transport": Transport.CLEAR,
        "service_account_password": Secret(SERVICE.password),
        "bind_dn": SERVICE.name.decode(),
        "search_dn": BASE.decode(),
    }
    return AdClient(**{**given, **how})


@contextmanager
def client_of(
    *hosts: DirectoryHost | Directory, counters: FirstFactorCounters | None = None, **how
) -> Iterator[DirectoryClient]:
    """A client of these hosts, until this is left."""
    places = [each.host if isinstance(each, Directory) else each for each in hosts]
    client = open_directory_client(section_of(*places, **how), 1, counters)
    try:
        yield client
    finally:
        client.close()


async def _message(visit: Visit) -> bytes:
    """Return the octets of the next request."""
    head = await visit.reader.readexactly(2)
    size = head[1]
    if size & 0x80:
        more = await visit.reader.readexactly(size & 0x7F)
        head, size = head + more, int.from_bytes(more, "big")
    return head + await visit.reader.readexactly(size)


def _operation(octets: bytes) -> int:
    cursor = Cursor(octets)
    end = cursor.enter(SEQUENCE, len(octets))
    cursor.integer(INTEGER, end)
    return cursor.tag(end)
