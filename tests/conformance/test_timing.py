"""When replies are sent. The engine is told the time; no test waits."""

import pytest

from gateway.engine.first_factor import Refused
from gateway.radius.dictionary import MESSAGE_AUTHENTICATOR, REPLY_MESSAGE
from gateway.radius.packet import decode_packet
from gateway.unavailable import Trouble, Unavailable
from gateway.words.reasons import REFUSED_FIRST_FACTOR, Reason
from tests.config.files import MINIMAL, parse
from tests.conformance.wire import accept, asked, decide, pap, sent, signed
from tests.engine.home_scene import HomeStage
from tests.engine.scene import ALLOWED, DENIED, GO_ON, PUSHED, Stage


@pytest.mark.parametrize("n_duplicates", [0, 1, 5])
def test_R1_each_request_is_answered_once_and_once_for_each_duplicate_after_that(n_duplicates):
    """RFC 5080 section 2.2.2."""
    stage = Stage()
    request = signed(pap())
    (question,) = asked(stage.receive(request))
    replies = sent(decide(stage, question))
    for _ in range(n_duplicates):
        replies += sent(stage.receive(request))
    assert len(replies) == 1 + n_duplicates
    assert len(set(replies)) == 1


def test_R2_a_reject_is_delayed_and_duplicates_meet_silence_till_then():
    """draft-ietf-radext-deprecating-radius, Delaying Access-Rejects: measured from reception."""
    stage = Stage(reject_delay_s=1.0)
    request = signed(pap())
    (question,) = asked(stage.receive(request, now=10.0))
    assert not sent(decide(stage, question, DENIED, now=10.2))
    due = stage.engine.next_timer
    assert due is not None
    assert due >= 11.0
    assert stage.receive(request, now=10.9) == []
    assert sent(stage.engine.timer(due))


def test_R2_the_delay_is_configurable_and_1_second_by_default():
    """draft-ietf-radext-deprecating-radius, Delaying Access-Rejects: `reject_delay_s`."""
    assert parse(MINIMAL)[0].servers[0].reject_delay_s == 1.0
    assert parse(MINIMAL + "reject_delay_s=2.5\n")[0].servers[0].reject_delay_s == 2.5


def test_R2_the_delay_varies_a_little():
    """draft-ietf-radext-deprecating-radius, Delaying Access-Rejects: jitter hides what the work itself took."""
    dues = set()
    for number in range(8):
        stage = Stage(reject_delay_s=1.0)
        authenticator = bytes((number * 31, *range(15)))
        (question,) = asked(stage.receive(signed(pap(authenticator=authenticator), authenticator=authenticator)))
        decide(stage, question, DENIED)
        dues.add(stage.engine.next_timer)
    assert all(due is not None and due >= 1.0 for due in dues)
    assert len(dues) > 1


def test_R3_nothing_waits_while_a_reject_waits():
    """draft-ietf-radext-deprecating-radius, Delaying Access-Rejects."""
    stage = Stage(reject_delay_s=1.0, max_pending=1)
    (late,) = asked(stage.receive(signed(pap(), identifier=1)))
    assert not sent(decide(stage, late, DENIED))
    (question,) = asked(stage.receive(signed(pap(user=b"bob"), identifier=2)))
    assert sent(decide(stage, question, ALLOWED))


def test_R4_a_second_factor_that_took_longer_than_the_delay_adds_nothing():
    """draft-ietf-radext-deprecating-radius, Delaying Access-Rejects."""
    stage = Stage(reject_delay_s=1.0)
    (question,) = asked(stage.receive(signed(pap(b"push")), now=0.0))
    stage.engine.answered(question.pending, GO_ON, 0.1)
    stage.engine.answered(question.pending, PUSHED, 0.2)
    assert sent(stage.engine.answered(question.pending, DENIED, 20.0))


def test_R4_what_no_person_caused_is_not_delayed():
    """draft-ietf-radext-deprecating-radius, Delaying Access-Rejects: an outage, or a request that cannot be read."""
    stage = Stage(reject_delay_s=1.0, policy={"fail_open": False})
    (question,) = asked(stage.receive(signed(pap())))
    assert sent(stage.engine.unavailable(question.pending, Unavailable(Trouble.CONNECT, "refused"), 0.1))
    assert sent(stage.receive(signed(identifier=2)))


def test_R6_an_accept_holds_no_attribute_that_was_not_configured():
    """RFC 2865 section 5.44: Session-Timeout, Class, Filter-Id and vendor attributes are not sent."""
    packet = decode_packet(accept(Stage(), signed(pap())))
    assert {kind for kind in range(256) if packet.has(kind)} == {MESSAGE_AUTHENTICATOR, REPLY_MESSAGE}


@pytest.mark.parametrize("reason", sorted(REFUSED_FIRST_FACTOR - {Reason.PASSWORD_EXPIRED}))
def test_R5_whatever_a_first_factor_refuses_the_user_reads_the_same(reason):
    """Who guesses learns nothing; an expired password is a right one."""
    stage = HomeStage(is_directory=True)
    stage.ask()
    stage.answer(Refused(reason.value, "data 52e", b"", "dc1.example.test:389", "52e"))
    assert stage.reply.values(REPLY_MESSAGE) == [b"Login failed."]
