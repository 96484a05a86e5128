"""The control socket: how commands reach the supervisor; `Command` lists what can be asked.

A Unix stream socket in `run_dir`, for root and the gateway's own user. One JSON object a line each way:
`{"command": "status"}`, and `{"ok": true, …}` or `{"ok": false, "error": "…", "problems": ["FILE:LINE …"]}`.
`login` has one more key, with what `LoginQuestion` holds; octets are base64. `reload` and `try_reload` take
`force`, and are answered with `Changes`; `try_addresses` takes `addresses`, and is answered with those of them that
others have. No answer holds a secret; a challenge's State, with which the next `login` answers it, lets nobody in.
"""

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Coroutine, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from gateway.config.changes import Changes
from gateway.config.listening import ListeningAddress
from gateway.config.problems import ConfigError
from gateway.logs.setup import log_internal_error
from gateway.supervisor.login import LoginQuestion
from gateway.supervisor.login_helper import LoginOutcome
from gateway.supervisor.run_dir import RunDir

log = logging.getLogger("gateway.supervisor")
Result = TypeVar("Result")

MAX_REQUEST = 65_536  # octets
MAX_CONNECTIONS = 16
MAX_LOGINS = 8  # at once: each waits for a person, and others must be able to ask meanwhile
IDLE_TIMEOUT_S = 10.0

_PEER = struct.Struct("3i")  # struct ucred: process, user, group


class ReloadOutcome(NamedTuple):
    """What became of a reload. With `problems`, lines for people, nothing was changed.

    Attributes:
        generation: the number of the generation that serves.
        changes: what is different in the file; None if it could not be read.
        key_troubles: what Duo has against keys that are new in it, lines for people.
    """

    generation: int
    warnings: list[str]
    problems: list[str]
    changes: Changes | None = None
    key_troubles: Sequence[str] = ()


class Commands(Protocol):
    """Who performs what is asked: the arbiter."""

    def status(self) -> dict[str, Any]:
        """Return what `status.json` holds."""

    async def reload(self, *, is_forced: bool = False) -> ReloadOutcome:
        """Read the configuration file again; return once the new generation serves. May be asked while it is at it."""

    async def try_reload(self, *, is_forced: bool = False) -> ReloadOutcome:
        """Return what a reload would come to, and change nothing."""

    def taken_addresses(self, addresses: Sequence[ListeningAddress]) -> dict[str, str]:
        """Return which of these others than the gateway have, and what is to be said of it."""

    async def login(self, question: LoginQuestion) -> LoginOutcome:
        """Log in at the gateway itself; ConfigError if there is no such section."""

    async def upgrade(self) -> ReloadOutcome:
        """Have the code on disk take our place, unless it cannot start; return before it does."""

    def stop(self) -> None:
        """Begin to drain. Asked again, it changes nothing."""

    def leave(self) -> None:
        """Begin to end at once: logins that wait for a person are left to the next start."""


class Command(StrEnum):
    """What can be asked."""

    STATUS = "status"
    RELOAD = "reload"
    TRY_RELOAD = "try_reload"  # and no key of a reload: an older version would leave it out of account, and reload
    TRY_ADDRESSES = "try_addresses"
    UPGRADE = "upgrade"
    LOGIN = "login"
    STOP = "stop"
    LEAVE = "leave"


_ENDS = (Command.UPGRADE, Command.STOP, Command.LEAVE)  # if they succeed: whoever asked can see it


class Request(msgspec.Struct):
    """A line that asks.

    Attributes:
        login: what the command of that name needs.
        force: has a reload go past its guard.
        addresses: that are to be tried, each a family, a host and a port.
    """

    command: Command
    login: LoginQuestion | None = None
    force: bool = False
    addresses: list[tuple[int, str, int]] = []


class Caller(NamedTuple):
    """The process at the other end."""

    process_id: int
    user_id: int

    @property
    def may_ask(self) -> bool:
        """Whether it is root's or ours."""
        return self.user_id in (0, os.geteuid())


def caller_of(connection: socket.socket) -> Caller:
    """Return who has connected, as the kernel knows it."""
    process_id, user_id, _ = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return Caller(process_id, user_id)


class _Refusal(Exception):  # noqa: N818 -- reads as what it says
    """Nothing is performed; the text tells the other end why."""


class ControlSocket:
    """Answers on the control socket from `open` to `close`.

    Args:
        run_dir: the folder of both; whoever locked it releases it.
    """

    def __init__(self, run_dir: RunDir, commands: Commands, idle_timeout_s: float = IDLE_TIMEOUT_S) -> None:
        self._run_dir = run_dir
        self._commands = commands
        self._idle_timeout_s = idle_timeout_s
        self._conversations: set[asyncio.Task[None]] = set()
        self._n_logins = 0

    async def open(self) -> None:
        """Begin to answer.

        Raises:
            RunDirUnusable: the folder cannot be written.
        """
        listening = self._run_dir.listen()
        self._server = await asyncio.start_unix_server(self._connected, sock=listening, limit=MAX_REQUEST)

    async def listen_anew(self) -> None:
        """Listen by another socket, for the name of ours was removed; conversations go on. Raises as `open`."""
        former = self._server
        await self.open()
        former.close()

    async def close(self) -> None:
        """Hang up; who asked for the stop sees the end when this process ends, or becomes another version."""
        self._server.close()
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = asyncio.create_task(self._converse(reader, writer))
        self._conversations.add(conversation)
        conversation.add_done_callback(partial(self._over, writer))

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except (OSError, EOFError):  # a time-out, or the other end has gone
            pass
        except Exception as error:  # noqa: BLE001 -- our own mistake ends this conversation, not the supervisor
            log_internal_error("Internal error at the control socket", error)

    def _over(self, writer: asyncio.StreamWriter, conversation: "asyncio.Task[None]") -> None:
        """Hang up: also where it was cancelled before it had begun."""
        self._conversations.discard(conversation)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests until the other end hangs up, asks nonsense, or keeps us waiting."""
        caller = caller_of(writer.get_extra_info("socket"))
        try:
            self._admit(caller)
            while True:
                request = await self._next_request(reader)
                command = request.command
                if command is not Command.STATUS:
                    log.info("Asked to %s by process %d of user %d", command, caller.process_id, caller.user_id)
                await self._send(writer, await self._perform(request, reader))
                if command is Command.STOP:
                    self._commands.stop()
                elif command is Command.LEAVE:
                    self._commands.leave()
                if command in _ENDS:
                    await _stay_until_the_end(reader, writer)
        except _Refusal as refusal:
            await self._send(writer, _failure(str(refusal)))

    def _admit(self, caller: Caller) -> None:
        if not caller.may_ask:
            raise _Refusal("only root and the gateway's own user may ask")
        if len(self._conversations) > MAX_CONNECTIONS:
            raise _Refusal("too many connections at once; try again")

    async def _next_request(self, reader: asyncio.StreamReader) -> Request:
        try:
            line = await self._in_time(reader.readuntil())
            return msgspec.json.decode(line, type=Request)
        except asyncio.LimitOverrunError as error:
            raise _Refusal(f"a request has at most {MAX_REQUEST} bytes") from error
        except (ValueError, RecursionError) as error:
            raise _Refusal(f"not a request: {error}") from error

    async def _perform(self, request: Request, reader: asyncio.StreamReader) -> dict[str, Any]:
        try:
            match request.command:
                case Command.STATUS:
                    return {"ok": True, "status": self._commands.status()}
                case Command.RELOAD:
                    return _reload_answer(await self._commands.reload(is_forced=request.force), "not reloaded")
                case Command.TRY_RELOAD:
                    outcome = await self._commands.try_reload(is_forced=request.force)
                    return _reload_answer(outcome, "a reload would be refused")
                case Command.TRY_ADDRESSES:
                    addresses = [ListeningAddress(*each, ()) for each in request.addresses]
                    return {"ok": True, "taken": self._commands.taken_addresses(addresses)}
                case Command.UPGRADE:
                    return _reload_answer(await self._commands.upgrade(), "not upgraded")
                case Command.LOGIN:
                    return await self._log_in(request.login, reader)
                case Command.STOP | Command.LEAVE:
                    return {"ok": True, "pid": os.getpid()}
        except EOFError:  # the client has gone
            raise
        except Exception as error:  # noqa: BLE001 -- the client must learn that there is no answer
            log_internal_error("Internal error while carrying out a command", error)
            return _failure("internal error in the gateway; its log says more")

    async def _log_in(self, question: LoginQuestion | None, reader: asyncio.StreamReader) -> dict[str, Any]:
        if question is None:
            return _failure("not a request: login needs user, password and timeout_s")
        if self._n_logins >= MAX_LOGINS:
            return _failure(f"{MAX_LOGINS} logins of radgate login are pending; wait for one of them")
        self._n_logins += 1
        try:
            return _login_answer(await _unless_gone(self._commands.login(question), reader))
        except ConfigError as error:
            return {**_failure("not asked"), "problems": [problem.render(error.path) for problem in error.problems]}
        finally:
            self._n_logins -= 1

    async def _send(self, writer: asyncio.StreamWriter, answer: dict[str, Any]) -> None:
        writer.write(msgspec.json.encode(answer) + b"\n")
        await self._in_time(writer.drain())

    async def _in_time(self, awaitable: Awaitable[Result]) -> Result:
        """Raises TimeoutError where a caller takes too long."""
        async with asyncio.timeout(self._idle_timeout_s):
            return await awaitable


def _failure(error: str) -> dict[str, Any]:
    return {"ok": False, "error": error, "problems": []}


def _reload_answer(outcome: ReloadOutcome, refused: str) -> dict[str, Any]:
    changes = {} if outcome.changes is None else {"changes": outcome.changes}
    if outcome.problems:
        return {**_failure(f"{refused}; nothing was changed"), "problems": outcome.problems, **changes}
    key_troubles = {"key_troubles": outcome.key_troubles} if outcome.key_troubles else {}
    return {"ok": True, "generation": outcome.generation, "warnings": outcome.warnings, **changes, **key_troubles}


def _login_answer(outcome: LoginOutcome) -> dict[str, Any]:
    if not outcome.reply:
        return _failure(outcome.text)
    told = {"ok": True, "reply": outcome.reply, "text": outcome.text, "took_s": outcome.took_s}
    return {**told, "state": outcome.state} if outcome.state else told


async def _unless_gone(work: Coroutine[Any, Any, Result], reader: asyncio.StreamReader) -> Result:
    """Return what the work comes to, or give it up when the other end hangs up, or talks before it is answered.

    Raises:
        EOFError: it was given up.
    """
    working, hearing = asyncio.ensure_future(work), asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait((working, hearing), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise EOFError
        return working.result()
    finally:
        for each in (working, hearing):
            each.cancel()
        await asyncio.gather(working, hearing, return_exceptions=True)


async def _stay_until_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Keep the connection until the other end hangs up, or our process ends.

    The copy of the descriptor outlives the loop: the other end sees the process end, and nothing before that.
    """
    copy = os.dup(writer.get_extra_info("socket").fileno())
    with contextlib.suppress(ConnectionError):
        while await reader.read(4096):
            pass
    os.close(copy)
