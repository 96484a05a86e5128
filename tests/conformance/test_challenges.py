"""Access-Challenge and State, where a section asks people for more: whose a State is, how long, and for one answer."""

import pytest

from gateway.duoapi.calls import Device, Factor, PreauthAnswer
from gateway.engine.challenges.memory import ChallengeMemory, UnixClock
from gateway.engine.challenges.state import MAX_CONTENT_SIZE
from gateway.engine.challenges.texts import MAX_SHORT
from gateway.engine.challenges.tokens import MAX_TOKEN_SIZE
from gateway.engine.modes.auto import Auto
from gateway.engine.modes.challenge import Challenge
from gateway.engine.modes.concat import Concat
from gateway.engine.nas import Nas, NasTable
from gateway.engine.rules import PromptFormat
from gateway.radius.client import encode_access_request, encode_attribute
from gateway.radius.dictionary import (
    MAX_ATTRIBUTE_VALUE_SIZE,
    MESSAGE_AUTHENTICATOR,
    PROMPT,
    PROXY_STATE,
    REPLY_MESSAGE,
    SESSION_TIMEOUT,
    STATE,
    Code,
)
from gateway.radius.shared_secret import SharedSecret
from tests.conformance.wire import pap, plain, sent, signed
from tests.engine.home_scene import CLASS, GO_ON, GREETING, MS_CHAP, PASSWORD, PHONE, HomeStage, eap
from tests.engine.scene import ALLOWED, NO, message
from tests.integration.site import Site
from tests.integration.test_modes import replace_worker, start, state_of

KINDS_OF_CHALLENGES = ["menu", "passcode", "relayed"]
REPLACED = pytest.mark.parametrize("how", ["reload", "kill"])


def challenged(kind: str, **mode) -> HomeStage:
    """A stage where alice has just been asked for more."""
    make = Challenge if kind == "menu" else Auto
    stage = HomeStage(make, factors=(Factor.PASSCODE,), **mode) if kind == "passcode" else HomeStage(make, **mode)
    stage.ask()
    if kind == "relayed":
        stage.challenge(b"theirs", encode_attribute(REPLY_MESSAGE, b"New PIN:") + CLASS)
    else:
        stage.accept()
        stage.answer(GO_ON)
    return stage


@pytest.mark.parametrize("kind", KINDS_OF_CHALLENGES)
def test_S1_a_challenge_has_one_state_and_nothing_but_what_a_challenge_may_have(kind):
    """RFC 2865 sections 4.4, 5.24 and 5.44."""
    stage = challenged(kind)
    (state,) = stage.reply.values(STATE)
    assert len(state) <= MAX_TOKEN_SIZE == MAX_ATTRIBUTE_VALUE_SIZE
    needed = {MESSAGE_AUTHENTICATOR, REPLY_MESSAGE, STATE}
    assert needed <= {each for each in range(256) if stage.reply.has(each)} <= needed | {SESSION_TIMEOUT, PROMPT}


def test_S1_no_state_tells_anything_and_no_two_are_alike():
    """RFC 2865 section 5.24: opaque, and unguessable."""
    states = [challenged("menu", draw=lambda size, n=n: bytes([n]) * size).state for n in (1, 2)]
    assert states[0] != states[1]
    assert not [text for text in (b"alice", b"DP1", b"push", PASSWORD.encode()) if text in states[0]]


@pytest.mark.parametrize("kind", KINDS_OF_CHALLENGES)
@pytest.mark.parametrize("changed", [*range(6), 19, 30, -17, -1])
def test_S2_an_altered_state_is_rejected_and_never_a_fresh_login(kind, changed):
    """RFC 5080 section 2.1.1: nobody is asked, although a right password stands beside it."""
    stage = challenged(kind)
    state = bytearray(stage.state)
    state[changed] ^= 1
    stage.ask(PASSWORD, bytes(state))
    assert (stage.to, stage.reason, stage.reply.code) == ([], "challenge_unknown", Code.ACCESS_REJECT)


@pytest.mark.parametrize("make", [Auto, Concat, Challenge])
@pytest.mark.parametrize("state", [b"\0", b"a state of somebody", bytes(253)])
def test_S2_so_is_an_unknown_one_in_every_kind_of_section(make, state):
    """RFC 5080 section 2.1.1."""
    stage = HomeStage(make)
    stage.ask(f"{PASSWORD},push", state)
    assert (stage.to, stage.reason, stage.reply.code) == ([], "challenge_unknown", Code.ACCESS_REJECT)


@pytest.mark.parametrize("kind", KINDS_OF_CHALLENGES)
def test_S2_so_is_an_expired_one(kind):
    """RFC 5080 section 2.1.1: `challenge_life_s`, 300 s here."""
    stage = challenged(kind)
    stage.ask("123456", stage.state, now=300.0)
    assert (stage.to, stage.reason) == ([], "challenge_expired")
    stage = challenged(kind)
    stage.ask("123456", stage.state, now=299.0)
    assert len(stage.to) == 1


@pytest.mark.parametrize("kind", KINDS_OF_CHALLENGES)
def test_S2_so_is_one_that_was_answered_whatever_became_of_it(kind):
    """RFC 5080 section 2.1.1: a replayed State."""
    stage = challenged(kind)
    state = stage.state
    stage.ask("123456", state)
    assert len(stage.to) == 1
    stage.ask("654321", state)
    assert (stage.to, stage.reason) == ([], "challenge_unknown")


@pytest.mark.parametrize("kind", KINDS_OF_CHALLENGES)
@pytest.mark.parametrize("user", ["bob", "Alice", "alice@example.com"])
def test_S3_no_state_is_accepted_from_another_user(kind, user):
    """RFC 5080 section 2.1.1: nor from a name that is spelt otherwise; and its owner can still answer."""
    stage = challenged(kind)
    state = stage.state
    stage.ask("123456", state, user=user)
    assert (stage.to, stage.reason) == ([], "challenge_unknown")
    stage.ask("123456", state)
    assert len(stage.to) == 1


def test_S3_no_state_is_accepted_at_another_section():
    """RFC 5080 section 2.1.1: its first factor, and its RADIUS clients, are others."""
    stage, other = challenged("menu"), HomeStage(Challenge, client="radius_client2")
    other.ask("1", stage.state)
    assert (other.to, other.reason) == ([], "challenge_unknown")


def test_S3_another_address_of_the_same_section_may_answer():
    """RFC 5080 section 2.1.1: two controllers of one directory are one client to their users."""
    stage = challenged("menu")
    state = stage.state
    other = SharedSecret(b"the other controller's secret")
    stage.engine._intake._tables[0] = NasTable([("198.51.100.1", Nas("radius_ip_2", stage.section, other))])
    stage.receive(
        encode_access_request(9, bytes(16), other, b"alice", b"1", encode_attribute(STATE, state)), host="198.51.100.1"
    )
    assert stage.to == ["app"]


def test_S4_a_state_holds_what_another_worker_needs():
    """RFC 5080 section 2.1.1: sealed with a key that all workers have; nothing of it is in the one that sent it."""
    alone = {"home": "", "client": "duo_only_client"}
    stage = HomeStage(Challenge, **alone)
    stage.ask()
    stage.answer(GO_ON)
    other = HomeStage(Challenge, **alone)
    other.ask("2", stage.state)
    (question,) = [each.question for each in other.asked]
    assert (question.factor, question.device) == ("phone", PHONE.device)


@pytest.mark.integration
@REPLACED
def test_S4_a_state_outlives_the_worker_that_sent_it(site: Site, how):
    """RFC 5080 section 2.1.1: the answer has another Identifier and authenticator, and meets whoever serves then."""
    nas = start(site, "challenge")
    state = state_of(nas.login("alice", "secret"))
    replace_worker(site, how)
    assert nas.login("alice", "123456", state).is_accept


def test_S5_a_state_is_used_before_anybody_is_asked_for_it():
    """Of two answers that come at once the second meets a State that is used, whoever it is from."""
    stage = challenged("menu")
    state = stage.state
    stage.ask("1", state)
    assert stage.to == ["app"]
    stage.ask("123456", state, port=40002)
    assert (stage.to, stage.reason) == ([], "challenge_unknown")


def test_S5_what_was_used_is_known_to_the_next_worker():
    """It is written down before Duo is asked, and expires with the State."""
    notes = []
    memory = ChallengeMemory(UnixClock(1_700_000_000.0))
    memory.note = lambda record, _life_s: notes.append(record)
    stage = challenged("menu", memory=memory)
    state = stage.state
    stage.ask("1", state)
    successor = ChallengeMemory(UnixClock(1_700_000_000.0))
    for note in notes:
        successor.adopt(note, 0.0)
    later = HomeStage(Challenge, memory=successor)
    later.ask("123456", state)
    assert (later.to, later.reason) == ([], "challenge_unknown")


@pytest.mark.integration
@REPLACED
def test_S5_a_used_state_stays_used_in_the_next_worker(site: Site, how):
    """The journal, or the link, has told it."""
    nas = start(site, "challenge")
    state = state_of(nas.login("alice", "secret"))
    assert nas.login("alice", "123456", state).is_accept
    replace_worker(site, how)
    assert nas.login("alice", "123456", state).code == Code.ACCESS_REJECT


def test_S6_a_menu_that_one_attribute_cannot_hold_begins_with_the_question():
    """RFC 2865 section 5.18: many clients show the first Reply-Message alone."""
    devices = tuple(Device(f"DP{n}", PHONE.capabilities, "a device with a long name of its own") for n in range(4))
    stage = HomeStage(Challenge)
    stage.ask()
    stage.accept(CLASS)
    stage.answer(PreauthAnswer("auth", "", devices))
    first = stage.reply.values(REPLY_MESSAGE)[0].decode()
    assert first.startswith("Passcode or option (1-12)\n")


def test_S6_a_short_menu_is_one_line_of_ascii():
    """RFC 2865 section 5.18: `prompt_format=short`."""
    devices = tuple(Device(f"DP{n}", PHONE.capabilities, "Käthes Telefon") for n in range(9))
    stage = HomeStage(Challenge, prompt_format=PromptFormat.SHORT)
    stage.ask()
    stage.accept(CLASS)
    stage.answer(PreauthAnswer("auth", "", devices))
    (text,) = stage.reply.values(REPLY_MESSAGE)
    assert len(text) <= MAX_SHORT
    assert text.isascii()
    assert b"\n" not in text


def test_S7_a_home_servers_session_timeout_goes_on_with_its_challenge():
    """RFC 2865 sections 5.27 and 5.44."""
    stage = HomeStage()
    stage.ask()
    stage.challenge(b"theirs", encode_attribute(SESSION_TIMEOUT, bytes((0, 0, 0, 60))))
    assert stage.reply.values(SESSION_TIMEOUT) == [bytes((0, 0, 0, 60))]


@pytest.mark.parametrize("kind", KINDS_OF_CHALLENGES)
def test_X1_a_challenge_returns_proxy_state(kind):
    """RFC 2865 sections 2 and 5.33."""
    proxy_states = encode_attribute(PROXY_STATE, b"outer") + encode_attribute(PROXY_STATE, bytes(253))
    stage = HomeStage(Challenge if kind == "menu" else Auto, factors=(Factor.PASSCODE,))
    stage.ask(extra=proxy_states)
    if kind == "relayed":
        stage.challenge()
    else:
        stage.accept()
        stage.answer(GO_ON)
    assert stage.reply.code == Code.ACCESS_CHALLENGE
    assert stage.reply.attributes(PROXY_STATE) == proxy_states


def test_X12_attributes_of_an_accept_wait_for_an_accept():
    """RFC 2865 section 5.44: neither the menu nor a rejection has them."""
    stage = challenged("menu")
    assert not stage.reply.has(25)
    stage.ask("99", stage.state)
    assert (stage.reply.code, stage.reply.has(25)) == (Code.ACCESS_REJECT, False)
    stage = challenged("menu")
    stage.ask("1", stage.state)
    stage.answer(ALLOWED)
    assert (stage.reply.code, stage.reply.value(25)) == (Code.ACCESS_ACCEPT, b"staff")


@pytest.mark.parametrize("kind", KINDS_OF_CHALLENGES)
def test_D3_a_duplicate_gets_the_same_challenge_with_the_same_state(kind):
    """RFC 5080 section 2.2.2: and nobody is asked a second time."""
    stage = challenged(kind)
    first = stage.reply.octets
    stage._n_packets -= 1
    stage.ask()
    assert (stage.to, stage.reply.octets) == ([], first)


def test_D14_an_answer_that_meets_no_place_can_be_sent_again():
    """RFC 5080 section 2.2.3: its State is used only when there is a place for it."""
    stage = challenged("menu", section={"max_pending": 1})
    state = stage.state
    stage.ask("secret", user="bob", port=40002)
    others = stage.asked[-1].pending
    stage.ask("1", state)
    assert (stage.to, sent(stage.effects)) == ([], [])
    stage.engine.failed(others, 1.0)
    stage.ask("1", state, now=2.0)
    assert stage.to == ["app"]


def test_A16_a_conversation_goes_on_by_a_challenge_and_ends_with_a_reject():
    """RFC 5080 section 2.6.1: after a reject there is nothing to answer."""
    stage = challenged("menu")
    state = stage.state
    stage.ask("99", state)
    assert (stage.reply.code, stage.reply.has(STATE)) == (Code.ACCESS_REJECT, False)
    stage.ask("1", state)
    assert (stage.to, stage.reply.code) == ([], Code.ACCESS_REJECT)


@pytest.mark.parametrize("attributes", [b"", GREETING, eap(1), MS_CHAP, encode_attribute(24, b"another") * 2])
def test_S1_whatever_a_home_servers_challenge_holds_the_nas_s_has_one_state_of_ours(attributes):
    """RFC 2865 section 5.24."""
    stage = HomeStage()
    stage.ask()
    stage.challenge(b"theirs", attributes + encode_attribute(STATE, b"theirs"))
    (state,) = stage.reply.values(STATE)
    assert state not in (b"theirs", b"another")


def test_M13_a_menu_greets_by_name_the_user_whom_somebody_knows():
    """draft-ietf-radext-deprecating-radius: no other text of a reply to an unsigned request has been chosen by it."""
    stage = HomeStage(Challenge, section={"require_message_authenticator": NO})
    stage.receive(plain(pap(PASSWORD.encode())))
    stage.accept(CLASS)
    stage.answer(GO_ON)
    assert "alice" in message(stage.reply)
    chosen = b"chosen by the client"
    stage.receive(plain(pap(PASSWORD.encode(), user=chosen), identifier=2))
    stage.refuse(text=chosen.decode(), attributes=encode_attribute(REPLY_MESSAGE, chosen))
    assert chosen not in stage.reply.octets


def test_P9_an_answer_needs_no_credential_but_its_state():
    """RFC 2865 section 4.1, note 1."""
    stage = challenged("menu")
    stage.receive(signed(encode_attribute(1, b"alice") + encode_attribute(STATE, stage.state), identifier=99))
    assert (stage.to, stage.reason) == ([], "unknown_option")


def test_P9_an_answer_without_credential_and_signature_is_rejected_and_uses_nothing_up():
    """RFC 2865 section 4.1, note 1: whoever sees a State on its way could send it."""
    stage = challenged("menu")
    state = stage.state
    stage.receive(plain(encode_attribute(1, b"alice") + encode_attribute(STATE, state), identifier=99))
    assert (stage.to, stage.reason) == ([], "unsupported_credentials")
    stage.ask("1", state)
    assert stage.to == ["app"]


def test_P12_no_state_and_no_password_is_shown():
    """draft-ietf-radext-deprecating-radius, User-Password Visibility."""
    stage = challenged("relayed")
    state = stage.state
    shown = [repr(each) for each in stage.effects]
    stage.ask("654321", state)
    question = stage.asked[0]
    shown += [repr(each) for each in (question, question.question, question.pending, question.pending.login)]
    assert not [
        each for each in shown if "654321" in each or PASSWORD in each or "theirs" in each or repr(state) in each
    ]


def test_S1_what_seals_a_state_leaves_room_for_all_that_it_says():
    """RFC 2865 section 5.24: 253 octets at most."""
    assert MAX_TOKEN_SIZE - MAX_CONTENT_SIZE == 35
