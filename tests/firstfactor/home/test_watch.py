"""Which home servers are down, who is told of it, and how one comes back; no sockets, and time is handed on."""

import pytest

from gateway.engine.first_factor import Accepted
from gateway.firstfactor.home.server import Limits
from gateway.firstfactor.home.states import OUT, WAITING
from gateway.firstfactor.home.watch import PROBE_INTERVAL_S, REST_S
from gateway.firstfactor.host_states import DOWN, TRIAL, UP
from gateway.unavailable import Trouble
from tests.firstfactor.home.scene import FIRST, NO_PROBES, REJECT, SECOND, Scene


class TestSilence:
    def test_who_is_silent_for_a_round_is_asked_last(self):
        scene = Scene(2, NO_PROBES)
        scene.ask()
        scene.wait(8)
        assert scene.news.pop() == ("10.0.0.1:1812", DOWN)
        scene.sent.clear()
        scene.ask()
        assert [host for host, _ in scene.trace] == [SECOND]
        scene.wait(8)
        assert scene.trace[-1][0] == FIRST

    def test_who_answers_others_is_not_down(self):
        scene = Scene(2)
        scene.ask(b"somebody whom it ignores")
        scene.wait(5)
        scene.ask()
        scene.answer()
        scene.wait(5)
        assert not scene.news
        assert scene.trace[-1][0] == SECOND

    def test_who_waits_for_it_turns_to_the_next(self):
        scene = Scene(2, Limits(probes=False, max_in_flight=2))
        first, second = scene.ask(), scene.ask()
        scene.wait(6)
        third, fourth = scene.ask(), scene.ask()
        assert third.state is fourth.state is WAITING
        scene.wait(2)
        assert {question.server for question in (first, second, third, fourth)} == {scene.servers[1]}
        assert [question.state for question in (first, second, third, fourth)] == [WAITING, WAITING, OUT, OUT]

    def test_a_round_that_has_begun_there_is_not_ended_there(self):
        scene = Scene(2, NO_PROBES)
        scene.ask()
        scene.wait(7)
        late = scene.ask()
        scene.wait(2)
        assert late.server is scene.servers[1]

    def test_it_is_silent_too_for_questions_that_have_less_time_than_a_round(self):
        scene = Scene(2, NO_PROBES)
        scene.ask(deadline=scene.now + 5)
        scene.wait(5)
        assert scene.servers[0].state is DOWN

    @pytest.mark.parametrize(("after", "state"), [(1.0, UP), (5.0, DOWN)])
    def test_and_for_those_that_are_cancelled_after_a_second_try(self, after, state):
        """The NAS may wait for less time than a round takes: else the next home server would never be asked."""
        scene = Scene(2, NO_PROBES)
        question = scene.ask()
        scene.wait(after)
        scene.cancel(question)
        assert scene.servers[0].state is state
        scene.ask()
        assert scene.trace[-1][0] == (SECOND if state is DOWN else FIRST)

    def test_with_one_try_and_little_time_nothing_can_be_told(self):
        scene = Scene(2, NO_PROBES)
        question = scene.ask(deadline=scene.now + 1)
        scene.wait(5)
        assert scene.servers[0].state is UP
        assert question.why == ("timeout", "10.0.0.1:1812 did not answer in time")

    def test_all_are_down_and_are_asked_all_the_same(self):
        scene = Scene(2, NO_PROBES)
        scene.ask()
        scene.wait(16)
        question = scene.ask()
        scene.wait(3)
        scene.answer()
        assert isinstance(question.result, Accepted)
        assert [server.state for server in scene.servers] == [UP, DOWN]


def down(limits: Limits) -> Scene:
    """The first of two has been silent for a round; what is asked later is in `sent`."""
    scene = Scene(2, limits)
    question = scene.ask()
    scene.wait(8)
    scene.answer(scene.asked[-1])
    assert isinstance(question.result, Accepted)
    assert scene.servers[0].state is DOWN
    return scene


class TestRevival:
    def test_one_question_sees_whether_it_is_back(self):
        scene = down(NO_PROBES)
        scene.wait(REST_S)
        scene.sent.clear()
        trial, other = scene.ask(), scene.ask()
        assert [host for host, _ in scene.trace] == [FIRST, SECOND]
        assert scene.servers[0].state is TRIAL
        scene.answer(scene.sent[0])
        assert scene.servers[0].state is UP
        assert isinstance(trial.result, Accepted)
        assert not other.results

    def test_and_turns_away_after_one_try(self):
        scene = down(NO_PROBES)
        scene.wait(REST_S)
        scene.sent.clear()
        trial = scene.ask()
        scene.wait(2)
        assert [each.server for each in scene.sent] == scene.servers
        assert scene.servers[0].state is DOWN
        assert scene.servers[0].down_until == scene.now + REST_S
        scene.answer()
        assert isinstance(trial.result, Accepted)

    def test_if_it_is_cancelled_the_next_one_sees(self):
        scene = down(NO_PROBES)
        scene.wait(REST_S)
        scene.cancel(scene.ask())
        assert scene.servers[0].state is DOWN
        scene.ask()
        assert scene.servers[0].state is TRIAL

    def test_status_server_brings_it_back(self):
        scene = down(Limits())
        assert len(scene.probes) == 1
        scene.wait(PROBE_INTERVAL_S)
        assert len({probe.octets for probe in scene.probes}) == 2
        scene.answer(scene.probes[0])  # which waits for none any more
        assert scene.servers[0].state is DOWN
        scene.answer(scene.probes[1])
        assert scene.servers[0].state is UP
        scene.wait(100)
        assert len(scene.probes) == 2

    def test_status_server_leaves_a_port_that_sends_nothing(self):
        scene = Scene()
        scene.ask()
        scene.wait(8)
        (probe,) = scene.probes
        scene.unsent(probe)
        scene.wait(10)
        assert scene.closed == [probe.number]
        assert scene.probes[1].number != probe.number
        scene.answer(scene.probes[1])
        assert scene.servers[0].state is UP

    def test_each_status_server_without_an_answer_is_another_failure(self):
        scene = down(Limits())
        for _ in range(2):
            scene.wait(PROBE_INTERVAL_S)
            assert (scene.servers[0].failed_at, scene.servers[0].trouble) == (scene.now, Trouble.TIMEOUT)

    def test_status_server_is_signed_and_says_who_asks(self):
        probe = down(Limits()).probes[0]
        assert probe.server.shared_secret.has_signed(probe.packet)
        assert probe.packet.octets[20] == 80
        assert probe.packet.value(4) == bytes([10, 0, 0, 1])

    def test_a_reject_answers_no_status_server(self):
        scene = down(Limits())
        scene.answer(scene.probes[0], code=REJECT)
        assert scene.servers[0].state is DOWN
        assert scene.servers[0].discards == {"unexpected_code": 1}

    def test_yes_is_status_server_alone(self):
        scene = down(Limits(returns_untested=False))
        scene.wait(REST_S * 3)
        scene.sent.clear()
        scene.ask()
        assert [host for host, _ in scene.trace] == [SECOND]

    def test_no_is_without(self):
        assert not down(NO_PROBES).probes


class TestNews:
    def test_status_server_tells_when_it_is_back(self):
        """Where others are asked instead, no question may come there for days."""
        scene = Scene(2)
        scene.ask()
        scene.refuse()
        scene.answer()
        gone = scene.servers[0]
        scene.wait(PROBE_INTERVAL_S)
        scene.refuse(scene.probes[0])
        assert (gone.failed_at, gone.trouble) == (scene.now, Trouble.CONNECT)
        scene.wait(PROBE_INTERVAL_S)
        scene.answer(scene.probes[1])
        assert gone.heard_at == scene.now
        scene.wait(100)
        assert len(scene.probes) == 2

    def test_the_log_is_told_once_and_when_it_is_back(self):
        scene = Scene(2)
        for _ in range(2):
            scene.ask()
            scene.refuse(scene.asked[0])
            scene.answer()
        assert scene.news == [(scene.servers[0].name, UP)]
        assert scene.servers[0].is_told
        scene.wait(11)
        scene.answer(scene.probes[-1])
        assert scene.news[1:] == [(scene.servers[0].name, UP)]
        assert not scene.servers[0].is_told

    def test_a_name_that_cannot_be_resolved_is_told_of_too(self):
        scene = Scene(1, located=False)
        scene.perform(scene.plan.lost(scene.servers[0], "cannot be resolved", scene.now))
        scene.perform(scene.plan.lost(scene.servers[0], "cannot be resolved", scene.now))
        assert len(scene.news) == 1
        scene.locate(scene.servers[0])
        scene.ask()
        scene.answer()
        assert len(scene.news) == 2

    def test_one_that_is_silent_then_is_told_of_no_more(self):
        scene = Scene(1)
        scene.ask()
        scene.refuse()
        scene.wait(10)
        assert scene.servers[0].state is DOWN
        assert len(scene.news) == 1
