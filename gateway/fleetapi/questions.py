"""What a login asks the fleet, and what it is answered.

A login asks before it asks Duo for what must not happen twice: `Claim`. The answer is `Granted`, and it asks Duo;
or another host has the login, and this one joins it. What becomes of a joined login is asked with `Join`.

The fleet never says no, and it never says yes: a login that the store knows nothing of is granted, and whether a user
gets in, Duo has said to one of the hosts. `verdict` is what that host's engine packed for another engine; the fleet
does not look into it.

A login that answers a challenge asks before all else whether its State was used at another host: `UseState`. The answer
is `Unused`, or `UsedBefore`, which ends it.
"""

from typing import final

from mypy_extensions import mypyc_attr

from gateway.values import Value


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Held(Value):
    """What a host has of a login in the store, so that a worker's successor can go on with it.

    Attributes:
        owner: its name there, for this login alone: the host's instance, a colon, a random part.
        epoch: counts the owners that the login has had: with the name the fence against those who had it before.
    """

    __slots__ = ("epoch", "owner")

    def __init__(self, owner: str, epoch: int) -> None:
        self.owner = owner
        self.epoch = epoch


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Claim(Value):
    """May this login ask Duo? Answered by `Granted`, `Joined`, `TakenOver` or `Decided`, within the fleet's patience.

    Attributes:
        number: of the login, among all that this worker has had.
        login: what makes two packets the same login on all hosts, 16 octets, keyed.
        owner: the name that it is to have in the store, see `Held`.
        packet: the digest of the newest packet that waits for it, keyed alike; empty if none does any more.
        is_repeatable: whether what it asks Duo disturbs nobody if another host has asked it before, and lets nobody in
            twice: a passcode, which Duo then refuses.
        again_s: how long ago this very login used its State at another host, which may have ended it since: then the
            answer can be `UsedBefore`, too. 0 for none that has.
    """

    __slots__ = ("again_s", "is_repeatable", "login", "number", "owner", "packet")

    def __init__(
        self,
        number: int = 0,
        login: bytes = b"",
        owner: str = "",
        packet: bytes = b"",
        *,
        is_repeatable: bool = False,
        again_s: float = 0.0,
    ) -> None:
        self.number = number
        self.login = login
        self.owner = owner
        self.packet = packet
        self.is_repeatable = is_repeatable
        self.again_s = again_s


@final
@mypyc_attr(acyclic=True)
class UseState(Value):
    """Was the State that this login answers used at another host? Answered by `Unused` or `UsedBefore`.

    Attributes:
        number, login: as those of `Claim`.
        name: of the State's token, `names.NONCE_SIZE` octets that were drawn for it.
        life_s: for how long it can still be opened.
        wants_kept: whether what is kept for it is not here.
    """

    __slots__ = ("life_s", "login", "name", "number", "wants_kept")

    def __init__(self, name: bytes, life_s: float, *, wants_kept: bool, number: int = 0, login: bytes = b"") -> None:
        self.number = number
        self.login = login
        self.name = name
        self.life_s = life_s
        self.wants_kept = wants_kept


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Join(Value):
    """What becomes of this login, which another host has? Answered by `Decided`, `TakenOver`, `Released` or `Lost`.

    Attributes:
        number, login: as those of `Claim`.
        application: of Duo, that it would have asked.
    """

    __slots__ = ("application", "login", "number")

    def __init__(self, number: int = 0, login: bytes = b"", application: str = "") -> None:
        self.number = number
        self.login = login
        self.application = application


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Granted(Value):
    """Ask Duo: nobody else does, as far as can be known. Without a store, or when it is late, all are granted."""

    __slots__ = ("held",)

    def __init__(self, held: Held) -> None:
        self.held = held


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Joined(Value):
    """Another host asks Duo, or has pushed: do not."""

    __slots__ = ("host",)

    def __init__(self, host: str) -> None:
        self.host = host


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class TakenOver(Value):
    """The host that had pushed has gone: ask Duo what became of the push.

    Attributes:
        txid: Duo's name of the push, never empty.
        factor: what had been asked of Duo, in its words.
        age_s: how long ago it was pushed.
    """

    __slots__ = ("age_s", "factor", "held", "host", "txid")

    def __init__(self, held: Held, host: str, txid: str, factor: str, age_s: float) -> None:
        self.held = held
        self.host = host
        self.txid = txid
        self.factor = factor
        self.age_s = age_s


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Decided(Value):
    """The other host has its verdict."""

    __slots__ = ("host", "verdict")

    def __init__(self, host: str, verdict: bytes) -> None:
        self.host = host
        self.verdict = verdict


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Released(Value):
    """The other host has given the login up without asking Duo, or it is gone and Duo may be asked again: claim it."""

    __slots__ = ("host",)

    def __init__(self, host: str) -> None:
        self.host = host


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Lost(Value):
    """Somebody may have been pushed, and nobody can be asked about it any more."""

    __slots__ = ("host",)

    def __init__(self, host: str) -> None:
        self.host = host


@final
@mypyc_attr(acyclic=True)
class Unused(Value):
    """No other login has used it, as far as can be known.

    Attributes:
        kept: what another host keeps for it, as that host's engine packed it; empty for nothing.
        again_s: as that of `Claim`.
    """

    __slots__ = ("again_s", "kept")

    def __init__(self, kept: bytes = b"", again_s: float = 0.0) -> None:
        self.kept = kept
        self.again_s = again_s

    def __repr__(self) -> str:
        """Hide what is kept."""
        return f"<Unused kept={len(self.kept)} octets again_s={self.again_s:g}>"


@final
@mypyc_attr(acyclic=True)
class UsedBefore(Value):
    """Another login has used it, or this one has, and has ended."""

    __slots__ = ("host",)

    def __init__(self, host: str) -> None:
        self.host = host


Question = Claim | Join | UseState
Answer = Granted | Joined | TakenOver | Decided | Released | Lost | Unused | UsedBefore
