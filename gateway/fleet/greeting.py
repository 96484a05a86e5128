"""The first words to a store, all in one write, and what its answers mean.

A store that turns whoever comes away says why unasked, and closes: that stands where the answer to the first word is
looked for, which may be AUTH. A server that does not know AUTH answers with what it was sent, the password. So of that
answer no word is shown that is not ours.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

from gateway.fleet.connection import SAYS, StoreConnection
from gateway.fleet.scripts import CLAIM, PROBE, SCRIPTS
from gateway.fleetapi.address import StoreAddress
from gateway.fleetapi.names import PROBE_KEYS
from gateway.fleetapi.resp import CONNECTION_LOST, Answer, Refused, encode_command, printable
from gateway.unavailable import Trouble, Unavailable

KEYS_OF_ALL_SLOTS: Final[Sequence[Sequence[bytes]]] = [[b"HMGET", key, b"o"] for key in PROBE_KEYS]
"""Questions that a node answers which has all keys; see `elsewhere`."""
CLUSTER_REMEDY: Final = "name a store that has all keys at one address: without cluster mode, or a cluster of one shard"

_ROLE_SIZE: Final = 20  # characters that are shown
_NO_SUCH_COMMAND: Final = ("ERR", "NOPERM")
_WRONG: Final = ("WRONGPASS", "NOAUTH")
_SAID_OF_AUTH: Final = (*_WRONG, *_NO_SUCH_COMMAND)
_NOT_THERE: Final = ("NOPERM", "READONLY", "MASTERDOWN")  # of a claim: who may not ask for ROLE learns it so
_SHOWN: Final = {"EVALSHA": "what a claim does"}
_ELSEWHERE: Final = ("MOVED", "CLUSTERDOWN")


class _Reason(NamedTuple):
    """Why a store turns everybody away: its kind, and in our own words what it is and what can be done."""

    trouble: Trouble
    text: str
    remedy: str


_REASONS: Final = {
    "DENIED ": _Reason(
        Trouble.CONFIGURATION,
        "is in protected mode, and lets in nobody from other machines (DENIED)",
        "give the store's user a password, and name its file in engine_password_file",
    ),
    "ERR max number of clients reached": _Reason(
        Trouble.BUSY,
        "has as many clients as it takes (max number of clients reached)",
        "raise its maxclients: a host holds two connections for each worker, and two for its supervisor",
    ),
}
"""What a store says unasked, by the words with which it begins."""


async def greet(connection: StoreConnection, address: StoreAddress, password: str, *, with_scripts: bool) -> None:
    """Be let in, at the database, with a name; with scripts also know them, all keys there, and what they do allowed.

    Raises:
        Unavailable: it is no master, does not let us in, or cannot do it.
    """
    commands: list[Sequence[bytes]] = [[b"CLIENT", b"SETNAME", b"radgate"], [b"ROLE"], [b"PING"]]
    if password:
        commands.insert(0, auth(address, password))
    if address.database:
        commands.append([b"SELECT", b"%d" % address.database])
    if with_scripts:
        commands += KEYS_OF_ALL_SLOTS
        commands += [[b"SCRIPT", b"LOAD", script.lua] for script in SCRIPTS]
        commands.append([b"EVALSHA", CLAIM.sha, b"1", PROBE_KEYS[0], *PROBE])
    answers = await _answers(connection, commands)
    _check_first(commands[0], answers[0], address, is_lost_then=_is_lost(answers[1]))
    for command, answer in zip(commands, answers, strict=True):
        _check(command[0].decode(), answer, address)
    if with_scripts and answers[-len(SCRIPTS) - 1 : -1] != [script.sha for script in SCRIPTS]:
        raise Unavailable(Trouble.BAD_ANSWER, f"{address} gives scripts other names than Redis does")


def auth(address: StoreAddress, password: str) -> list[bytes]:
    """Return the words that let in."""
    words = [b"AUTH", password.encode("utf-8", "surrogateescape")]
    return [words[0], address.user.encode(), words[1]] if address.user else words


def elsewhere(answers: Sequence[Answer]) -> Refused | None:
    """Return who says that keys are elsewhere, or nowhere: this is one node of a cluster, or the cluster is down."""
    return next((each for each in answers if isinstance(each, Refused) and each.code in _ELSEWHERE), None)


def not_all_keys(refusal: Refused) -> str:
    """Return what is to be said of who has said so."""
    return f"has not all keys, for it is a node of a cluster ({refusal.text})"


async def ask_all(connection: StoreConnection, commands: Sequence[Sequence[bytes]]) -> list[Answer]:
    """Return the answers to commands that leave together.

    Raises:
        Unavailable: the connection was lost before.
    """
    found = await _answers(connection, commands)
    for answer in found:
        if isinstance(answer, Refused) and _is_lost(answer):
            raise Unavailable(Trouble.CLOSED, answer.text)
    return found


async def _answers(connection: StoreConnection, commands: Sequence[Sequence[bytes]]) -> list[Answer]:
    loop = asyncio.get_running_loop()
    answered: list[asyncio.Future[Answer]] = [loop.create_future() for _ in commands]
    for command, future in zip(commands, answered, strict=True):
        connection.ask(encode_command(command), partial(_take, future))
    return await asyncio.gather(*answered)


def _take(answered: "asyncio.Future[Answer]", answer: Answer) -> None:
    if not answered.done():
        answered.set_result(answer)


def _is_lost(answer: Answer) -> bool:
    return isinstance(answer, Refused) and answer.code == CONNECTION_LOST


def _check_first(command: Sequence[bytes], answer: Answer, address: StoreAddress, *, is_lost_then: bool) -> None:
    """See whether it is no answer, but why nobody is let in."""
    if not isinstance(answer, Refused):
        return
    said = answer.text.removeprefix(SAYS)
    for begin, reason in _REASONS.items():
        if said.startswith(begin):
            raise Unavailable(reason.trouble, f"{address} {reason.text}", remedy=reason.remedy)
    if is_lost_then and command[0] != b"AUTH" and not _is_lost(answer):
        raise Unavailable(Trouble.CLOSED, f"{address} closed the connection: {said}")


def _check(command: str, answer: Answer, address: StoreAddress) -> None:
    """Make sure that a part of the greeting was answered as it must be."""
    if command == "ROLE" and isinstance(answer, list) and answer and answer[0] != b"master":
        role = answer[0].decode("ascii", "replace") if isinstance(answer[0], bytes) else "something else"
        raise Unavailable(Trouble.BAD_ANSWER, f"{address} is no master but {printable(role[:_ROLE_SIZE])}")
    if not isinstance(answer, Refused):
        return
    if _is_lost(answer):
        raise Unavailable(Trouble.CLOSED, answer.text)
    if command == "HMGET" and elsewhere([answer]) is not None:
        raise Unavailable(Trouble.BAD_ANSWER, f"{address} {not_all_keys(answer)}", remedy=CLUSTER_REMEDY)
    if command == "AUTH" or answer.code in _WRONG:
        why = answer.text if command != "AUTH" else answer.code if answer.code in _SAID_OF_AUTH else "?"
        text = f"{address} does not let us in: see user and engine_password_file ({why})"
        raise Unavailable(Trouble.CONFIGURATION, text)
    if not _is_wish(command, answer.code):
        trouble = Trouble.CONFIGURATION if answer.code in _NO_SUCH_COMMAND else Trouble.BAD_ANSWER
        raise Unavailable(trouble, f"{address} refuses {_SHOWN.get(command, command)}: {answer.text}")


def _is_wish(command: str, code: str) -> bool:
    """Whether it does without this command, if that is refused so."""
    match command:
        case "CLIENT" | "ROLE":
            return code in _NO_SUCH_COMMAND
        case "EVALSHA":
            return code not in _NOT_THERE  # a store that is full has room again one day, and is asked until then
    return command == "HMGET"
