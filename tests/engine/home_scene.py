"""A stage whose section has a first factor: a home server answers as a test says, and the NAS takes challenges."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final

from gateway.duoapi.calls import Device, PreauthAnswer
from gateway.engine.challenges.challenger import Challenger
from gateway.engine.challenges.memory import ChallengeMemory, UnixClock
from gateway.engine.challenges.tokens import NAME_SIZE, Tokens
from gateway.engine.effects import Effect
from gateway.engine.first_factor import REJECTED, Accepted, Challenged, CheckFirstFactor, Refused
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.modes.auto import Auto
from gateway.engine.modes.parts import FirstFactor, Parts
from gateway.engine.modes.with_first_factor import WithFirstFactor
from gateway.engine.rules import ModeRules, SectionRules
from gateway.radius.attributes import AttributeKind, encode
from gateway.radius.client import encode_access_request, encode_attribute, sign_request
from gateway.radius.dictionary import EAP_MESSAGE, REPLY_MESSAGE, STATE, USER_NAME, Code
from gateway.radius.hidden import Hop
from gateway.radius.packet import Packet
from gateway.radius.passing import Passing
from gateway.radius.shared_secret import SharedSecret
from gateway.unavailable import Trouble, Unavailable
from tests.engine.scene import SECRET, Stage

HOME, HOST = "radius_client", "10.0.0.1:1812"
HOME_SECRET, HOME_RA = SharedSecret(b"the home server's secret"), bytes(range(50, 66))
PASSWORD: Final = "Tr0ub4dor&3"
GREETING: Final = encode_attribute(REPLY_MESSAGE, b"Hello")
CLASS: Final = encode_attribute(25, b"staff")
SILENT = Unavailable(Trouble.TIMEOUT, "10.0.0.1:1812 did not answer")
DUO_AWAY = Unavailable(Trouble.OUTAGE, "known")
PHONE = Device("DP1", frozenset({"auto", "push", "phone", "sms"}), "XXX-XXX-1234")
TABLET = Device("DP2", frozenset({"auto", "push"}), "iPad")
GO_ON = PreauthAnswer("auth", "Account is active", (PHONE, TABLET))
MS_CHAP = encode(AttributeKind(311, 11), bytes(range(16))) + encode(AttributeKind(311, 25), b"\x07" + bytes(49))
CHAP = encode_attribute(3, b"\x05" + bytes(range(16))) + encode_attribute(60, bytes(16))
EAP_IDENTIFIER: Final = 42


def eap(code: int, identifier: int = EAP_IDENTIFIER, rest: bytes = b"") -> bytes:
    """An EAP-Message."""
    return encode_attribute(EAP_MESSAGE, bytes((code, identifier, 0, 4 + len(rest))) + rest)


EAP: Final = eap(2, rest=b"\x01alice")


def mode_of(
    make: Callable[[LoginPolicy, SectionRules, Parts], WithFirstFactor] = Auto,
    *,
    home: str = HOME,
    secrets: Mapping[str, SharedSecret] | None = None,
    fail_open: bool = True,
    fleet: str = "",
    to_nas: Passing = Passing(everything=True),  # noqa: B008 -- a tuple
    client: str = HOME,
    memory: ChallengeMemory | None = None,
    draw: Callable[[int], bytes] | None = None,
    rules: Mapping[str, Any] | None = None,
    is_directory: bool = False,
    home_codec: str = "",
    **modes: Any,
) -> WithFirstFactor:
    """The mode of a section with a home server, or with none for `home=""`; others are its section's own keys."""
    numbers = count(1)
    draw = draw or (lambda size: next(numbers).to_bytes(size, "big"))
    memory = memory or ChallengeMemory(UnixClock(1_700_000_000.0))
    assert draw(NAME_SIZE)
    challenger = Challenger(Tokens([bytes(32)], "section", client), memory, 300, draw)
    secrets = ({} if is_directory else {HOST: HOME_SECRET}) if secrets is None else secrets
    relays = bool(home) and not is_directory
    first_factor = FirstFactor(home, Passing(), relays, secrets, is_directory, "utf-8" if is_directory else home_codec)
    given = SectionRules(modes=ModeRules(**modes), **{"reject_delay_s": 0.0, **(rules or {})})
    return make(LoginPolicy("app", fail_open, fleet), given, Parts(first_factor, to_nas, challenger, bytes(range(32))))


class HomeStage(Stage):
    """An engine with one such section; keyword arguments are those of `mode_of`, and `section` of `section_of`."""

    def __init__(self, make: Any = Auto, *, section: dict[str, Any] | None = None, **mode: Any) -> None:
        super().__init__(mode=mode_of(make, **mode), **section or {})
        self._n_packets = 0

    def ask(
        self, password: str = PASSWORD, state: bytes = b"", *, user: str = "alice", extra: bytes = b"", **peer: Any
    ) -> list[Effect]:
        """Deliver an Access-Request with a password, as a new packet."""
        self._n_packets += 1
        return self.receive(self.request(password, state, user=user, extra=extra), **peer)

    def request(self, password: str, state: bytes = b"", *, user: str = "alice", extra: bytes = b"") -> bytes:
        """A request whose authenticator and Identifier no other has."""
        attributes = extra + (encode_attribute(STATE, state) if state else b"")
        authenticator = self._n_packets.to_bytes(16, "big")
        identifier = self._n_packets & 0xFF
        return encode_access_request(identifier, authenticator, SECRET, user.encode(), password.encode(), attributes)

    def relay(self, credentials: bytes, state: bytes = b"", *, user: str = "alice", **peer: Any) -> list[Effect]:
        """Deliver an Access-Request with other credentials than a password."""
        self._n_packets += 1
        attributes = encode_attribute(USER_NAME, user.encode()) + credentials
        attributes += encode_attribute(STATE, state) if state else b""
        authenticator = self._n_packets.to_bytes(16, "big")
        return self.receive(
            sign_request(Code.ACCESS_REQUEST, self._n_packets & 0xFF, authenticator, SECRET, attributes), **peer
        )

    def accept(self, attributes: bytes = GREETING + CLASS, *, now: float = 0.0) -> list[Effect]:
        """Let the home server accept the user."""
        return self.answer(Accepted(attributes, HOST, Hop(HOME_SECRET, HOME_RA)), now=now)

    def refuse(self, attributes: bytes = b"", text: str = "", *, now: float = 0.0) -> list[Effect]:
        """Let it refuse the user."""
        return self.answer(Refused(REJECTED, text, attributes, HOST), now=now)

    def challenge(self, state: bytes = b"theirs", attributes: bytes = b"", *, now: float = 0.0) -> list[Effect]:
        """Let it ask for more."""
        return self.answer(Challenged(state, HOST, attributes), now=now)

    def outage(self) -> None:
        """Let Duo be away."""
        self.effects = self.engine.outage("app", DUO_AWAY, 0.0)

    @property
    def to(self) -> list[str]:
        """Who was asked last."""
        return [each.to for each in self.asked]

    @property
    def checked(self) -> CheckFirstFactor:
        """What the home server was asked last."""
        (question,) = [each.question for each in self.asked]
        assert isinstance(question, CheckFirstFactor)
        return question

    @property
    def reply(self) -> Packet:
        """The one reply among the last effects."""
        (reply,) = self.replies
        return reply

    @property
    def state(self) -> bytes:
        """The State of that reply, a challenge."""
        assert self.reply.code == Code.ACCESS_CHALLENGE
        return self.reply.value(STATE) or b""
