"""What the scripts answer, read: whatever else a store says is `Refused`."""

from typing import Final, final

from mypy_extensions import mypyc_attr

from gateway.fleetapi.resp import BAD_ANSWER, Answer, Refused
from gateway.values import Value

_MAX_NAME: Final = 200  # characters
_MAX_NUMBER: Final = 2**53  # of a number in Lua


@final
@mypyc_attr(acyclic=True)
class Mine(Value):
    """A claim is granted.

    Attributes:
        epoch: of the record, at least 1.
        n: how many others have asked for it.
    """

    __slots__ = ("epoch", "n")

    def __init__(self, epoch: int, n: int) -> None:
        self.epoch = epoch
        self.n = n


@final
@mypyc_attr(acyclic=True)
class Record(Value):
    """What another owner has written; nothing of it can be believed but what opens.

    Attributes:
        age_ms: since it was written, by the store's clock; negative if that was set back.
    """

    __slots__ = ("age_ms", "epoch", "owner", "sealed", "state")

    def __init__(self, owner: str, epoch: int, state: str, sealed: bytes, age_ms: int) -> None:
        self.owner = owner
        self.epoch = epoch
        self.state = state
        self.sealed = sealed
        self.age_ms = age_ms


@final
@mypyc_attr(acyclic=True)
class Taken(Value):
    """Another owner's push is ours now."""

    __slots__ = ("age_ms", "epoch", "sealed")

    def __init__(self, epoch: int, sealed: bytes, age_ms: int) -> None:
        self.epoch = epoch
        self.sealed = sealed
        self.age_ms = age_ms


def read_claim(answer: Answer) -> Mine | Record | Refused:
    """Read what CLAIM answers."""
    if isinstance(answer, list) and len(answer) == 3 and answer[0] == b"mine":
        epoch, n = answer[1], answer[2]
        if isinstance(epoch, int) and isinstance(n, int) and 0 < epoch <= _MAX_NUMBER and 0 <= n <= _MAX_NUMBER:
            return Mine(epoch, n)
        return _bad()
    return _read_record(answer, 0)


def read_look(answer: Answer) -> Record | Refused | None:
    """Read what LOOK answers; None: there is no record."""
    return None if answer is None else _read_record(answer, 0)


def read_write(answer: Answer) -> int | Refused:
    """Read what WRITE answers: how many others have asked, or -1 if the record is not ours."""
    if isinstance(answer, int) and -1 <= answer <= _MAX_NUMBER:
        return answer
    return answer if isinstance(answer, Refused) else _bad()


def read_take(answer: Answer) -> Taken | Record | Refused | None:
    """Read what TAKE answers; None: there is no record."""
    if answer is None:
        return None
    if isinstance(answer, list) and len(answer) == 4 and answer[0] == 1:
        epoch, sealed, age_ms = answer[1], answer[2], answer[3]
        if (
            isinstance(epoch, int)
            and isinstance(sealed, bytes)
            and isinstance(age_ms, int)
            and 0 < epoch <= _MAX_NUMBER
        ):
            return Taken(epoch, sealed, age_ms)
        return _bad()
    if isinstance(answer, list) and len(answer) == 6 and answer[0] == 0:
        return _read_record(answer, 1)
    return answer if isinstance(answer, Refused) else _bad()


def read_release(answer: Answer) -> bool | Refused:
    """Read what RELEASE answers: whether the record was ours."""
    if isinstance(answer, int) and answer in (0, 1):
        return answer == 1
    return answer if isinstance(answer, Refused) else _bad()


def _read_record(answer: Answer, at: int) -> Record | Refused:
    """Read owner, epoch, state, sealed and age, which begin at `at`."""
    if isinstance(answer, list) and len(answer) == at + 5:
        owner, epoch, state, sealed, age_ms = answer[at], answer[at + 1], answer[at + 2], answer[at + 3], answer[at + 4]
        if (
            isinstance(owner, bytes)
            and isinstance(epoch, int)
            and isinstance(state, bytes)
            and isinstance(sealed, bytes)
            and isinstance(age_ms, int)
            and 0 <= epoch <= _MAX_NUMBER
        ):
            return Record(_name(owner), epoch, _name(state), sealed, age_ms)
    return answer if isinstance(answer, Refused) else _bad()


def _name(octets: bytes) -> str:
    return octets[:_MAX_NAME].decode("ascii", "replace")


def _bad() -> Refused:
    return Refused(BAD_ANSWER, "the store answered what this script does not say; does another program use its keys?")
