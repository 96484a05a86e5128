"""Which packets ask for one login: two machines never do, two spellings and two ways to type the same may."""

import random
from collections.abc import Iterator

import pytest

from gateway.engine.digests import Digests, login_key
from gateway.engine.effects import PutQuestion, SendReply
from gateway.engine.person import account_of, person_key
from gateway.engine.typed_factor import meaning_of, read_factor
from gateway.radius.address import AddressAttribute
from gateway.radius.client import encode_access_request, encode_attribute
from gateway.radius.dictionary import (
    ACCESS_ACCEPT,
    ACCESS_REJECT,
    CALLING_STATION_ID,
    NAS_IDENTIFIER,
    NAS_IP_ADDRESS,
    NAS_PORT,
    NAS_PORT_ID,
    PROXY_STATE,
    VENDOR_SPECIFIC,
)
from tests.engine.scene import ALLOWED, DENIED, GO_ON, SECRET, Stage

MACHINE = encode_attribute(CALLING_STATION_ID, b"203.0.113.9[4500]")


class Clients:
    """Sends packets that differ in Identifier, authenticator and port, as those of retries do."""

    def __init__(self, **section) -> None:
        self.stage = Stage(max_pending_per_user=3, **section)
        self._number = 0

    def ask(self, attributes: bytes = b"", user: str = "alice", password: str = "push") -> bool:
        """Send one; return whether Duo is asked."""
        self._number += 1
        authenticator = self._number.to_bytes(16, "big")
        octets = encode_access_request(
            self._number % 256, authenticator, SECRET, user.encode(), password.encode(), attributes
        )
        return any(isinstance(effect, PutQuestion) for effect in self.stage.receive(octets, port=40_000 + self._number))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(encode_attribute(CALLING_STATION_ID, b"198.51.100.66[4500]"), id="an address with a port"),
        pytest.param(encode_attribute(CALLING_STATION_ID, b"203.0.113.9[4501]"), id="another port"),
        pytest.param(encode_attribute(CALLING_STATION_ID, b"00-11-22-33-44-55"), id="a MAC address"),
        pytest.param(MACHINE + MACHINE, id="told twice"),
        pytest.param(b"", id="none"),
        pytest.param(MACHINE + encode_attribute(NAS_IDENTIFIER, b"vpn2"), id="another NAS"),
        pytest.param(MACHINE + encode_attribute(NAS_PORT, bytes(4)), id="a port"),
        pytest.param(MACHINE + encode_attribute(NAS_PORT_ID, b"eth0"), id="a port's name"),
        pytest.param(MACHINE + encode_attribute(44, b"session-2"), id="an accounting session"),
        pytest.param(MACHINE + encode_attribute(50, b"session-2"), id="a multi-session"),
        pytest.param(MACHINE + encode_attribute(30, b"vpn.example"), id="a called station"),
        pytest.param(MACHINE + encode_attribute(66, b"198.51.100.66"), id="a tunnel's end"),
        pytest.param(MACHINE + encode_attribute(8, bytes(4)), id="a framed address"),
        pytest.param(MACHINE + encode_attribute(168, bytes(16)), id="a framed IPv6 address"),
        pytest.param(
            MACHINE + encode_attribute(VENDOR_SPECIFIC, bytes((0, 0, 99, 117, 7, 6)) + b"1.2.3.4"), id="a vendor's"
        ),
        pytest.param(MACHINE + encode_attribute(6, bytes((0, 0, 0, 6))), id="an administrator's session"),
        pytest.param(MACHINE + encode_attribute(14, bytes((192, 0, 2, 1))), id="a host to log in to"),
        pytest.param(MACHINE + encode_attribute(61, bytes((0, 0, 0, 5))), id="a kind of port"),
        pytest.param(MACHINE + encode_attribute(77, b"CONNECT 198.51.100.66"), id="a connection"),
        pytest.param(MACHINE + encode_attribute(90, b"other"), id="who opens a tunnel"),
        pytest.param(MACHINE + encode_attribute(94, bytes(2)), id="a line"),
        pytest.param(MACHINE + encode_attribute(96, bytes(8)), id="an interface"),
        pytest.param(MACHINE + encode_attribute(123, bytes(18)), id="a delegated prefix"),
        pytest.param(
            MACHINE + encode_attribute(241, b"\x1a" + bytes((0, 0, 0, 9, 1)) + b"other"), id="an extended one"
        ),
        pytest.param(MACHINE + encode_attribute(250, b"other"), id="one that nobody knows"),
    ],
)
def test_another_machine_or_session_is_another_login(other: bytes):
    clients = Clients()
    assert clients.ask(MACHINE)
    assert clients.ask(other)


def test_the_attribute_that_the_section_names_tells_machines_apart_whatever_it_holds():
    clients = Clients(client_address=AddressAttribute(0, 95, "ipv6addr"))
    assert clients.ask(encode_attribute(95, b"odd"))
    assert clients.ask(encode_attribute(95, b"odder"))
    assert not clients.ask(encode_attribute(95, b"odd"))


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param(MACHINE, id="nothing else"),
        pytest.param(MACHINE + encode_attribute(NAS_IP_ADDRESS, bytes((192, 0, 2, 11))), id="another controller"),
        pytest.param(MACHINE + encode_attribute(PROXY_STATE, b"42"), id="a proxy's mark"),
        pytest.param(MACHINE + encode_attribute(95, bytes(16)), id="another controller's IPv6 address"),
        pytest.param(encode_attribute(41, bytes(4)) + MACHINE, id="Acct-Delay-Time"),
        pytest.param(encode_attribute(55, bytes(4)) + MACHINE, id="Event-Timestamp"),
    ],
)
def test_what_a_repetition_may_change_leaves_it_the_same_login(attributes: bytes):
    clients = Clients()
    assert clients.ask(MACHINE)
    assert not clients.ask(attributes)


@pytest.mark.parametrize("user", ["ALICE", " alice", "alice\u200b", "ａｌｉｃｅ"])
def test_another_spelling_of_the_account_is_the_same_login(user: str):
    clients = Clients()
    assert clients.ask()
    assert not clients.ask(user=user)


@pytest.mark.parametrize("user", ["CORP\\alice", "alice@corp.example", "alice."])
def test_another_domain_is_another_login_of_the_same_person(user: str):
    """They may be two people to Duo: one's approval must not let the other in."""
    clients = Clients()
    assert clients.ask()
    assert clients.ask(user=user)
    assert clients.stage.engine._pending.of_person(person_key("radius_server_duo_only", "alice")) == 2


@pytest.mark.parametrize("password", ["PUSH", " push", "push ", "Push"])
def test_the_same_typed_otherwise_is_the_same_login(password: str):
    clients = Clients()
    assert clients.ask()
    assert not clients.ask(password=password)


def test_a_passcode_with_blanks_is_the_same_passcode():
    clients = Clients()
    assert clients.ask(password="123456")
    assert not clients.ask(password="123 456")
    assert clients.ask(password="654321")


@pytest.mark.parametrize("password", ["push2", "phone", "sms", "123456"])
def test_another_factor_is_another_login(password: str):
    clients = Clients()
    assert clients.ask()
    assert clients.ask(password=password)


@pytest.mark.parametrize("password", ["A password", "another", "auto", "AUTO", " a password "])
def test_all_that_means_duos_automatic_factor_is_the_same_login(password: str):
    clients = Clients(policy={"automatic": True})
    assert clients.ask(password="a password")
    assert not clients.ask(password=password)
    assert clients.ask(password="push")


def test_what_means_nothing_is_the_same_only_to_the_letter():
    clients = Clients()
    assert clients.ask(password="a password")
    assert clients.ask(password="A password")
    assert not clients.ask(password="a password")


SPELLINGS = [
    "carol",
    " carol",
    "CAROL",
    "carol\u00a0",
    "CORP\\carol",
    "carol@corp.example",
    "ｃａｒｏｌ",
    "ⓒarol",
    "carol.",
]


def test_one_person_is_pushed_as_often_as_the_limit_says_in_however_many_spellings():
    clients = Clients()
    words = ["push", "PUSH", "push2", "phone", " push", "push1"]
    assert sum(clients.ask(user=user, password=word) for user in SPELLINGS for word in words) == 3


def histories(seed: int, n: int) -> Iterator[tuple[bytes, bytes]]:
    """Pairs of attribute lists as clients send them, of a few kinds and values, in any order."""
    chance = random.Random(seed)
    kinds = [5, 8, 26, 30, 31, 32, 44, 50, 66, 87, 97, 168, 6, 61, 77, 94, 241, NAS_IP_ADDRESS, PROXY_STATE, 55]

    def attributes() -> bytes:
        chosen = [(chance.choice(kinds), bytes([chance.randrange(3)]) * 8) for _ in range(chance.randint(0, 5))]
        once = {kind: value for kind, value in chosen if kind == NAS_PORT}  # RFC 2865 section 5.44
        others = [(kind, value) for kind, value in chosen if kind != NAS_PORT]
        return b"".join(encode_attribute(kind, value) for kind, value in [*once.items(), *others])

    for _ in range(n):
        yield attributes(), attributes()


def test_two_requests_that_differ_in_what_tells_machines_or_sessions_apart_are_two_logins():
    """Over 2,000 pairs; and those that do not are one."""
    telling = {5, 8, 26, 30, 31, 32, 44, 50, 66, 87, 97, 168, 6, 61, 77, 94, 241}
    n_same = 0
    for first, second in histories(7, 2_000):
        keys = [key_of(attributes) for attributes in (first, second)]
        told = [[each for each in split(attributes) if each[0] in telling] for attributes in (first, second)]
        if sorted(told[0]) != sorted(told[1]):
            assert keys[0] != keys[1]
        elif told[0] == told[1]:
            assert keys[0] == keys[1]
        n_same += keys[0] == keys[1]
    assert 40 < n_same < 1_800


def split(attributes: bytes) -> Iterator[bytes]:
    """The attributes, one by one."""
    while attributes:
        yield attributes[: attributes[1]]
        attributes = attributes[attributes[1] :]


def key_of(attributes: bytes) -> bytes:
    """The key of the login that a request with these attributes begins."""
    stage = Stage()
    octets = encode_access_request(1, bytes(16), SECRET, b"alice", b"push", attributes)
    (question,) = [effect for effect in stage.receive(octets) if isinstance(effect, PutQuestion)]
    return question.pending.key


def test_no_two_lists_of_values_share_a_key():
    """Lengths are part of what is digested: nothing moves from one value into the next."""
    digests = Digests(bytes(32))
    parts = ["", "a", "ab", "b"]
    keys = {
        digests.login(login_key(section, account_of(user), meaning_of(None, typed.encode()), ip, session.encode()))
        for section in parts
        for user in parts
        for typed in parts
        for ip in parts
        for session in parts
    }
    assert len(keys) == len(parts) ** 5


def test_the_meaning_of_a_factor_is_no_text():
    assert meaning_of(read_factor("push"), b"push") != meaning_of(None, b"push 0 ")


class TestRejectionThatIsHeldBack:
    """A client with little patience tries again before it hears that the passcode was wrong: Duo counts it once."""

    def rejected(self, stage: Stage, *, at: float, now: float) -> None:
        """Ask for a login that Duo denies before the delay is over."""
        stage.login(identifier=1, port=40_001, now=at)
        stage.answer(GO_ON, now=now)
        stage.answer(DENIED, now=now)
        assert not stage.replies

    def test_the_same_login_from_a_new_port_gets_it_too(self):
        stage = Stage(reject_delay_s=1.0)
        self.rejected(stage, at=0.0, now=0.1)
        stage.login(identifier=2, port=40_002, now=0.5)
        assert not stage.asked
        assert not stage.replies
        stage.login(identifier=3, port=40_003, now=0.999)
        assert not stage.asked
        assert not stage.replies
        ports = set()
        while (due := stage.engine.next_timer) is not None:
            assert due <= 1.1
            ports |= {effect.peer.address[1] for effect in stage.engine.timer(due) if isinstance(effect, SendReply)}
        assert ports == {40_001, 40_002, 40_003}
        assert stage.engine.is_idle

    def test_its_retransmission_meets_silence_and_then_the_same_answer(self):
        stage = Stage(reject_delay_s=1.0)
        self.rejected(stage, at=0.0, now=0.1)
        for now in (0.5, 0.6):
            stage.login(identifier=2, port=40_002, now=now)
            assert not stage.asked
            assert not stage.replies
        while (due := stage.engine.next_timer) is not None:
            stage.engine.timer(due)
        stage.login(identifier=2, port=40_002, now=2.0)
        assert [reply.code for reply in stage.replies] == [ACCESS_REJECT]

    def test_the_last_packet_of_a_slow_login_counts(self):
        stage = Stage(reject_delay_s=1.0)
        stage.login(identifier=1, port=40_001, now=0.0)
        stage.login(identifier=2, port=40_002, now=2.0)
        stage.login(identifier=1, port=40_009, user="bob", now=2.1)
        (bob,) = stage.asked
        (alice,) = [pending for pending in stage.engine._pending if pending is not bob.pending]
        stage.engine.answered(alice, GO_ON, 2.2)
        sent = [effect for effect in stage.engine.answered(alice, DENIED, 2.2) if isinstance(effect, SendReply)]
        assert [effect.peer.address[1] for effect in sent] == [40_001]
        stage.login(identifier=3, port=40_003, now=2.9)
        assert not stage.asked
        assert not stage.replies

    def test_another_passcode_is_another_login(self):
        stage = Stage(reject_delay_s=1.0)
        self.rejected(stage, at=0.0, now=0.1)
        stage.login(password="654321", identifier=2, port=40_002, now=0.5)
        assert stage.asked

    def test_once_it_has_been_answered_it_is_a_new_login(self):
        stage = Stage(reject_delay_s=1.0)
        self.rejected(stage, at=0.0, now=0.1)
        while (due := stage.engine.next_timer) is not None:
            stage.engine.timer(due)
        stage.login(identifier=2, port=40_002, now=1.2)
        assert stage.asked

    def test_nobody_joins_where_the_section_does_not_want_it(self):
        stage = Stage(reject_delay_s=1.0, coalesce=False)
        self.rejected(stage, at=0.0, now=0.1)
        stage.login(identifier=2, port=40_002, now=0.5)
        assert stage.asked

    def test_nobody_is_let_in_by_what_was_approved_before(self):
        stage = Stage(reject_delay_s=1.0)
        stage.login(identifier=1, port=40_001)
        stage.answer(GO_ON, now=0.1)
        stage.answer(ALLOWED, now=0.1)
        assert [reply.code for reply in stage.replies] == [ACCESS_ACCEPT]
        stage.login(identifier=2, port=40_002, now=0.2)
        assert stage.asked
