"""Duplicates, conflicts, and what is bounded."""

import os
import select
import signal
import socket

import pytest

from gateway.config.listening import ListeningAddress
from gateway.duoapi.calls import Answer
from gateway.engine.discard_notices import Notice
from gateway.engine.effects import StopAsking
from gateway.engine.pending import MAX_WAITING_PACKETS
from gateway.listeners.udp import open_socket
from gateway.radius.client import encode_attribute
from gateway.supervisor.sockets import ListeningSockets
from tests.config.files import MINIMAL, parse
from tests.conformance.wire import (
    ALICE,
    asked,
    attribute,
    decide,
    discard_reason,
    engine_for,
    finished,
    forged,
    pap,
    plain,
    sent,
    signed,
    source,
)
from tests.engine.scene import ALLOWED, DENIED, GO_ON, PUSHED, Stage
from tests.integration.site import Site

NEW_RA = bytes(range(16, 32))
REQUEST = signed(pap(b"push"))
CONFLICTING = signed(pap(b"push", user=b"bob", authenticator=NEW_RA), authenticator=NEW_RA)


@pytest.mark.parametrize(
    "other",
    [
        {"host": "192.0.2.11"},
        {"port": 40002},
    ],
)
def test_D1_the_same_octets_from_another_source_are_another_request(other):
    """RFC 2865 section 3, RFC 5080 section 2.2.2."""
    stage = Stage(coalesce=False)
    assert asked(stage.receive(REQUEST))
    assert asked(stage.receive(REQUEST, **other))


def test_D1_the_same_octets_at_another_listening_address_are_another_request():
    """RFC 2865 section 3, RFC 5080 section 2.2.2."""
    stage = Stage(coalesce=False)
    table = [("192.0.2.0/24", stage.nas)]
    engine = engine_for(table, table)
    assert asked(engine.datagram_received(REQUEST, source(listener=0), 0.0))
    assert asked(engine.datagram_received(REQUEST, source(listener=1), 0.0))


def test_D1_another_identifier_is_another_request():
    """RFC 2865 section 3."""
    stage = Stage(coalesce=False)
    assert asked(stage.receive(signed(pap(), identifier=1)))
    assert asked(stage.receive(signed(pap(), identifier=2)))


def test_D2_a_duplicate_meets_silence_while_the_original_is_pending():
    """RFC 5080 section 2.2.2."""
    stage = Stage()
    (question,) = asked(stage.receive(REQUEST))
    assert stage.receive(REQUEST, now=1.0) == []
    stage.engine.answered(question.pending, GO_ON, 2.0)
    stage.engine.answered(question.pending, PUSHED, 3.0)
    assert stage.receive(REQUEST, now=29.0) == []


@pytest.mark.parametrize("answer", [ALLOWED, DENIED])
def test_D3_a_duplicate_after_the_reply_gets_the_same_octets_and_costs_nothing(answer: Answer):
    """RFC 5080 section 2.2.2."""
    stage = Stage()
    (question,) = asked(stage.receive(REQUEST))
    (reply,) = sent(decide(stage, question, answer))
    for second in range(3):
        again = stage.receive(REQUEST, now=second)
        assert sent(again) == [reply]
        assert len(again) == 1


@pytest.mark.parametrize("attributes", [b"", encode_attribute(1, b"alice")])
def test_D4_a_reject_that_asked_nobody_is_kept_like_every_other_reply(attributes):
    """RFC 5080 section 2.2.2."""
    stage = Stage()
    (reply,) = sent(stage.receive(signed(attributes)))
    again = stage.receive(signed(attributes), now=1.0)
    assert (sent(again), finished(again)) == ([reply], [])


def test_D5_a_new_authenticator_under_the_same_identifier_supersedes_the_pending_request():
    """RFC 5080 section 2.2.2: Duo's answer to the older one is thrown away."""
    stage = Stage()
    (older,) = asked(stage.receive(REQUEST))
    (newer,) = asked(stage.receive(CONFLICTING, now=1.0))
    assert not sent(decide(stage, older))
    assert len(sent(decide(stage, newer))) == 1


def test_D5_a_superseded_reply_is_not_sent_any_more():
    """RFC 5080 section 2.2.2: the older octets are a new request again."""
    stage = Stage()
    (older,) = asked(stage.receive(REQUEST))
    (reply,) = sent(decide(stage, older))
    (newer,) = asked(stage.receive(CONFLICTING, now=1.0))
    (newer_reply,) = sent(decide(stage, newer, now=1.0))
    assert sent(stage.receive(CONFLICTING, now=2.0)) == [newer_reply]
    assert reply not in sent(stage.receive(REQUEST, now=2.0))


def test_D5_a_reject_that_waits_for_its_delay_is_superseded_too():
    """RFC 5080 section 2.2.2."""
    stage = Stage(reject_delay_s=1.0)
    (older,) = asked(stage.receive(REQUEST))
    decide(stage, older, DENIED)
    assert asked(stage.receive(CONFLICTING, now=0.5))
    assert not sent(stage.engine.timer(10.0))


@pytest.mark.parametrize(
    ("intruder", "host"),
    [
        (forged(CONFLICTING), "192.0.2.10"),
        (CONFLICTING, "198.51.100.1"),
        (CONFLICTING[:-1], "192.0.2.10"),
        (signed(pap(authenticator=NEW_RA) + bytes((25, 1)), authenticator=NEW_RA), "192.0.2.10"),
        (plain(pap(authenticator=NEW_RA) + encode_attribute(33, b"p"), authenticator=NEW_RA), "192.0.2.10"),
        (plain(pap(authenticator=NEW_RA) + attribute(80, bytes(15)), authenticator=NEW_RA), "192.0.2.10"),
    ],
    ids=["forged", "stranger", "truncated", "malformed", "unsigned-proxy-state", "short-signature"],
)
def test_D6_what_is_not_authentic_does_not_touch_the_cache(intruder, host):
    """RFC 5080 section 2.2.2: before and after the reply."""
    stage = Stage()
    (question,) = asked(stage.receive(REQUEST))
    assert not asked(stage.receive(intruder, host=host))
    assert stage.receive(REQUEST) == []
    (reply,) = sent(decide(stage, question))
    assert not asked(stage.receive(intruder, host=host))
    assert sent(stage.receive(REQUEST)) == [reply]


@pytest.mark.parametrize(
    "attributes",
    [ALICE, b"", ALICE + attribute(2, b"123"), ALICE + attribute(3, bytes(17)), ALICE + attribute(2, NEW_RA)],
    ids=["no-password", "no-name", "odd-length", "chap", "chance"],
)
def test_D6_what_nobody_has_proven_does_not_touch_the_cache_and_is_answered_all_the_same(attributes):
    """RFC 5080 section 2.2.2: anybody can send it, and RFC 2865 section 4.1 wants it rejected."""
    stage = Stage()
    (question,) = asked(stage.receive(REQUEST))
    intruder = plain(attributes, authenticator=NEW_RA)
    (reject,) = sent(stage.receive(intruder))
    assert sent(stage.receive(intruder)) == [reject]
    assert stage.receive(REQUEST) == []
    (reply,) = sent(decide(stage, question))
    assert sent(stage.receive(intruder)) == [reject]
    assert sent(stage.receive(REQUEST)) == [reply]


@pytest.mark.parametrize(("late_s", "n_replies", "n_asked"), [(-0.001, 1, 0), (0.001, 0, 1)])
def test_D7_a_reply_is_kept_for_5_to_30_seconds_from_when_it_was_sent(late_s: float, n_replies: int, n_asked: int):
    """RFC 5080 section 2.2.2."""
    window_s = parse(MINIMAL)[0].gateway.duplicate_window_s
    assert 5 <= window_s <= 30
    stage = Stage()
    (question,) = asked(stage.receive(REQUEST))
    decide(stage, question, now=40.0)
    effects = stage.receive(REQUEST, now=40.0 + window_s + late_s)
    assert (len(sent(effects)), len(asked(effects))) == (n_replies, n_asked)


def test_D7_a_reply_is_kept_as_long_as_its_request_goes_on_coming():
    """RFC 5080 section 2.2.2: the same octets are never a new request."""
    stage = Stage()
    (question,) = asked(stage.receive(REQUEST))
    (reply,) = sent(decide(stage, question))
    for second in range(20, 200, 20):
        effects = stage.receive(REQUEST, now=second)
        assert (sent(effects), asked(effects)) == ([reply], [])


def test_D8_a_pending_request_is_known_as_long_as_duo_is_asked():
    """RFC 5080 section 2.2.2: else a retransmission would be a second push."""
    stage = Stage()
    (question,) = asked(stage.receive(REQUEST))
    stage.engine.answered(question.pending, GO_ON, 0.0)
    stage.engine.answered(question.pending, PUSHED, 0.0)
    for identifier in range(2, 52):  # others come and go, and their replies expire
        (other,) = asked(
            stage.receive(signed(pap(user=b"u%d" % identifier), identifier=identifier), now=1.0 * identifier)
        )
        decide(stage, other, now=1.0 * identifier)
    assert stage.receive(REQUEST, now=74.0) == []


def test_D9_other_content_under_the_same_authenticator_never_gets_the_cached_reply():
    """RFC 2865 section 4.1: content that changes needs a new Identifier."""
    stage = Stage()
    (question,) = asked(stage.receive(REQUEST))
    (reply,) = sent(decide(stage, question))
    assert reply not in sent(stage.receive(signed(pap(b"push", user=b"mallory"))))


def test_D10_beyond_the_bound_of_pending_logins_new_requests_are_discarded():
    """The cache is bounded by count; pending entries stay."""
    stage = Stage(max_pending=2)
    questions = [
        question
        for identifier in range(2)
        for question in asked(stage.receive(signed(pap(user=b"u%d" % identifier), identifier=identifier)))
    ]
    stage.receive(signed(pap(user=b"one too many"), identifier=9))
    assert discard_reason(stage) == "overload"
    assert [len(sent(decide(stage, question))) for question in questions] == [1, 1]


def test_D10_beyond_the_bound_of_kept_replies_the_oldest_go_and_pending_requests_stay():
    """The cache is bounded by count; answered entries leave first."""
    stage = Stage()
    stage.engine = engine_for([("192.0.2.0/24", stage.nas)], max_replies=3)
    assert asked(stage.receive(signed(pap(user=b"pending"), identifier=99)))
    for identifier in range(5):
        (question,) = asked(stage.receive(signed(pap(user=b"u%d" % identifier), identifier=identifier)))
        decide(stage, question)
    assert stage.receive(signed(pap(user=b"pending"), identifier=99)) == []
    kept = [
        len(sent(stage.receive(signed(pap(user=b"u%d" % number), identifier=number)))) for number in range(4, -1, -1)
    ]
    assert kept == [1, 1, 1, 0, 0]


def test_D10_packets_that_join_a_pending_login_are_bounded_too():
    """The cache is bounded by count: one login must not hold thousands of packets."""
    stage = Stage(max_pending=4)
    (question,) = asked(stage.receive(signed(pap(b"push"), identifier=0), port=39_999))
    for port in range(40_000, 40_010):
        for identifier in range(256):
            assert not asked(stage.receive(signed(pap(b"push"), identifier=identifier), port=port))
    assert len(question.pending.transactions) == MAX_WAITING_PACKETS
    assert len(stage.engine._intake._duplicates) == MAX_WAITING_PACKETS
    assert [reply[1] for reply in sent(decide(stage, question))] == list(range(255, 255 - MAX_WAITING_PACKETS, -1))


def test_D10_a_packet_that_gave_way_to_newer_ones_begins_no_further_login():
    """One login, one push: its retransmission, after the verdict, meets silence."""
    stage = Stage()
    (question,) = asked(stage.receive(signed(pap(b"push"), identifier=0)))
    for identifier in range(1, MAX_WAITING_PACKETS + 5):
        stage.receive(signed(pap(b"push"), identifier=identifier))
    stage.receive(signed(pap(b"push"), identifier=1))
    answered = [reply[1] for reply in sent(decide(stage, question))]
    assert answered[:2] == [1, MAX_WAITING_PACKETS + 4]  # the newest arrival first
    for identifier in (0, 1, 2, MAX_WAITING_PACKETS + 4):
        effects = stage.receive(signed(pap(b"push"), identifier=identifier), now=1.0)
        assert not asked(effects)
        assert bool(sent(effects)) is (identifier in answered)


def test_D11_a_retransmission_meets_the_worker_of_its_original():
    """RFC 5080 section 2.2.2, for several processes: the kernel chooses by the packet's own octets."""
    with open_socket(socket.AF_INET, "127.0.0.1", 0, shared=False) as free:
        port = free.getsockname()[1]
    listening = ListeningSockets([ListeningAddress(socket.AF_INET, "127.0.0.1", port, ())], 4)
    members = [socket.socket(fileno=listening.of_slot(slot, 4)[0].descriptor) for slot in range(4)]
    met = set()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", port))
            for number in range(50):
                for attributes in (pap(user=b"user%d" % number), encode_attribute(4, bytes(4))):
                    authenticator = bytes((number, *range(15)))
                    request = signed(attributes, authenticator=authenticator, identifier=number)
                    slots = [slot_that_receives(members, client, request) for _ in range(3)]
                    assert len(set(slots)) == 1
                    met.add(slots[0])
    finally:
        for member in members:
            member.detach()
        listening.close()
    assert met == {0, 1, 2, 3}


def slot_that_receives(members: list[socket.socket], client: socket.socket, request: bytes) -> int:
    """Send a request and see which worker's socket has it."""
    client.send(request)
    ((member,), _, _) = select.select(members, [], [], 20)
    member.recv(4096)
    return members.index(member)


@pytest.mark.integration
def test_D11_retransmissions_through_several_workers_get_the_same_octets_and_no_second_push(site: Site):
    """RFC 5080 section 2.2.2, for several processes."""
    nas = site.start(gateway="workers=4").nas()
    for user in ("alice", "dave", "josé"):
        request = nas.send(user, "push")
        nas.send_octets(request)
        reply = nas.receive().packet.octets
        for _ in range(3):
            nas.send_octets(request)
            assert nas.receive().packet.octets == reply
        assert site.simulator.get("/api/counts")["users"][user]["push"] == 1


def test_D12_a_worker_that_is_killed_causes_no_second_push(site: Site):
    """RFC 5080 section 2.2.2: what its successor reads in the journal is what it knows of earlier requests."""
    site.simulator.post(
        "/api/users",
        {
            "username": "zoe",
            "devices": [{"device": "D1", "capabilities": ["auto", "push"]}],
            "answer": "person",
            "expires_after_s": 60,
        },
    )
    nas = site.start(gateway="workers=1").nas()
    request = nas.send("zoe", "push")
    (push,) = site.simulator.pending()
    site.simulator.until(auth_status=1)  # so the worker knows the push by its name
    (worker,) = site.gateway.worker_pids()
    os.kill(worker, signal.SIGKILL)
    nas.send_octets(request)
    assert nas.login("alice", "123456").is_accept
    site.simulator.decide(push)
    reply = nas.receive().packet.octets
    nas.send_octets(request)
    assert nas.receive().packet.octets == reply
    assert site.simulator.get("/api/counts")["users"]["zoe"]["push"] == 1


def test_D13_after_the_deadline_of_the_client_nothing_more_is_sent():
    """RFC 5080 section 2.10: `response_deadline_s`."""
    stage = Stage(response_deadline_s=18.0)
    (question,) = asked(stage.receive(REQUEST))
    effects = stage.engine.timer(18.0)
    assert isinstance(effects[0], StopAsking)
    assert len(sent(effects)) == 1
    assert decide(stage, question, now=19.0) == []


def test_D15_what_cannot_be_served_is_dropped_at_the_door():
    """RFC 5080 sections 2.2.1 and 2.2.3: nothing is queued."""
    stage = Stage(max_pending=1)
    stage.receive(REQUEST)
    (notice,) = stage.receive(signed(pap(user=b"bob"), identifier=2))
    assert isinstance(notice, Notice)
    assert stage.engine.n_pending == 1
    assert not asked(stage.receive(signed(pap(user=b"bob"), identifier=2), now=1.0))
