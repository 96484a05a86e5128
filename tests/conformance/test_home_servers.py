"""Home servers of a `[radius_client]`: what goes on to them, what of their replies is believed, and what comes back."""

import hmac
import os
import socket

import pytest

from gateway.engine.effects import StopAsking
from gateway.engine.first_factor import Accepted, CheckFirstFactor, Refused
from gateway.engine.modes.auto import Auto
from gateway.engine.modes.challenge import Challenge
from gateway.engine.modes.concat import Concat
from gateway.firstfactor.home import replies
from gateway.firstfactor.home.server import Limits
from gateway.firstfactor.host_states import DOWN
from gateway.radius.attributes import AttributeKind, attributes_in, encode
from gateway.radius.client import encode_attribute
from gateway.radius.credentials import credential_attributes
from gateway.radius.dictionary import (
    CHAP_CHALLENGE,
    CHAP_PASSWORD,
    EAP_MESSAGE,
    MESSAGE_AUTHENTICATOR,
    PROMPT,
    PROXY_STATE,
    REPLY_MESSAGE,
    SESSION_TIMEOUT,
    STATE,
    USER_PASSWORD,
    Code,
)
from gateway.radius.hidden import Hop, hide_salted, reveal_salted
from gateway.radius.packet import decode_packet
from gateway.radius.passing import Passing, values_of
from gateway.radius.shared_secret import SharedSecret
from gateway.unavailable import Trouble
from tests.conformance.wire import ALICE, signed
from tests.engine.home_scene import (
    CLASS,
    GO_ON,
    HOME,
    HOME_RA,
    HOME_SECRET,
    PASSWORD,
    SILENT,
    HomeStage,
)
from tests.engine.scene import ALLOWED, RA, SECRET, message
from tests.firstfactor.home.answers import ask
from tests.firstfactor.home.peer import accept, client_of, peers
from tests.firstfactor.home.scene import REJECT, Scene, proxy_state
from tests.https.peer import in_loop

TYPED = {Auto: PASSWORD, Concat: f"{PASSWORD},push", Challenge: PASSWORD}
MODES = pytest.mark.parametrize("make", TYPED)
MS_MPPE_SEND_KEY, TUNNEL_PASSWORD = AttributeKind(311, 16), AttributeKind(0, 69)
OUTER, INNER = encode_attribute(PROXY_STATE, b"outer"), encode_attribute(PROXY_STATE, bytes(253))


def question_of(*, user: bytes = b"alice", **more) -> Scene:
    """A plan with one home server, which has just been asked about a user."""
    scene = Scene()
    scene.ask(user, **more)
    return scene


# What goes on.


@MODES
def test_X3_the_proxy_states_of_the_nas_stay_here_and_return_in_order(make):
    """RFC 2865 section 5.33: socket and Identifier tell whose a reply is, so that none of ours is needed."""
    stage = HomeStage(make)
    stage.section.mode._first_factor.to_home = Passing(everything=True)
    stage.ask(TYPED[make], extra=OUTER + INNER + OUTER)
    assert values_of(PROXY_STATE, stage.checked.attributes) == []
    stage.refuse()
    assert stage.reply.attributes(PROXY_STATE) == OUTER + INNER + OUTER


def test_X3_no_question_has_a_proxy_state():
    """RFC 2865 section 5.33."""
    assert not question_of().sent[0].packet.has(PROXY_STATE)


@MODES
def test_X4_a_status_server_is_answered_here(make):
    """RFC 5997 section 2.1.1: of a home server the gateway asks with one of its own."""
    stage = HomeStage(make)
    stage.receive(signed(ALICE, code=Code.STATUS_SERVER))
    assert (stage.to, stage.reply.code) == ([], Code.ACCESS_ACCEPT)


def test_X5_a_password_is_hidden_with_the_secret_of_each_home_server():
    """RFC 2865 sections 2.3 and 5.2: and with the authenticator of each request."""
    scene = Scene(2)
    scene.ask(password=PASSWORD.encode())
    scene.refuse()
    for sent in scene.sent:
        hidden = sent.packet.value(USER_PASSWORD) or b""
        revealed = sent.server.shared_secret.reveal_user_password(hidden, sent.packet.authenticator)
        assert revealed == PASSWORD.encode()
    assert len({sent.packet.value(USER_PASSWORD) for sent in scene.sent}) == 2


@pytest.mark.parametrize(("kind", "tag"), [(MS_MPPE_SEND_KEY, b""), (TUNNEL_PASSWORD, b"\1")])
def test_X5_keys_are_hidden_with_the_secret_of_the_nas(kind, tag):
    """RFC 2548 section 2.4.2, RFC 2868 section 3.5: and with the authenticator of its request, with another salt."""
    secret, came, leaves = b"sixteen octets..", Hop(HOME_SECRET, HOME_RA), Hop(SECRET, RA)
    hidden = tag + hide_salted(secret, came, 7)
    passed = Passing(everything=True).to_nas(encode(kind, hidden), came, leaves, 8)
    (value,) = [each.value for each in attributes_in(passed.octets)]
    assert reveal_salted(value[len(tag) :], leaves) == secret
    assert value[: len(tag)] == tag
    assert value != hidden


def test_X5_what_cannot_be_hidden_anew_does_not_go_on():
    """RFC 2548 section 2.4.2: it is left out, and the log tells of it."""
    passed = Passing(everything=True).to_nas(
        encode(MS_MPPE_SEND_KEY, b"\x80\1rubbish") + CLASS, Hop(HOME_SECRET, HOME_RA), Hop(SECRET, RA), 1
    )
    assert (passed.octets, passed.dropped) == (CLASS, (MS_MPPE_SEND_KEY,))


@pytest.mark.parametrize("challenge", [b"", bytes(range(16)), bytes(range(5))])
def test_X6_chap_goes_on_with_its_challenge(challenge):
    """RFC 2865 sections 5.3 and 5.40: the Request Authenticator, where the NAS has not said it."""
    chap = encode_attribute(CHAP_PASSWORD, b"\5" + bytes(range(16)))
    told = encode_attribute(CHAP_CHALLENGE, challenge) if challenge else b""
    attributes = credential_attributes(decode_packet(signed(ALICE + chap + told)))
    assert values_of(CHAP_CHALLENGE, attributes) == [challenge or RA]
    assert attributes.startswith(chap)


@pytest.mark.parametrize("kind", [(0, CHAP_PASSWORD), (0, EAP_MESSAGE), (311, 11), (311, 25)])
def test_X5_what_depends_on_no_secret_goes_on_as_it_stood(kind):
    """RFC 2548, RFC 3579: CHAP, MS-CHAP and EAP, all their pieces in order."""
    pieces = [encode(AttributeKind(*kind), bytes([n]) * 17) for n in range(3)]
    request = decode_packet(signed(ALICE + pieces[0] + CLASS + pieces[1] + pieces[2]))
    passed = credential_attributes(request)
    assert passed.startswith(b"".join(pieces))


@MODES
def test_X13_a_request_goes_on_without_what_was_not_configured(make):
    """RFC 2865 section 2.3: name, credential, and `pass_through_attr_names` of the client."""
    stage = HomeStage(make)
    stage.section.mode._first_factor.to_home = Passing(frozenset({AttributeKind(0, 31)}))
    stage.ask(TYPED[make], extra=encode_attribute(31, b"10.0.0.9") + CLASS + OUTER)
    assert stage.checked.attributes == encode_attribute(31, b"10.0.0.9")


# How it is asked.


def test_X8_no_identifier_is_used_twice_at_a_time():
    """RFC 5080 section 2.2.2: beyond 256 another port is opened; the one that was free for the longest is next."""
    scene = Scene(1, Limits(max_in_flight=1000))
    for _ in range(600):
        scene.ask()
    assert len({(sent.number, sent.packet.identifier) for sent in scene.sent}) == 600
    assert len(scene.open) == 3
    alone = Scene()
    seen = []
    for _ in range(257):
        alone.ask()
        seen.append(alone.sent[-1].packet.identifier)
        alone.answer()
    assert seen == [*range(256), 0]


def test_X9_a_retransmission_is_the_same_octets_from_the_same_port():
    """RFC 5080 section 2.2.1, RFC 2865 section 2.5: `retries` and `retry_wait`."""
    scene = Scene(1, Limits(retries=3, retry_wait_s=2.0))
    question = scene.ask()
    scene.wait(60)
    assert [at for _, at in scene.trace] == [0, 2, 4, 6]
    assert len({(sent.number, sent.octets) for sent in scene.asked}) == 1
    assert question.why[0] == "timeout"


def test_X9_each_home_server_gets_a_request_of_its_own():
    """RFC 2865 section 2.5: a new Identifier or authenticator where anything changes."""
    scene = Scene(2)
    scene.ask()
    scene.wait(8)
    first, second = scene.asked[0].packet, scene.asked[-1].packet
    assert first.authenticator != second.authenticator


def test_X14_where_the_client_does_not_wait_any_more_nothing_is_sent_again():
    """draft radiusdtls-bis, Proxies: the end of `response_deadline_s` is known to the question, too."""
    stage = HomeStage(section={"response_deadline_s": 5.0}, rules={"response_deadline_s": 5.0})
    stage.ask()
    assert stage.checked.deadline == 5.0
    stage.effects = stage.engine.timer(5.0)
    assert isinstance(stage.effects[0], StopAsking)
    assert stage.reason == "deadline"
    scene = Scene(2)
    question = scene.ask()
    scene.wait(1)
    scene.cancel(question)
    scene.wait(60)
    assert len(scene.asked) == 1


def test_U6_each_question_has_an_authenticator_of_its_own():
    """RFC 2865 section 3."""
    scene = Scene(1, Limits(max_in_flight=1000))
    for _ in range(300):
        scene.ask()
    assert len({sent.packet.authenticator for sent in scene.sent}) == 300


@in_loop
async def test_U6_it_is_what_was_drawn_for_it() -> None:
    """RFC 2865 section 3: by the operating system, unless a test draws."""
    drawn: list[bytes] = []

    def draw(size: int) -> bytes:
        drawn.append(os.urandom(size))
        return drawn[-1]

    with peers(accept) as (peer,), client_of([peer.home], draw=draw) as asking:
        await ask(asking, CheckFirstFactor(b"alice", b"secret"))
        assert peer.packets[0].authenticator in drawn


def test_M14_every_question_is_signed_first_of_all():
    """draft-ietf-radext-deprecating-radius, Clients and Access-Request: no key switches it off."""
    scene = Scene()
    scene.ask()
    scene.ask(password=None, attributes=encode_attribute(EAP_MESSAGE, b"\2\1\0\4"))
    scene.wait(20)
    assert scene.probes
    for sent in scene.sent:
        assert sent.octets[20:22] == bytes((MESSAGE_AUTHENTICATOR, 18))
        assert sent.server.shared_secret.has_signed(sent.packet)


# What is believed.

FORGED = {
    "another secret": lambda sent: sent.reply(secret=SharedSecret(b"other")),
    "authenticator": lambda sent: sent.reply()[:4] + bytes(16) + sent.reply()[20:],
    "a bit of it": lambda sent: sent.reply()[:-1] + bytes((sent.reply()[-1] ^ 1,)),
    "identifier": lambda sent: sent.reply()[:1] + bytes((sent.octets[1] ^ 1,)) + sent.reply()[2:],
    "cut off": lambda sent: sent.reply()[:-1],
    "the request itself": lambda sent: sent.octets,
}


@pytest.mark.parametrize("how", FORGED)
def test_X7_a_reply_that_is_not_the_home_servers_is_as_if_nothing_had_come(how):
    """RFC 2865 section 3: the question waits, and the right reply counts."""
    scene = Scene()
    question = scene.ask()
    scene.receive(FORGED[how](scene.sent[0]))
    assert not question.results
    scene.answer()
    assert isinstance(question.result, Accepted)


def test_X7_the_first_reply_alone_counts():
    """RFC 5080 section 2.2.2."""
    scene = Scene()
    question = scene.ask()
    scene.answer(code=REJECT)
    scene.answer()
    assert isinstance(question.result, Refused)
    assert scene.servers[0].discards == {"unasked": 1}


@in_loop
async def test_X7_what_comes_from_another_address_is_not_even_read() -> None:
    """RFC 2865 section 3: sockets are connected."""
    with peers(accept) as (peer,), client_of([peer.home]) as asking:
        await ask(asking, CheckFirstFactor(b"alice", b"secret"))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"\2" + bytes(19), peer.sources[0])
        await ask(asking, CheckFirstFactor(b"alice", b"secret"))
        assert not asking.servers[0].discards


@pytest.mark.parametrize(
    ("limits", "believed"),
    [(Limits(requires_signature=True), False), (Limits(), True), (Limits(learns_signature=False), True)],
)
def test_M15_an_unsigned_reply_is_discarded_where_signatures_are_required(limits, believed):
    """draft-ietf-radext-deprecating-radius, Clients Receiving Responses: and timers run on."""
    scene = Scene(1, limits)
    question = scene.ask()
    scene.answer(signed=False)
    assert bool(question.results) is believed
    if not believed:
        scene.wait(2)
        assert len(scene.asked) == 2


def test_M15_who_has_signed_once_has_to_sign_from_then_on():
    """draft-ietf-radext-deprecating-radius: `force_message_authenticator` is `auto` by default."""
    scene = Scene()
    scene.ask()
    scene.answer()
    question = scene.ask()
    scene.answer(signed=False)
    assert not question.results
    assert scene.servers[0].discards == {"message_authenticator_missing": 1}


@pytest.mark.parametrize("attributes", [b"", encode_attribute(EAP_MESSAGE, b"\4\1\0\4")])
def test_M15_a_signed_reply_to_eap_obliges_no_other(attributes: bytes):
    """RFC 3579 section 3.1 demands the signature there, of a reject without an EAP-Message as well."""
    scene = Scene()
    scene.ask(password=None, attributes=encode_attribute(EAP_MESSAGE, b"\2\1\0\4"))
    scene.answer(code=REJECT, attributes=attributes)
    question = scene.ask()
    scene.answer(signed=False)
    assert isinstance(question.result, Accepted)


def test_M16_a_reply_with_a_proxy_state_is_discarded():
    """CVE-2024-3596: no question has one."""
    scene = question_of()
    scene.receive(proxy_state(scene.sent[0].packet, scene.servers[0].shared_secret))
    assert scene.servers[0].discards == {"proxy_state": 1}


def test_M6_eap_in_an_unsigned_reply_is_discarded():
    """RFC 3579 section 3.1."""
    scene = Scene()
    question = scene.ask(password=None, attributes=encode_attribute(EAP_MESSAGE, b"\2\1\0\4"))
    scene.answer(attributes=encode_attribute(EAP_MESSAGE, b"\3\1\0\4"), signed=False)
    assert not question.results
    assert scene.servers[0].discards == {"message_authenticator_missing": 1}


def test_U4_replies_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch):
    """draft-ietf-radext-deprecating-radius, Constant Time Comparisons: both authenticators of a home server's."""
    compared = []

    def compare(expected: bytes, received: bytes) -> bool:
        compared.append(received)
        return hmac.compare_digest(expected, received)

    monkeypatch.setattr(replies, "compare_digest", compare)
    scene = question_of()
    reply = scene.sent[0].reply()
    scene.receive(reply)
    assert compared == [reply[4:20], reply[22:38]]


def test_O4_a_protocol_error_is_no_answer():
    """RFC 7930 section 4: none is sent to who has not asked for it by Response-Length."""
    scene = Scene()
    question = scene.ask()
    scene.receive(bytes((52,)) + scene.sent[0].reply()[1:])
    assert not question.results
    assert not scene.sent[0].packet.has(241)


# What becomes of the login.


@MODES
@pytest.mark.parametrize("fail_open", [True, False])
@pytest.mark.parametrize("trouble", Trouble)
def test_X11_a_home_server_that_does_not_answer_lets_nobody_in(make, fail_open, trouble):
    """RFC 2865 section 2.3: whatever `failmode` says, and whatever Duo does."""
    stage = HomeStage(make, fail_open=fail_open)
    stage.outage()
    stage.ask(TYPED[make])
    stage.answer(type(SILENT)(trouble, "gone", may_have_acted=True))
    assert (stage.to, stage.reason, stage.reply.code) == ([], "first_factor_unreachable", Code.ACCESS_REJECT)


def test_X11_silence_of_all_home_servers_is_silence():
    """RFC 2865 section 2.3: each has its tries, and then the question is given up."""
    scene = Scene(3, Limits(timeout_s=100))
    question = scene.ask()
    scene.wait(100)
    assert question.why[0] == "timeout"
    assert {server.state for server in scene.servers} == {DOWN}


def test_X10_a_reject_that_took_longer_than_the_delay_is_passed_on_at_once():
    """draft-ietf-radext-deprecating-radius, Delaying Access-Rejects: home servers delay theirs."""
    stage = HomeStage(section={"reject_delay_s": 1.0})
    stage.ask()
    stage.refuse(now=1.2)
    assert stage.reply.code == Code.ACCESS_REJECT


def test_X10_an_answer_to_eap_or_a_challenge_is_not_delayed():
    """draft-ietf-radext-deprecating-radius, Delaying Access-Rejects."""
    stage = HomeStage(section={"reject_delay_s": 1.0})
    stage.ask()
    stage.challenge()
    assert stage.reply.code == Code.ACCESS_CHALLENGE


@pytest.mark.parametrize("say", [HomeStage.refuse, HomeStage.challenge])
def test_X12_nothing_of_a_home_servers_reply_stands_where_it_may_not(say):
    """RFC 2865 section 5.44: FreeRADIUS puts Class and Filter-Id into rejects."""
    stage = HomeStage()
    stage.ask()
    theirs = (
        CLASS + encode_attribute(11, b"filter") + encode_attribute(STATE, b"s") + encode(AttributeKind(9, 1), b"a=b")
    )
    say(stage, attributes=theirs)
    allowed = {MESSAGE_AUTHENTICATOR, REPLY_MESSAGE} | (
        {STATE, SESSION_TIMEOUT, PROMPT} if say is HomeStage.challenge else set()
    )
    assert {kind for kind in range(256) if stage.reply.has(kind)} <= allowed


@pytest.mark.parametrize(
    ("passing", "passed"),
    [
        (Passing(), set()),
        (Passing(frozenset({AttributeKind(0, 25)})), {25}),
        (Passing(everything=True), {11, 25}),
    ],
)
def test_X13_an_accept_goes_on_as_far_as_the_section_says(passing, passed):
    """RFC 2865 section 2.3: and never what belongs to the home server's hop."""
    stage = HomeStage(to_nas=passing)
    stage.ask()
    of_its_hop = encode_attribute(MESSAGE_AUTHENTICATOR, bytes(16)) + OUTER + encode_attribute(STATE, b"theirs")
    stage.accept(CLASS + encode_attribute(11, b"filter") + of_its_hop)
    stage.answer(GO_ON)
    stage.answer(ALLOWED)
    found = {kind for kind in range(256) if stage.reply.has(kind)}
    assert found == {MESSAGE_AUTHENTICATOR, REPLY_MESSAGE} | passed
    assert not stage.reply.is_repeated(MESSAGE_AUTHENTICATOR)


@MODES
@pytest.mark.parametrize("text", ["no such user", "wrong password", "account locked"])
def test_R5_the_text_of_a_refusal_is_one_and_the_same(make, text):
    """The home server's own is for the log alone."""
    stage = HomeStage(make)
    stage.ask(TYPED[make])
    stage.refuse(encode_attribute(REPLY_MESSAGE, text.encode()), text)
    assert message(stage.reply) == "Login failed."
    assert text in stage.finished.verdict.account


@MODES
def test_R5_nobody_is_asked_for_a_factor_before_the_password_is_right(make):
    """Neither Duo nor the person."""
    stage = HomeStage(make)
    stage.ask(TYPED[make])
    assert (stage.to, stage.replies) == ([HOME], [])


def test_D8_a_request_is_known_as_long_as_its_home_server_is_asked():
    """RFC 5080 section 2.2.2: a retransmission asks nobody a second time."""
    stage = HomeStage()
    request = stage.request(PASSWORD)
    stage.receive(request)
    stage.receive(request, now=100.0)
    assert (stage.to, stage.replies) == ([], [])
