"""What the engine has decided and others perform: what to send, to ask, to write down and to tell."""

from typing import final

from mypy_extensions import mypyc_attr

from gateway.engine.asking import Question
from gateway.engine.discard_notices import (
    ChoosePap,
    Notice,
    RefusalsLeftOut,
    UnsignedNas,
)
from gateway.engine.duplicates import SentReply
from gateway.engine.peer import Peer
from gateway.engine.pending import PendingLogin
from gateway.engine.primary import Told
from gateway.engine.verdict import Verdict
from gateway.radius.attributes import AttributeKind
from gateway.values import Value


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class SendReply(Value):
    """Send these octets back the way the request came."""

    __slots__ = ("octets", "peer")

    def __init__(self, octets: bytes, peer: Peer) -> None:
        self.octets = octets
        self.peer = peer


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class PutQuestion(Value):
    """Ask `to` this on behalf of a login, not before the instant `at` (0: now).

    The answer is for `Engine.answered`; that there is none, for `Engine.unavailable`.
    """

    __slots__ = ("at", "pending", "question", "to")

    def __init__(self, pending: PendingLogin, to: str, question: Question, at: float) -> None:
        self.pending = pending
        self.to = to
        self.question = question
        self.at = at


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class PassOn(Value):
    """Give this datagram to the worker that reads this bucket: the user's other packets come to it."""

    __slots__ = ("bucket", "datagram", "peer")

    def __init__(self, datagram: bytes, peer: Peer, bucket: int) -> None:
        self.datagram = datagram
        self.peer = peer
        self.bucket = bucket


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class StopAsking(Value):
    """Nobody waits for the answer to this login's question any more."""

    __slots__ = ("pending",)

    def __init__(self, pending: PendingLogin) -> None:
        self.pending = pending


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class KeepLogin(Value):
    """Write this login into the journal before anything else is done."""

    __slots__ = ("pending",)

    def __init__(self, pending: PendingLogin) -> None:
        self.pending = pending


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class ForgetLogin(Value):
    """Take this login out of the journal; `verdict` is None for one that ended without."""

    __slots__ = ("pending", "verdict")

    def __init__(self, pending: PendingLogin, verdict: Verdict | None) -> None:
        self.pending = pending
        self.verdict = verdict


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class ShareLogin(Value):
    """Let the fleet know how far this login is, which this host has."""

    __slots__ = ("pending",)

    def __init__(self, pending: PendingLogin) -> None:
        self.pending = pending


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class ShareEnd(Value):
    """Let the fleet know that this host has the login no more.

    Attributes:
        verdict: for who has joined it at other hosts; None if that is for each of them to find out.
        is_asked: whether Duo may have asked somebody.
        packets: digests of those that get the verdict here.
    """

    __slots__ = ("is_asked", "packets", "pending", "verdict")

    def __init__(self, pending: PendingLogin, verdict: Verdict | None, is_asked: bool, packets: list[bytes]) -> None:
        self.packets = packets
        self.pending = pending
        self.verdict = verdict
        self.is_asked = is_asked


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class KeepReply(Value):
    """Write this reply into the journal before it is sent."""

    __slots__ = ("peer", "sent")

    def __init__(self, sent: SentReply, peer: Peer) -> None:
        self.sent = sent
        self.peer = peer


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Finished(Value):
    """A login has ended: worth a line. `user_name` is empty when the request had none that can be shown.

    `duo_s` is how much of `duration_s` Duo and the first factor took. `first_factor` is what is told of the latter;
    None where it has said nothing, or there is none.
    `other_host` is what was done with which host of the fleet, as the line says it: `joined`, its verdict was taken;
    `took_over`, Duo was asked about its push.
    """

    __slots__ = (
        "duo_s",
        "duration_s",
        "factor",
        "first_factor",
        "identifier",
        "n_packets",
        "other_host",
        "peer",
        "section",
        "user_name",
        "verdict",
    )

    def __init__(
        self,
        peer: Peer,
        identifier: int,
        user_name: str,
        section: str,
        verdict: Verdict,
        factor: str,
        duration_s: float,
        n_packets: int,
        duo_s: float = 0.0,
        other_host: tuple[str, str] | None = None,
        first_factor: Told | None = None,
    ) -> None:
        self.peer = peer
        self.identifier = identifier
        self.user_name = user_name
        self.section = section
        self.verdict = verdict
        self.factor = factor
        self.duration_s = duration_s
        self.n_packets = n_packets
        self.duo_s = duo_s
        self.other_host = other_host
        self.first_factor = first_factor


@final
@mypyc_attr(acyclic=True)
class LeftOut(Value):
    """Attributes of a home server's accept that a section passes on did not go on: they are hidden in a way that nobody
    here knows, or may hide others so. Told once for each kind.
    """

    __slots__ = ("host", "kinds", "section")

    def __init__(self, section: str, host: str, kinds: tuple[AttributeKind, ...]) -> None:
        self.section = section
        self.host = host
        self.kinds = kinds


Effect = (
    SendReply
    | PassOn
    | PutQuestion
    | StopAsking
    | KeepLogin
    | ForgetLogin
    | ShareLogin
    | ShareEnd
    | KeepReply
    | Finished
    | Notice
    | UnsignedNas
    | ChoosePap
    | RefusalsLeftOut
    | LeftOut
)


@final
class Outbox:
    """What is decided and not performed yet, in order: every part of the engine adds to it."""

    __slots__ = ("_effects",)

    def __init__(self) -> None:
        self._effects: list[Effect] = []

    def add(self, effect: Effect) -> None:
        """Have this performed after what is here."""
        self._effects.append(effect)

    def take(self) -> list[Effect]:
        """Return all of it, and be empty."""
        effects, self._effects = self._effects, []
        return effects
