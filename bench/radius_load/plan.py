"""What load to make, as values: phases, a mix of logins, how a NAS asks again. Each has a text form, for .ini files.

phases = 500x10 500-4000x60          RATE[-RATE]xSECONDS, one after the other
mix = passcode=0.8 push=0.2          shares, which sum up to 1
retransmission = rfc5080             or none, aws, or `first_s=5 max_s=5 tries=3`; both: `aws tries=2`
"""

import ipaddress
import math
from collections.abc import Mapping
from typing import Any, Self, TypeVar

import msgspec

from gateway.radius.dictionary import Code

WARM_UP_S = 1.0  # of each rate in the search for a limit
NEVER = {
    "invalid": ("reply could not be verified", "replies could not be verified"),
    "unsigned": ("reply had no Message-Authenticator", "replies had no Message-Authenticator"),
    "double_answers": ("request got two different answers", "requests got two different answers"),
}  # counts of what no server may do, and how a report speaks of one and of more


class LoadError(Exception):
    """The load could not be made; the text says why."""


class Phase(msgspec.Struct, frozen=True):
    """So many seconds at a rate in logins per second, which changes evenly from the first to the last instant."""

    duration_s: float
    from_rate: float
    to_rate: float

    def __post_init__(self) -> None:
        if not (0 < self.duration_s < math.inf and 0 <= self.from_rate < math.inf and 0 <= self.to_rate < math.inf):
            raise ValueError(f"a phase lasts some seconds and its rates are not negative: {self}")

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return `2000x30`, or `500-4000x60`.

        Raises:
            ValueError: it is something else.
        """
        rates, times, duration = text.partition("x")
        first, _, last = rates.partition("-")
        try:
            if not times:
                raise ValueError
            return cls(float(duration), float(first), float(last or first))
        except ValueError:
            raise ValueError(f"{text!r} is no phase; write RATExSECONDS or RATE-RATExSECONDS") from None


class Kind(msgspec.Struct, frozen=True):
    """A kind of login: who logs in, what is typed, and what the right answer is.

    Attributes:
        prefix: of the user's name; six digits follow.
        typed: the User-Password.
    """

    name: str
    prefix: bytes
    typed: bytes
    expected: Code

    def user_name(self, number: int) -> bytes:
        """Return the name of a user: `u000123`."""
        return b"%b%06d" % (self.prefix, number)


KINDS = (
    Kind("passcode", b"u", b"123456", Code.ACCESS_ACCEPT),
    Kind("wrong_passcode", b"u", b"654321", Code.ACCESS_REJECT),
    Kind("push", b"u", b"push", Code.ACCESS_ACCEPT),
    Kind("push_denied", b"n", b"push", Code.ACCESS_REJECT),
    Kind("push_unanswered", b"s", b"push", Code.ACCESS_REJECT),
)


class Mix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The share of each kind of login, 0 to 1, in sum 1; the fields are named for `KINDS` and stand in that order."""

    passcode: float = 0.0
    wrong_passcode: float = 0.0
    push: float = 0.0
    push_denied: float = 0.0
    push_unanswered: float = 0.0

    def __post_init__(self) -> None:
        if min(self.shares) < 0 or not math.isclose(sum(self.shares), 1.0, abs_tol=1e-6):
            raise ValueError(f"the shares of a mix are not negative and sum up to 1: {self}")

    @property
    def shares(self) -> tuple[float, ...]:
        """The shares in the order of `KINDS`."""
        return msgspec.structs.astuple(self)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return `passcode=0.8 push=0.2`.

        Raises:
            ValueError: it is something else.
        """
        return _convert(_pairs(text), cls)


class Retransmission(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a NAS asks again: RFC 5080 section 2.2.1, then the next server.

    Attributes:
        first_s: from the first transmission to the next (IRT). With one try: how long the NAS waits at all.
        max_s: the longest wait (MRT); each is twice the one before, up to this.
        tries: transmissions of one packet (MRC).
        duration_s: the NAS waits no longer than this from the first transmission (MRD); None = no such bound.
        jitter: the share by which each wait varies (RAND).
        servers: how many targets a login is sent to, one after the other, each time as a new packet.
        controllers: how many NAS ask for the same login at about the same moment.
    """

    first_s: float = 30.0
    max_s: float = 30.0
    tries: int = 1
    duration_s: float | None = None
    jitter: float = 0.0
    servers: int = 1
    controllers: int = 1

    def __post_init__(self) -> None:
        bound_s = math.inf if self.duration_s is None else self.duration_s
        if not (0 < self.first_s <= self.max_s < math.inf and self.tries > 0 and bound_s > 0 and 0 <= self.jitter < 1):
            raise ValueError(f"not how anybody asks again: {self}")
        if self.servers < 1 or self.controllers < 1:
            raise ValueError(f"there is at least one server and one controller: {self}")

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return `none`, `rfc5080`, `aws`, and any fields as `tries=3`, in their place or behind.

        Raises:
            ValueError: it is something else.
        """
        name, _, rest = text.strip().partition(" ")
        if "=" in name:
            name, rest = "none", text
        if name not in PRESETS:
            raise ValueError(f"{name!r} is no way to ask again; write {', '.join(PRESETS)} or first_s=… tries=…")
        return _convert({**msgspec.to_builtins(PRESETS[name]), **_pairs(rest)}, cls)


NONE = Retransmission()
RFC5080 = Retransmission(first_s=2.0, max_s=16.0, tries=5, duration_s=30.0, jitter=0.1)
AWS = Retransmission(first_s=20.0, max_s=20.0, tries=3, servers=2, controllers=2)  # as AWS and Duo advise
PRESETS: dict[str, Any] = {"none": NONE, "rfc5080": RFC5080, "aws": AWS}


class LoadPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a load run is made of.

    Attributes:
        targets: address and port of the servers; a login goes to the first, then to as many others as `retransmission`
            says.
        shared_secret: of all NAS.
        n_users: numbered from 0; a user whose login is under way is not drawn.
        zipf: exponent by which the first users log in more often; None = all alike.
        n_nas: source addresses and ports, in all processes together; each has 256 Identifiers.
        source_network: where the NAS have their addresses, one after the other, in turn.
        password: typed in front of the factor, with a comma between; empty where none is asked for.
        answers_challenge: the password is typed alone, and the factor when an Access-Challenge asks for it.
        n_processes: that send, side by side.
        cores: the processes are put on these in turn; none = wherever the kernel likes.
        drain_s: how long answers are awaited after the last login.
    """

    targets: tuple[tuple[str, int], ...]
    shared_secret: str
    phases: tuple[Phase, ...]
    mix: Mix = Mix(passcode=1.0)
    n_users: int = 100_000
    zipf: float | None = None
    n_nas: int = 64
    source_network: str = "127.0.0.1/32"
    password: str = ""
    answers_challenge: bool = False
    retransmission: Retransmission = NONE
    n_processes: int = 1
    seed: int = 0
    cores: tuple[int, ...] = ()
    drain_s: float = 5.0

    def __post_init__(self) -> None:
        if len(self.targets) < self.retransmission.servers:
            raise ValueError(f"{self.retransmission.servers} servers are asked, {len(self.targets)} targets given")
        if not self.shared_secret:
            raise ValueError("the shared secret is empty")
        if not self.phases:
            raise ValueError("there is no phase")
        if self.answers_challenge and not self.password:
            raise ValueError("a challenge comes after a password: write password = …")
        if not 1 <= self.n_users <= 1_000_000:
            raise ValueError("n_users is 1 to 1000000: names have six digits")
        if self.zipf is not None and self.zipf <= 0:
            raise ValueError("zipf is above 0")
        if self.n_processes < 1 or self.n_nas < self.n_processes * self.retransmission.controllers:
            raise ValueError("each process needs a NAS, and one for each controller")
        if self.drain_s < 0:
            raise ValueError("drain_s is not negative")
        ipaddress.IPv4Network(self.source_network)

    def __repr__(self) -> str:
        """Hide the secret."""
        return f"LoadPlan({self.described()})"

    def described(self) -> dict[str, Any]:
        """Return all but the secret, for reports, as JSON knows it."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        del fields["shared_secret"]
        return fields

    def typed_first(self, kind: Kind) -> bytes:
        """Return what is typed in the first request of a login."""
        if self.answers_challenge:
            return self.password.encode()
        return self.password.encode() + b"," + kind.typed if self.password else kind.typed

    @property
    def duration_s(self) -> float:
        """From the first login to the end of the last phase."""
        return sum(phase.duration_s for phase in self.phases)

    @classmethod
    def from_texts(cls, texts: Mapping[str, str], **given: Any) -> Self:
        """Return the plan of a section of an .ini file, completed by what is `given` as values.

        Lists are separated by blanks: `cores = 0 1`, `targets = 127.0.0.1:1812 127.0.0.2:1812`.

        Raises:
            ValueError: a field is unknown, missing or out of range.
        """
        fields: dict[str, Any] = {name: _FORMS.get(name, str)(text) for name, text in texts.items()}
        return _convert(fields | given, cls)


def target_from_text(text: str) -> tuple[str, int]:
    """Return the address and port of `127.0.0.1:1812`.

    Raises:
        ValueError: it is something else.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is no target; write ADDRESS:PORT")
    return host, int(port)


def phases_from_text(text: str) -> tuple[Phase, ...]:
    """Return the phases of `500x10 500-4000x60`."""
    return tuple(Phase.from_text(word) for word in text.split())


_FORMS: dict[str, Any] = {
    "targets": lambda text: tuple(target_from_text(word) for word in text.split()),
    "phases": phases_from_text,
    "mix": Mix.from_text,
    "retransmission": Retransmission.from_text,
    "cores": str.split,
}


def _pairs(text: str) -> dict[str, float]:
    """Return `name=1 name=.5`, split."""
    try:
        pairs = [word.split("=") for word in text.split()]
        return {name: float(value) for name, value in pairs}
    except ValueError:
        raise ValueError(f"{text!r}: write NAME=NUMBER, separated by blanks") from None


_T = TypeVar("_T")


def _convert(fields: dict[str, Any], kind: type[_T]) -> _T:
    try:
        return msgspec.convert(fields, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
