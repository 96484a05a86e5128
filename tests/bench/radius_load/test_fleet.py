"""The inner loop on real sockets, against a responder of a few lines."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Any

import pytest

from bench.radius_load import fleet
from bench.radius_load.fleet import Fleet, Progress
from bench.radius_load.plan import LoadPlan, Mix, Retransmission, phases_from_text
from bench.radius_load.result import LoadResult, merge
from gateway.radius.dictionary import USER_NAME
from tests.bench.radius_load.responder import SECRET, SHARED_SECRET, Behaviour, Responder, accept, duo, reject, silence

LONG = Retransmission(first_s=60, max_s=60)
BRISK = Retransmission(first_s=0.05, max_s=0.2, tries=3)
STUBBORN = Retransmission(first_s=0.05, max_s=0.2, tries=200)


class Site:
    """Responders, and loads that are sent to them."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def responder(self, behaviour: Behaviour) -> Responder:
        return self._stack.enter_context(Responder(behaviour))

    def load(self, *responders: Responder, phases: str = "200x0.2", **fields: Any) -> LoadResult:
        plan = LoadPlan(
            targets=tuple(responder.target for responder in responders),
            shared_secret=fields.pop("shared_secret", SECRET),
            phases=phases_from_text(phases),
            **{"drain_s": 30.0, "retransmission": LONG, **fields},
        )
        return send(plan)


def send(
    plan: LoadPlan, on_progress: Callable[[Progress], None] = lambda _: None, began_s_ago: float = 0.0
) -> LoadResult:
    with closing(Fleet(plan, 0)) as load:
        began_at = time.monotonic() - began_s_ago
        return merge(plan, [load.run(began_at, on_progress)], began_at)


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setattr(fleet, "BEHIND_S", 30.0)  # a machine that stands still for a second leaves no login out
    with ExitStack() as stack:
        yield Site(stack)


def test_each_login_is_sent_once_and_answered(site):
    responder = site.responder(accept)
    result = site.load(responder)
    assert (result.planned, result.unsent, result.answered, result.unexpected) == (40, 0, 40, 0)
    assert len(responder.heard) == 40
    assert result.record.counts.keys() == {"packets_sent", "packets_received"}
    assert (result.record.answered_at > result.record.sent_at).all()
    assert (result.record.sent_at >= result.record.planned_at).all()


def test_nobody_is_asked_for_before_the_plan_says_so(site):
    result = site.load(site.responder(accept), phases="0x0.3 100x0.1")
    assert result.record.planned_at[0] >= 0.3
    assert result.record.sent_at[0] >= 0.3


def test_kinds_come_as_mixed_and_each_with_its_right_outcome(site):
    result = site.load(
        site.responder(duo), mix=Mix(passcode=0.4, wrong_passcode=0.2, push=0.2, push_denied=0.2), phases="500x0.3"
    )
    assert result.unexpected == 0
    assert {name: max(tally, key=tally.get) for name, tally in result.outcomes.items()} == {
        "passcode": "accept",
        "wrong_passcode": "reject",
        "push": "accept",
        "push_denied": "reject",
    }
    assert sum(sum(tally.values()) for tally in result.outcomes.values()) == 150


def test_a_wrong_outcome_is_unexpected(site):
    assert site.load(site.responder(reject)).unexpected == 40


def test_no_user_has_two_logins_under_way(site):
    """Nobody is answered, so that everybody stays busy."""
    responder = site.responder(silence)
    result = site.load(responder, n_users=15, drain_s=0.0)
    responder.close()
    names = [name for packet in responder.packets for name in packet.values(USER_NAME)]
    assert sorted(names) == [b"u%06d" % number for number in range(15)]
    assert (result.sent, result.unsent, result.record.counts["no_user"]) == (15, 25, 25)


def test_no_identifier_is_used_twice_while_a_reply_is_awaited(site):
    responder = site.responder(silence)
    result = site.load(responder, n_nas=1, phases="3000x0.1", drain_s=0.0)
    responder.close()
    assert len({packet.identifier for packet in responder.packets}) == len(responder.heard) == 256
    assert result.record.counts["no_identifier"] == result.unsent == 44


def test_nas_have_addresses_and_ports_of_their_own(site):
    responder = site.responder(accept)
    site.load(responder, n_nas=6, source_network="127.77.0.0/29")
    assert {host for (host, _), _ in responder.heard} == {f"127.77.0.{number}" for number in range(1, 7)}
    responder.heard.clear()
    site.load(responder, n_nas=6)
    assert len({source for source, _ in responder.heard}) == 6


def test_a_retransmission_is_the_same_packet_from_the_same_port(site):
    responder = site.responder(lambda request, n_before: accept(request, 0) if n_before else [])
    result = site.load(responder, retransmission=STUBBORN)
    assert result.answered == 40
    assert result.retransmissions >= 40
    assert all(n_times >= 2 for n_times in Counter(responder.heard).values())
    assert len(set(responder.heard)) == 40


def test_a_login_asks_for_one_push_however_often_it_is_sent(site):
    responder = site.responder(lambda request, n_before: duo(request, 0) if n_before else [])
    result = site.load(responder, retransmission=STUBBORN, mix=Mix(push=0.5, push_denied=0.5), n_users=9)
    names = {packet.octets: name.decode() for packet in responder.packets for name in packet.values(USER_NAME)}
    assert result.retransmissions
    assert result.record.push_logins == Counter(names.values())
    assert not site.load(site.responder(accept)).record.push_logins, "nobody is pushed for a passcode"


def test_an_answer_to_a_retransmission_is_no_double_answer(site):
    """The responder sends its reply to a request only when that has come three times, and then three times."""
    result = site.load(
        site.responder(lambda request, n_before: accept(request, 0) * 3 if n_before == 2 else []),
        retransmission=STUBBORN,
    )
    assert result.answered == 40
    assert result.record.counts["repeated_answers"] > 0
    assert result.double_answers == 0


def test_two_different_answers_to_one_request_are_a_double_answer(site):
    result = site.load(site.responder(lambda request, _: [*accept(request, 0), *reject(request, 0)]))
    assert result.double_answers > 0
    assert result.unexpected == 0  # the first one counts


def test_what_is_never_answered_is_lost_after_all_tries(site):
    responder = site.responder(silence)
    result = site.load(responder, retransmission=BRISK)
    responder.close()
    assert (result.answered, result.lost) == (0, 40)
    assert set(Counter(responder.heard).values()) == {3}


def test_the_second_server_is_asked_by_a_new_packet_when_the_first_is_silent(site):
    first, second = site.responder(silence), site.responder(accept)
    way = Retransmission(first_s=0.5, max_s=0.5, tries=2, servers=2)
    result = site.load(first, second, retransmission=way)
    assert result.answered == result.record.counts["failovers"] == 40
    first.close()
    assert len(first.heard) == 80
    assert {packet.authenticator for packet in first.packets}.isdisjoint(
        packet.authenticator for packet in second.packets
    )


def test_an_answer_after_the_nas_gave_up_is_counted_apart(site):
    """Each request is answered when five further ones have come, a quarter of a second later."""
    asked = []

    def answer_the_fifth_before(request, _):
        asked.append(request)
        return accept(asked[-6], 0) if len(asked) > 5 else []

    result = site.load(
        site.responder(answer_the_fifth_before), phases="20x0.6", retransmission=Retransmission(0.05, 0.05), n_nas=1
    )
    assert (result.answered, result.lost, result.invalid) == (0, 12, 0)
    assert result.record.counts["after_giving_up"] > 0


def test_all_controllers_ask_for_a_login_and_each_gets_its_answer(site):
    responder = site.responder(accept)
    result = site.load(responder, retransmission=Retransmission(60, 60, controllers=2), n_nas=4)
    assert result.answered == 40
    assert result.record.counts["packets_received"] == 80
    names = Counter(name for packet in responder.packets for name in packet.values(USER_NAME))
    assert set(names.values()) == {2}
    assert len({source for source, _ in responder.heard}) == 4


def test_controllers_that_are_told_different_things_are_a_contradiction(site):
    names = set()

    def answer(request, n_before):
        (name,) = request.values(USER_NAME)
        is_second = name in names
        names.add(name)
        return reject(request, n_before) if is_second else accept(request, n_before)

    result = site.load(site.responder(answer), retransmission=Retransmission(60, 60, controllers=2))
    assert result.record.counts["contradictions"] == 40


@pytest.mark.parametrize("way", [Retransmission(60, 60, controllers=2), Retransmission(0.2, 0.2, controllers=2)])
def test_a_login_that_only_one_controller_was_told_of_is_half_answered(site, way):
    """The second one still waits at the end, or has given up."""
    names = set()

    def answer(request, n_before):
        (name,) = request.values(USER_NAME)
        is_second = name in names
        names.add(name)
        return [] if is_second else accept(request, n_before)

    result = site.load(site.responder(answer), retransmission=way, drain_s=1.0)
    assert (result.answered, result.lost) == (40, 0)
    assert result.record.counts["half_answered"] == 40


def test_a_login_that_nobody_was_told_of_is_lost_and_not_half_answered(site):
    result = site.load(site.responder(silence), retransmission=Retransmission(0.1, 0.1, controllers=2), drain_s=1.0)
    assert (result.lost, result.record.counts["half_answered"]) == (40, 0)


def test_another_secret_is_invalid_and_answers_nothing(site):
    result = site.load(site.responder(accept), shared_secret="another", drain_s=0.5)
    assert (result.answered, result.lost) == (0, 40)
    assert result.invalid > 0


def test_a_reply_without_message_authenticator_is_taken_and_counted(site):
    def answer(request, _):
        header = bytes((2, request.identifier, 0, 20))
        return [header + SHARED_SECRET.response_authenticator(header + request.authenticator)]

    result = site.load(site.responder(answer))
    assert result.answered == result.unsigned == 40


def test_a_port_that_nobody_listens_on_is_no_error_of_ours(site):
    with Responder(accept) as gone:
        pass
    result = site.load(gone, drain_s=0.0)
    assert result.answered == 0
    assert result.record.counts["refused"] + result.lost > 0


def test_what_the_generator_cannot_send_in_time_is_unsent(site, monkeypatch):
    """It began two seconds too late."""
    monkeypatch.setattr(fleet, "BEHIND_S", 1.0)
    plan = LoadPlan(
        targets=(site.responder(accept).target,), shared_secret=SECRET, phases=phases_from_text("50000x0.5")
    )
    result = send(plan, began_s_ago=2.0)
    assert result.unsent == result.record.counts["behind"] > 0
    assert result.late == result.sent


def test_progress_is_told(site):
    told = []
    plan = LoadPlan(
        targets=(site.responder(accept).target,), shared_secret=SECRET, phases=phases_from_text("100x1.2"), n_users=500
    )
    send(plan, told.append)
    assert len(told) >= 2
    assert told[-1].sent >= told[0].sent > 0
