"""What the store's scripts have answered, read; `fleet/scripts.py` says what each of them takes and answers.

Whoever writes to the store can make them answer anything.
"""

from enum import StrEnum
from typing import Final, final

from mypy_extensions import mypyc_attr

from gateway.fleetapi.names import is_owner_name
from gateway.values import Value

_MAX_EPOCH: Final = 2**53


class ScriptName(StrEnum):
    """What the store can be asked to do."""

    __hash__ = str.__hash__

    CLAIM = "claim"
    LOOK = "look"
    WRITE = "write"
    TAKE = "take"
    RELEASE = "release"


CLAIM: Final = ScriptName.CLAIM
LOOK: Final = ScriptName.LOOK
WRITE: Final = ScriptName.WRITE
TAKE: Final = ScriptName.TAKE
RELEASE: Final = ScriptName.RELEASE


class BadScriptAnswerError(ValueError):
    """The store has answered what these scripts do not answer."""


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Mine(Value):
    """The record says that this login is ours."""

    __slots__ = ("epoch",)

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Found(Value):
    """The record of an owner; `age_s`: since its last change, by the store's clock, negative if that was set back."""

    __slots__ = ("age_s", "epoch", "owner", "sealed", "state")

    def __init__(self, owner: str, epoch: int, state: str, sealed: bytes, age_s: float) -> None:
        self.owner = owner
        self.epoch = epoch
        self.state = state
        self.sealed = sealed
        self.age_s = age_s


NOBODY: Final = Found("", 0, "", b"", 0.0)
"""No record was found yet."""


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Took(Value):
    """A push is ours now."""

    __slots__ = ("age_s", "epoch", "sealed")

    def __init__(self, epoch: int, sealed: bytes, age_s: float) -> None:
        self.epoch = epoch
        self.sealed = sealed
        self.age_s = age_s


def read_claim(answer: object) -> Mine | Found:
    """Return what CLAIM has answered.

    Raises:
        BadScriptAnswerError: it is none of this script's answers; so do the others of this module.
    """
    if isinstance(answer, int):
        return Mine(_epoch(answer))
    return _found(_items(answer, 5))


def read_look(answer: object) -> Found | None:
    """Return what LOOK has answered; None when there is no record."""
    return None if answer is None else _found(_items(answer, 5))


def read_take(answer: object) -> Took | Found | None:
    """Return what TAKE has answered; None when there is no record."""
    if answer is None:
        return None
    items = _items(answer, 4)
    if _integer(items[0]) == 1:
        return Took(_epoch(items[1]), _octets(items[2]), _integer(items[3]) / 1000)
    return _found(items[1:])


def read_write(answer: object) -> bool:
    """Return whether the record was still ours, as WRITE has answered."""
    return _integer(answer) >= 0


def read_use(answer: object) -> tuple[bytes, float, bytes]:
    """Return who has used a State before, how long ago in seconds, and what is kept for it, as USE has answered."""
    items = _items(answer, 3)
    return _octets(items[0]), _integer(items[1]) / 1000, _octets(items[2])


def _found(items: list[object]) -> Found:
    if len(items) < 5:
        raise BadScriptAnswerError("a record has five fields")
    owner = _text(items[0])
    if not is_owner_name(owner):
        raise BadScriptAnswerError("no owner's name")
    return Found(owner, _epoch(items[1]), _text(items[2]), _octets(items[3]), _integer(items[4]) / 1000)


def _items(answer: object, least: int) -> list[object]:
    if not isinstance(answer, list) or len(answer) < least:
        raise BadScriptAnswerError("no list, or a short one")
    return answer


def _epoch(item: object) -> int:
    epoch = _integer(item)
    if not 0 < epoch < _MAX_EPOCH:
        raise BadScriptAnswerError("no epoch")
    return epoch


def _integer(item: object) -> int:
    if isinstance(item, int):
        return item
    octets = _octets(item)
    if len(octets) > 20:
        raise BadScriptAnswerError("no number")
    try:
        return int(octets)
    except ValueError as error:
        raise BadScriptAnswerError("no number") from error


def _octets(item: object) -> bytes:
    if not isinstance(item, bytes):
        raise BadScriptAnswerError("no octets")
    return item


def _text(item: object) -> str:
    try:
        return _octets(item).decode("ascii")
    except UnicodeDecodeError as error:
        raise BadScriptAnswerError("no text") from error
