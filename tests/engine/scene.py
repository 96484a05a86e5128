"""A small stage for the engine: one NAS, a clock that is handed on, and effects to look at."""

from typing import Any

from gateway.duoapi.calls import AuthAnswer, PreauthAnswer
from gateway.engine.asking import Answer
from gateway.engine.digests import Digests
from gateway.engine.effects import Effect, Finished, PutQuestion, SendReply
from gateway.engine.engine import Engine
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.modes.duo_only import DuoOnly
from gateway.engine.modes.mode import Mode
from gateway.engine.nas import Nas, NasTable, Section
from gateway.engine.peer import Peer
from gateway.engine.rules import RequireMessageAuthenticator, SectionRules
from gateway.engine.sharing import FleetNames
from gateway.radius.client import encode_access_request
from gateway.radius.dictionary import REPLY_MESSAGE
from gateway.radius.discards import DiscardReason
from gateway.radius.packet import Packet, decode_packet
from gateway.radius.shared_secret import SharedSecret
from gateway.statistics.counters import SectionCounters
from gateway.statistics.layout import (
    BoardPlan,
    Measure,
    row_layout,
)
from gateway.unavailable import Unavailable

SECRET = SharedSecret(b"a shared secret")
RA = bytes(range(16))
SOURCE = "192.0.2.10"
GO_ON = PreauthAnswer("auth", "Account is active")
ALLOWED = AuthAnswer("allow", "allow", "Success. Logging you in...")
DENIED = AuthAnswer("deny", "deny", "Incorrect passcode. Please try again.")
PUSHED = AuthAnswer("", txid="tx-1")
YES, NO, AUTO = RequireMessageAuthenticator
REQUIRED = {True: YES, False: NO, None: AUTO}
"""By the words of vectors."""


def duo_only(*, fail_open: bool = True, fleet: str = "", **attributes: Any) -> DuoOnly:
    """The mode of a section whose application is `app`; other keyword arguments are its attributes."""
    mode = DuoOnly(LoginPolicy("app", fail_open, fleet), SectionRules())
    for attribute, value in {"client_address": None, **attributes}.items():
        setattr(mode, attribute, value)
    return mode


def section_of(name: str = "radius_server_duo_only", mode: Mode | None = None, **attributes: Any) -> Section:
    """A section that neither delays nor limits; keyword arguments are rules, or attributes of the section itself."""
    given = {"reject_delay_s": 0.0, "max_pending_per_user": 0, **attributes}
    rules = {key: given.pop(key) for key in SectionRules.__struct_fields__ if key in given}
    section = Section(name, mode or duo_only(), SectionRules(**rules))
    for attribute, value in given.items():
        setattr(section, attribute, value)
    return section


class Stage:
    """An engine with one section; keyword arguments are those of `section_of`, or of its mode."""

    def __init__(
        self, *, max_pending: int = 100, policy: dict[str, Any] | None = None, mode: Mode | None = None, **section: Any
    ) -> None:
        layout = row_layout(BoardPlan(1, ("",), ()))
        self._cells = [0] * layout.n_cells
        self._discards = {reason: layout.counters[Measure.DISCARDS, "", reason] for reason in DiscardReason}
        section.setdefault("counters", SectionCounters(self._cells, layout, ""))
        reading = {name: section.pop(name) for name in ("pw_codec", "client_address") if name in section}
        self.section = section_of(mode=mode or duo_only(**reading, **policy or {}), **section)
        self.nas = Nas("radius_ip_1", self.section, SECRET)
        self.engine = Engine(
            [NasTable([("192.0.2.0/24", self.nas)])],
            Digests(bytes(32)),
            max_pending=max_pending,
            duplicate_window_s=30.0,
            max_replies=1000,
            names=FleetNames(bytes(32), "ours:"),
        )
        self.effects: list[Effect] = []

    def receive(self, datagram: bytes, *, now: float = 0.0, host: str = SOURCE, port: int = 40001) -> list[Effect]:
        """Deliver a datagram."""
        self.effects = self.engine.datagram_received(datagram, Peer((host, port), 0), now)
        return self.effects

    def login(
        self, user: str = "alice", password: str = "123456", *, identifier: int = 7, now: float = 0.0, port: int = 40001
    ) -> list[Effect]:
        """Deliver an Access-Request whose authenticator follows from its content."""
        authenticator = f"{user}{password}{identifier}{port}".encode().ljust(16, b"x")[:16]
        request = encode_access_request(identifier, authenticator, SECRET, user.encode(), password.encode())
        return self.receive(request, now=now, port=port)

    def answer(self, answer: Answer | Unavailable, *, now: float = 0.0) -> list[Effect]:
        """Answer the question that was asked last."""
        pending = self.asked[-1].pending
        if isinstance(answer, Unavailable):
            self.effects = self.engine.unavailable(pending, answer, now)
        else:
            self.effects = self.engine.answered(pending, answer, now)
        return self.effects

    def hand_over(self) -> list[Effect]:
        """Let all be kept; the last question stays the last."""
        return self.engine.hand_over()

    @property
    def discards(self) -> dict[DiscardReason, int]:
        """How many datagrams met silence, by reason; not where a test counts for itself."""
        return {reason: self._cells[cell] for reason, cell in self._discards.items() if self._cells[cell]}

    @property
    def asked(self) -> list[PutQuestion]:
        """Questions among the last effects."""
        return [effect for effect in self.effects if isinstance(effect, PutQuestion)]

    @property
    def replies(self) -> list[Packet]:
        """Replies among the last effects."""
        return [decode_packet(effect.octets) for effect in self.effects if isinstance(effect, SendReply)]

    @property
    def finished(self) -> Finished:
        """The one finished login among the last effects."""
        (finished,) = [effect for effect in self.effects if isinstance(effect, Finished)]
        return finished

    @property
    def reason(self) -> str:
        """Why that login ended."""
        return self.finished.verdict.reason.value


def message(packet: Packet) -> str:
    """The Reply-Message of a reply."""
    return b"".join(packet.values(REPLY_MESSAGE)).decode()


def accepted_request(**fields: Any) -> bytes:
    """Return a whole request of alice; keyword arguments are those of `encode_access_request`."""
    return encode_access_request(
        **{
            "identifier": 1,
            "request_authenticator": RA,
            "shared_secret": SECRET,
            "user_name": b"alice",
            "password": b"123456",
            **fields,
        }
    )
