"""What the pure half of the fleet has decided, for its shell to perform."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias, final

from mypy_extensions import mypyc_attr

from gateway.fleet.claim_states import ClaimedLogin
from gateway.fleet.script_answers import ScriptName
from gateway.fleetapi import questions
from gateway.values import Value


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class RunScript(Value):
    """Let the store run a script; the answer is for `Claims.script_answered`, that there is none for `script_failed`.

    What is run is run in this order, and so is what is published.
    """

    __slots__ = ("arguments", "key", "login", "script")

    def __init__(self, script: ScriptName, key: bytes, arguments: tuple[bytes, ...], login: ClaimedLogin) -> None:
        self.script = script
        self.key = key
        self.arguments = arguments
        self.login = login


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Publish(Value):
    """Say this on a channel; whoever does not hear it now never does."""

    __slots__ = ("channel", "message")

    def __init__(self, channel: str, message: bytes) -> None:
        self.channel = channel
        self.message = message


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class AnswerLogin(Value):
    """Give the engine the answer to its question."""

    __slots__ = ("answer", "number")

    def __init__(self, number: int, answer: questions.Answer) -> None:
        self.number = number
        self.answer = answer


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Displaced(Value):
    """Another host has taken this login's push over: stop asking Duo about it, and ask `Join`."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


@final
@mypyc_attr(acyclic=True)
class AskDuoTime(Value):
    """Have Duo asked for its time: it is not known here, or the clock that carries it on has stood still."""

    __slots__ = ()


Effect: TypeAlias = RunScript | Publish | AnswerLogin | Displaced | AskDuoTime


class Outcome(StrEnum):
    """What is counted. A login counts once as granted, joined or alone for each time it claims."""

    __hash__ = str.__hash__

    GRANTED = "granted"
    JOINED = "joined"
    RECALLED = "recalled"  # another host had decided, and told its verdict
    TAKEOVER = "takeover"
    DISPLACED = "displaced"
    LOST = "lost"  # a joined login whose push nobody can be asked about
    ALONE_AWAY = "alone_away"  # there is no connection to the store
    ALONE_LATE = "alone_late"  # the store has not answered within patience
    ALONE_FAILED = "alone_failed"  # the store refused, or answered what cannot be read
    ALONE_UNREADABLE = "alone_unreadable"  # the record is of another version or key, forged, or too old
    ALONE_CONTENDED = "alone_contended"  # each time it was to be claimed anew, another was faster
    CLAIMED_MEANWHILE = "claimed_meanwhile"  # one that was alone, or lost its record, finds another's: stays alone


Count: TypeAlias = Callable[[Outcome], None]
