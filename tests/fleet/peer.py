"""A scripted store: it lets in whoever comes, and then answers as a test says."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from gateway.fleet.scripts import SCRIPTS
from gateway.fleetapi import names
from gateway.fleetapi.resp import AnswerReader, Refused
from tests.https.peer import Visit, tls_peer

PROBE_KEYS = frozenset(names.PROBE_KEYS)
SHA = {script.lua: script.sha for script in SCRIPTS}
KEY = b"rg:l:{00}"
MINE = b":1\r\n"
CLAIMING = (b"a", b"90000", b"sealed", b"", b"0")


class StoreVisit:
    """One connection that a client has made to it; `number` counts from 1."""

    def __init__(self, visit: Visit) -> None:
        self.number = visit.number
        self.send = visit.send
        self.close = visit.close
        self.reset = visit.reset
        self.until_client_leaves = visit.until_client_leaves
        self.fileno: int = visit.writer.get_extra_info("socket").fileno()
        self._visit = visit
        self._reader = AnswerReader()
        self._commands: deque[list[bytes]] = deque()

    async def any_command(self) -> list[bytes]:
        """The words of the next command."""
        while not self._commands:
            octets = await self._visit.reader.read(65_536)
            if not octets:
                raise ConnectionResetError
            for command in self._reader.feed(octets):
                assert isinstance(command, list)
                self._commands.append(command)
        return self._commands.popleft()

    async def command(self) -> list[bytes]:
        """The words of the next command that is no probe."""
        while True:
            command = await self.any_command()
            if PROBE_KEYS.isdisjoint(command):
                return command
            self.send(b":1\r\n")

    async def greet(self, answers: dict[bytes, bytes] | None = None) -> list[list[bytes]]:
        """Let the client in, or answer as `answers` says to a command's first word; return what it said."""
        said: list[list[bytes]] = []
        while not said or said[-1][0] != b"EVALSHA":
            said.append(command := await self.any_command())
            self.send((answers or {}).get(command[0]) or ordinary(command))
        return said


def ordinary(command: list[bytes]) -> bytes:
    """What a master answers to a part of a greeting."""
    match command:
        case [b"ROLE"]:
            return b"*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
        case [b"SCRIPT", b"LOAD", lua]:
            return b"$40\r\n%b\r\n" % SHA[lua]
        case [b"EVALSHA", *_]:
            return MINE
        case [b"PING"]:
            return b"+PONG\r\n"
    return b"+OK\r\n"


StoreScript = Callable[[StoreVisit], Awaitable[None]]


@asynccontextmanager
async def store_peer(script: StoreScript) -> AsyncIterator[str]:
    """Run `script` for each connection; the address is yielded."""
    async with tls_peer(lambda visit: script(StoreVisit(visit)), None) as peer:
        yield f"redis://127.0.0.1:{peer.port}"


async def stay(visit: StoreVisit) -> None:
    """Let in, answer nothing more but probes, and wait until the client leaves."""
    await visit.greet()
    while True:
        await visit.command()


def code(answer: object) -> str:
    """The word of a refusal."""
    assert isinstance(answer, Refused)
    return answer.code


def sentinel(*answers: bytes) -> tuple[StoreScript, list[list[bytes]]]:
    """A script that answers so, and the list of what it will have been asked."""

    async def script(visit: StoreVisit) -> None:
        for answer in answers:
            asked.append(await visit.any_command())
            visit.send(answer)
        await visit.until_client_leaves()

    asked: list[list[bytes]] = []
    return script, asked
