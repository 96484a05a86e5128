"""Any datagram at all, from a client that is known.

The engine may discard, reject, ask Duo or answer again, but never raise; a datagram has one reply at most, which is
signed. Every second input is signed by the harness, so that what lies behind the signature is reached.
"""

from pathlib import Path

from gateway.duoapi.calls import AuthAnswer, PreauthAnswer
from gateway.engine.digests import Digests
from gateway.engine.effects import Effect, Finished, PutQuestion, SendReply
from gateway.engine.engine import Engine
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.modes.duo_only import DuoOnly
from gateway.engine.nas import Nas, NasTable, Section
from gateway.engine.peer import Peer
from gateway.engine.rules import (
    AttributeSettings,
    RequireMessageAuthenticator,
    SectionRules,
    UnrecognisedFactor,
)
from gateway.radius.attributes import is_framed
from gateway.radius.dictionary import MAX_PACKET_SIZE, MESSAGE_AUTHENTICATOR
from gateway.radius.packet import decode_packet
from gateway.radius.shared_secret import SharedSecret
from tests.fuzz.driver import Harness, Program
from tests.fuzz.parts import Seed, of_attributes, of_packet, seed

CORPUS = Path(__file__).parent / "corpus"
SECRET = SharedSecret(b"fuzz")
PEER = Peer(("192.0.2.10", 40001), 0)
RULES = SectionRules(
    unrecognised_factor=UnrecognisedFactor.AUTO,
    client_ip_attr=AttributeSettings(name="", vendor=25461, kind=7, data_type="string"),
    require_message_authenticator=RequireMessageAuthenticator.NO,
    limit_proxy_state=False,
    response_deadline_s=20.0,
)
SECTION = Section("radius_server_duo_only", DuoOnly(LoginPolicy("app"), RULES), RULES)
NAS = Nas("radius_ip_1", SECTION, SECRET)
CODES = (2, 3)
MAX_PENDING, MAX_REPLIES = 50, 100


def seeds() -> list[Seed]:
    """The vectors, as they are and to be signed; with attributes that are read."""
    found = []
    for file in sorted(CORPUS.iterdir()):
        octets = file.read_bytes()
        found.append(seed(b"\0", of_packet(octets)))
        if is_framed(octets[20:]):
            attributes = [each for each in of_attributes(octets[20:]).parts if each.octets[0] != MESSAGE_AUTHENTICATOR]
            found += [seed(b"\1", *attributes)] * 2
    read = b"\x01\x07alice" + b"\x1a\x10\0\0\x63\x75\x07\x0a10.0.0.1" + b"\x1f\x0a10.0.0.2" + b"\x08\x06\x0a\0\0\1"
    return [*found, *[seed(b"\1", of_attributes(read + b"\x02\x12" + bytes(16)))] * 5]


class World(Harness):
    """An engine that lives through many inputs, and whose Duo says yes to all."""

    def __init__(self) -> None:
        self.now = 0.0
        tables = [NasTable([("192.0.2.0/24", NAS)])]
        self.engine = Engine(
            tables, Digests(bytes(32)), max_pending=MAX_PENDING, duplicate_window_s=30.0, max_replies=MAX_REPLIES
        )
        self.n_signed = 0
        self.replies: list[bytes] = []
        self.reason = ""

    def one_input(self, data: bytes) -> str:
        """Deliver one input, and let time go on."""
        self.now += 0.1
        self.replies.clear()
        self.reason = "silence"
        self.perform(self.engine.timer(self.now))
        n_late = len(self.replies)
        datagram = self.signed(data[1:4000]) if data[0] & 1 else data[1:]
        self.perform(self.engine.datagram_received(datagram, PEER, self.now))
        assert len(self.replies) <= n_late + 1
        assert self.engine.n_pending <= MAX_PENDING
        return self.reason

    def signed(self, attributes: bytes) -> bytes:
        """Make an Access-Request or Status-Server of these attributes, with a right Message-Authenticator in front."""
        self.n_signed += 1
        code = 12 if len(attributes) % 16 == 15 else 1
        head = bytes((code, self.n_signed & 0xFF)) + (38 + len(attributes)).to_bytes(2, "big")
        head += self.n_signed.to_bytes(16, "big")
        signature = SECRET.message_authenticator(head + b"\x50\x12" + bytes(16) + attributes)
        return head + b"\x50\x12" + signature + attributes

    def perform(self, effects: list[Effect]) -> None:
        """Answer what is asked."""
        for effect in effects:
            if isinstance(effect, PutQuestion):
                is_preauth = type(effect.question).__name__ == "Preauth"
                answer = PreauthAnswer("auth") if is_preauth else AuthAnswer("allow", "allow", "Success")
                self.perform(self.engine.answered(effect.pending, answer, self.now))
            elif isinstance(effect, SendReply):
                self.replies.append(effect.octets)
                self.reason = f"code {effect.octets[0]}"
                reply = decode_packet(effect.octets)
                assert reply.code in CODES
                assert len(reply.octets) == len(effect.octets) <= MAX_PACKET_SIZE
                assert len(reply.signature) == 16
            elif isinstance(effect, Finished):
                self.reason = effect.verdict.reason.value


PROGRAM = Program(
    seeds(),
    World,
    ("gateway.radius.packet",),
    frozenset({"Packet.offset", "Packet.__repr__", "Packet.attributes", "FullPacket._beyond", "decode_reply"}),
)
