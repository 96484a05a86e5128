"""A client that changes its shared secret: which of its two a packet was sent with, and what answers it."""

import pytest

from gateway.engine.digests import Digests
from gateway.engine.effects import Effect, PutQuestion, SendReply
from gateway.engine.engine import Engine
from gateway.engine.modes.auto import Auto
from gateway.engine.modes.challenge import Challenge
from gateway.engine.modes.concat import Concat
from gateway.engine.nas import Nas, NasTable
from gateway.engine.peer import Peer
from gateway.engine.records import of_next_secret
from gateway.engine.rotation import Rotation
from gateway.engine.rules import Accounting
from gateway.engine.transaction import Transaction
from gateway.radius.client import encode_access_request, verify_reply
from gateway.radius.dictionary import ACCESS_REQUEST, ACCOUNTING_REQUEST, PROXY_STATE, STATUS_SERVER, Code
from gateway.radius.discards import DiscardReason
from gateway.radius.packet import decode_packet
from gateway.radius.shared_secret import SharedSecret
from gateway.statistics.counters import SecretUses
from gateway.statistics.layout import N_NEXT, N_PRESENT, SECRET_USES_SIZE
from tests.engine.home_scene import CHAP, MS_CHAP, mode_of
from tests.engine.scene import ALLOWED, GO_ON, RA, SOURCE, YES, Stage, duo_only, section_of

PRESENT, NEXT, OTHER = (
    SharedSecret(b"the present secret"),
    SharedSecret(b"the next secret"),
    SharedSecret(b"another one"),
)
BOTH = pytest.mark.parametrize("secret", [PRESENT, NEXT], ids=["present", "next"])


class Changing(Stage):
    """An engine whose one client has two secrets."""

    def __init__(self, **attributes: object) -> None:
        super().__init__(**attributes)  # type: ignore[arg-type]
        self.nas = Nas("radius_ip_1", self.section, PRESENT)
        self.cells = [0] * SECRET_USES_SIZE
        self.rotation = Rotation(self.nas, NEXT, SecretUses(self.cells, 0))
        self.table = NasTable([("192.0.2.0/24", self.nas)])
        self.engine = Engine([self.table], Digests(bytes(32)), max_pending=100, duplicate_window_s=30.0, max_replies=99)

    def sender_of(self, datagram: bytes) -> SharedSecret:
        """The secret by which a packet goes."""
        return self.rotation.sender_of(decode_packet(datagram), SOURCE, 0.0).shared_secret

    @property
    def n_uses(self) -> tuple[int, int]:
        return self.cells[N_PRESENT], self.cells[N_NEXT]


def unsigned(
    secret: SharedSecret,
    password: bytes = b"123456",
    identifier: int = 7,
    more: bytes = b"",
    authenticator: bytes = RA,
) -> bytes:
    hidden = secret.hide_user_password(password, authenticator)
    return with_credentials(bytes((2, 2 + len(hidden))) + hidden + more, identifier, authenticator)


def with_credentials(credentials: bytes, identifier: int = 7, authenticator: bytes = RA) -> bytes:
    """An unsigned request."""
    attributes = b"\x01\x07alice" + credentials
    return bytes((1, identifier)) + (20 + len(attributes)).to_bytes(2, "big") + authenticator + attributes


def signed(code: int, secret: SharedSecret, attributes: bytes = b"", authenticator: bytes = RA) -> bytes:
    attributes = b"\x50\x12" + bytes(16) + attributes
    octets = bytes((code, 7)) + (20 + len(attributes)).to_bytes(2, "big") + authenticator + attributes
    return octets[:22] + secret.message_authenticator(octets) + octets[38:]


def request(secret: SharedSecret, password: bytes = b"123456", identifier: int = 7) -> bytes:
    return encode_access_request(identifier, RA, secret, b"alice", password)


def replies(effects: list[Effect]) -> list[bytes]:
    return [effect.octets for effect in effects if isinstance(effect, SendReply)]


def is_of(secret: SharedSecret, reply: bytes, authenticator: bytes = RA) -> Code:
    return Code(verify_reply(reply, authenticator, secret).code)


class TestSignedRequests:
    @BOTH
    def test_either_secret_verifies_and_answers(self, secret):
        stage = Changing(require_message_authenticator=YES)
        stage.receive(request(secret))
        assert stage.asked[0].pending.transactions[0].nas.shared_secret is secret
        stage.answer(GO_ON)
        (reply,) = replies(stage.answer(ALLOWED))
        assert is_of(secret, reply) == Code.ACCESS_ACCEPT
        assert stage.n_uses == ((1, 0) if secret is PRESENT else (0, 1))

    @BOTH
    def test_a_retransmission_gets_the_same_reply(self, secret):
        stage = Changing()
        stage.receive(request(secret))
        stage.answer(GO_ON)
        (reply,) = replies(stage.answer(ALLOWED))
        assert replies(stage.receive(request(secret))) == [reply]

    def test_another_secret_meets_silence_and_is_nobodys_use(self):
        stage = Changing()
        stage.receive(request(OTHER))
        assert stage.discards == {DiscardReason.MESSAGE_AUTHENTICATOR_WRONG: 1}
        assert stage.n_uses == (0, 0)

    def test_a_login_is_one_whichever_secret_its_packets_have(self):
        stage = Changing()
        stage.receive(request(PRESENT))
        stage.answer(GO_ON)
        asked = stage.asked
        assert not stage.receive(request(NEXT, identifier=8))
        by_identifier = {reply[1]: reply for reply in replies(stage.engine.answered(asked[-1].pending, ALLOWED, 0.0))}
        assert is_of(PRESENT, by_identifier[7]) == is_of(NEXT, by_identifier[8]) == Code.ACCESS_ACCEPT

    def test_a_password_that_is_hidden_with_the_other_secret_is_no_passcode(self):
        stage = Changing()
        attributes = b"\x01\x07alice\x02\x12" + NEXT.hide_user_password(b"123456", RA)
        stage.receive(signed(ACCESS_REQUEST, PRESENT, attributes))
        (reply,) = replies(stage.answer(GO_ON))
        assert is_of(PRESENT, reply) == Code.ACCESS_REJECT
        assert not [effect for effect in stage.effects if isinstance(effect, PutQuestion)]

    @BOTH
    def test_two_signatures_are_malformed(self, secret):
        stage = Changing()
        stage.receive(signed(ACCESS_REQUEST, secret, b"\x01\x07alice\x50\x12" + bytes(16)))
        assert stage.discards == {DiscardReason.MESSAGE_AUTHENTICATOR_MALFORMED: 1}
        assert stage.n_uses == (0, 0)


class TestUnsignedRequests:
    @BOTH
    def test_the_password_tells(self, secret):
        stage = Changing()
        stage.receive(unsigned(secret))
        stage.answer(GO_ON)
        assert stage.asked[-1].question.passcode == "123456"
        (reply,) = replies(stage.answer(ALLOWED))
        assert is_of(secret, reply) == Code.ACCESS_ACCEPT

    @BOTH
    def test_so_does_one_that_names_no_factor(self, secret):
        stage = Changing()
        stage.receive(unsigned(secret, b"a directory password"))
        (reply,) = replies(stage.answer(GO_ON))
        assert is_of(secret, reply) == Code.ACCESS_REJECT

    def test_what_neither_explains_meets_silence(self):
        stage = Changing()
        stage.receive(unsigned(OTHER))
        assert stage.discards == {DiscardReason.WRONG_SECRET: 1}
        assert stage.n_uses == (0, 0)

    @BOTH
    def test_what_neither_explains_is_of_the_secret_that_the_address_has_proven_last(self, secret):
        stage = Changing()
        stage.receive(unsigned(PRESENT))
        stage.receive(unsigned(secret, identifier=8))
        (reply,) = replies(stage.receive(unsigned(OTHER, identifier=9)))
        assert is_of(secret, reply) == Code.ACCESS_REJECT

    def test_a_factor_goes_before_a_text_that_may_be_chance(self):
        stage = Changing(policy={"automatic": True}, pw_codec="latin-1")
        authenticator = bytes.fromhex("000000000000000000000000005a17ee")  # found by trying
        hidden = NEXT.hide_user_password(b"push", authenticator)
        assert PRESENT.reveal_user_password(hidden, authenticator) == b"\xfd\xfaX\xed\xce&s\xfb\xf3\xd9\xbe39+"
        stage.receive(unsigned(NEXT, b"push", authenticator=authenticator))
        assert stage.asked[0].pending.transactions[0].nas is stage.rotation.next

    def test_a_strangers_octets_are_read_with_neither(self):
        stage = Changing(require_message_authenticator=YES)
        stage.receive(unsigned(NEXT))
        assert stage.discards == {DiscardReason.MESSAGE_AUTHENTICATOR_MISSING: 1}
        assert stage.n_uses == (0, 0)

    @BOTH
    def test_proxy_state_has_to_be_signed_once_either_secret_has_signed(self, secret):
        stage = Changing(limit_proxy_state=False)
        stage.receive(request(secret))
        stage.receive(unsigned(PRESENT, identifier=8, more=bytes((PROXY_STATE, 3, 1))))
        assert stage.discards == {DiscardReason.MESSAGE_AUTHENTICATOR_MISSING: 1}


class TestUnsignedRequestsWithAPasswordFirst:
    MODES = pytest.mark.parametrize("make", [Auto, Concat, Challenge])
    TYPED = pytest.mark.parametrize("typed", [b"Tr0ub4dor&3", b"Tr0ub4dor&3,push", b"16 octets no NUL"])
    OTHERS = pytest.mark.parametrize("credentials", [CHAP, MS_CHAP], ids=["chap", "ms_chap"])

    @BOTH
    @MODES
    @TYPED
    def test_the_password_tells(self, make, typed, secret):
        stage = Changing(mode=mode_of(make, home=""))
        stage.receive(unsigned(secret, typed))
        if stage.asked:
            assert stage.asked[0].pending.transactions[0].nas.shared_secret is secret
        else:
            assert (make, stage.reason) == (Concat, "factor_missing")
            assert is_of(secret, replies(stage.effects)[0]) == Code.ACCESS_REJECT
        assert stage.n_uses == ((1, 0) if secret is PRESENT else (0, 1))

    @BOTH
    def test_octets_that_are_no_text_tell_by_the_nuls_behind_them(self, secret):
        stage = Changing(mode=mode_of())
        stage.receive(unsigned(secret, b"pass\xff\xfe"))
        assert stage.asked[0].pending.transactions[0].nas.shared_secret is secret

    @MODES
    def test_what_neither_explains_meets_silence(self, make):
        stage = Changing(mode=mode_of(make))
        stage.receive(unsigned(OTHER, b"Tr0ub4dor&3,push"))
        assert stage.discards == {DiscardReason.WRONG_SECRET: 1}
        assert stage.n_uses == (0, 0)

    @BOTH
    def test_of_two_that_tell_alike_it_is_the_one_that_the_address_has_proven_last(self, secret):
        """Of 65,536 logins one is such a one."""
        stage = Changing(mode=mode_of())
        authenticator = bytes.fromhex("0000000000000000000000000001b595")  # found by trying
        hidden = NEXT.hide_user_password(b"Tr0ub4dor&3", authenticator)
        assert PRESENT.reveal_user_password(hidden, authenticator) == b"Z\x9c\xb1hVc\xef(\xf3m\x19`\xee\xb4"
        stage.receive(unsigned(secret, b"Tr0ub4dor&3"))
        assert stage.sender_of(unsigned(NEXT, b"Tr0ub4dor&3", authenticator=authenticator)) is secret

    @OTHERS
    def test_other_credentials_tell_nothing_and_are_of_the_secret_that_was_proven_last(self, credentials):
        stage = Changing(mode=mode_of())
        assert stage.sender_of(with_credentials(credentials)) is PRESENT
        stage.receive(signed(STATUS_SERVER, NEXT))
        assert stage.sender_of(with_credentials(credentials)) is NEXT
        assert stage.n_uses == (0, 1)

    @BOTH
    @MODES
    def test_a_probe_is_answered_with_the_secret_that_asked(self, make, secret):
        stage = Changing(mode=mode_of(make), probe_usernames=frozenset({"alice"}))
        (reply,) = replies(stage.receive(unsigned(secret, b"probe")))
        assert is_of(secret, reply) == Code.ACCESS_REJECT


@BOTH
def test_an_unsigned_password_that_is_no_text_is_refused_with_the_secret_that_it_proves(secret):
    stage = Changing()
    (reply,) = replies(stage.receive(unsigned(secret, b"\xff\xfe")))
    assert (is_of(secret, reply), stage.reason) == (Code.ACCESS_REJECT, "unreadable_password")


@BOTH
def test_status_server_is_answered_with_the_secret_that_asked(secret):
    stage = Changing()
    (reply,) = replies(stage.receive(signed(STATUS_SERVER, secret)))
    assert is_of(secret, reply) == Code.ACCESS_ACCEPT


@BOTH
def test_accounting_is_answered_with_the_secret_that_sent_it(secret):
    stage = Changing(accounting=Accounting.ACKNOWLEDGE)
    attributes = b"\x01\x07alice"
    head = bytes((ACCOUNTING_REQUEST, 7)) + (20 + len(attributes)).to_bytes(2, "big")
    authenticator = secret.response_authenticator(head + bytes(16) + attributes)
    (reply,) = replies(stage.receive(head + authenticator + attributes))
    assert reply[4:20] == secret.response_authenticator(reply[:4] + authenticator + reply[20:])


@BOTH
def test_a_probe_is_answered_with_the_secret_that_asked(secret):
    stage = Changing(probe_usernames=frozenset({"alice"}))
    (reply,) = replies(stage.receive(request(secret, b"x")))
    assert is_of(secret, reply) == Code.ACCESS_REJECT


@pytest.mark.parametrize("datagram", [b"\x01\x07\x00\x17" + RA + b"\x01\x07a", bytes((99, 7, 0, 20)) + RA])
def test_what_is_no_packet_or_no_request_is_the_clients(datagram):
    stage = Changing()
    stage.receive(datagram)
    (reason,) = stage.discards
    assert reason in (DiscardReason.ATTRIBUTE_LENGTH, DiscardReason.UNEXPECTED_CODE)


class TestTable:
    def test_the_most_specific_client_counts_whichever_has_two_secrets(self):
        section = section_of(mode=duo_only())
        around, within = Nas("radius_ip_1", section, PRESENT), Nas("radius_ip_2", section, OTHER)
        alone = Nas("radius_ip_3", section, OTHER)
        rotations = [Rotation(each, NEXT, SecretUses([0] * SECRET_USES_SIZE, 0)) for each in (around, within)]
        table = NasTable([("10.0.0.0/8", around), ("10.1.0.0/16", within), ("10.1.1.0/24", alone)])
        for source, rotation in (("10.2.0.1", rotations[0]), ("10.1.0.1", rotations[1])):
            assert table.find(source) is None
            assert table.rotation(source) is rotation
            assert table.find(source) is None
        assert table.find("10.1.1.1") is alone
        assert table.find("192.0.2.1") is table.rotation("192.0.2.1") is None

    def test_a_record_says_which_secret_a_packet_has(self):
        stage = Changing()
        for nas, generation in ((stage.nas, 0), (stage.rotation.next, of_next_secret(0))):
            transaction = Transaction(decode_packet(request(PRESENT)), nas, Peer((SOURCE, 1), 0), b"", 0.0)
            assert transaction.record().generation == generation
            assert stage.table.find_by_record(SOURCE, generation) is nas
        assert stage.table.find_by_record("10.0.0.1", 0) is None

    def test_a_record_of_a_next_secret_that_is_the_present_one_by_now(self):
        nas = Nas("radius_ip_1", section_of(), NEXT)
        assert NasTable([("192.0.2.0/24", nas)]).find_by_record(SOURCE, of_next_secret(3)) is nas
