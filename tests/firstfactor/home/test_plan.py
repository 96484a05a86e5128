"""Which home server is asked, how often, and what becomes of a question; no sockets, and time is handed on."""

import pytest

from gateway.engine.first_factor import Accepted, Challenged, Refused
from gateway.firstfactor.home.server import Limits
from gateway.firstfactor.home.states import ENDED, OUT, WAITING
from gateway.firstfactor.host_states import UP
from gateway.radius.client import encode_attribute
from gateway.radius.hidden import Hop
from tests.firstfactor.home.scene import ACCEPT, CHALLENGE, FIRST, PASSWORD, REJECT, SECOND, Scene

CLASS = encode_attribute(25, b"staff")


class TestAnswers:
    def test_an_accept_brings_its_attributes_and_what_decrypts_them(self):
        scene = Scene()
        question = scene.ask()
        request = scene.sent[0].packet
        scene.answer(attributes=CLASS)
        accepted = question.result
        assert isinstance(accepted, Accepted)
        assert accepted.attributes.endswith(CLASS)
        assert accepted.hop == Hop(scene.servers[0].shared_secret, request.authenticator)
        assert accepted.host == "10.0.0.1:1812"

    def test_a_reject_is_final(self):
        scene = Scene(3)
        question = scene.ask()
        scene.answer(code=REJECT, attributes=encode_attribute(18, b"Go") + encode_attribute(18, b"away"))
        scene.wait(100)
        refused = question.result
        assert isinstance(refused, Refused)
        assert (refused.reason, refused.text) == ("first_factor_rejected", "Go\naway")
        assert scene.trace == [(FIRST, 0.0)]

    def test_what_a_reject_repeats_of_the_password_is_not_told(self):
        scene = Scene()
        question = scene.ask(password="grün&7".encode())
        scene.answer(code=REJECT, attributes=encode_attribute(18, "no grün&7 here: [alice/grün&7]".encode()))
        refused = question.result
        assert isinstance(refused, Refused)
        assert refused.text == "no *** here: [alice/***]"

    def test_nor_is_what_stands_in_two_attributes(self):
        """A text of more than 253 octets is cut wherever that ends."""
        scene = Scene()
        question = scene.ask(password=b"Tr0ub4dor&3")
        texts = (b"x" * 247 + b"Tr0ub4", b"dor&3 is wrong\0", b"No.")
        scene.answer(code=REJECT, attributes=b"".join([encode_attribute(18, text) for text in texts]))
        refused = question.result
        assert isinstance(refused, Refused)
        assert refused.text == "x" * 247 + "*** is wrong\nNo."

    def test_of_a_long_text_no_more_is_told_than_one_reads(self):
        scene = Scene()
        question = scene.ask()
        scene.answer(code=REJECT, attributes=encode_attribute(18, b"x" * 253) * 10)
        refused = question.result
        assert isinstance(refused, Refused)
        assert len(refused.text) == 1000

    def test_a_challenge_brings_its_state_and_who_has_issued_it(self):
        scene = Scene()
        question = scene.ask()
        scene.answer(code=CHALLENGE, attributes=encode_attribute(24, b"s1"))
        challenged = question.result
        assert isinstance(challenged, Challenged)
        assert (challenged.state, challenged.host) == (b"s1", "10.0.0.1:1812")

    def test_the_answer_to_a_challenge_goes_to_that_home_server_alone(self):
        scene = Scene(2)
        question = scene.ask(state=b"s1", host="10.0.0.2:1812")
        assert scene.sent[0].packet.value(24) == b"s1"
        scene.wait(100)
        assert {host for host, _ in scene.trace} == {SECOND}
        assert question.why == ("timeout", "10.0.0.2:1812 did not answer")

    def test_to_one_that_is_not_asked_any_more_nothing_goes(self):
        scene = Scene()
        question = scene.ask(state=b"s1", host="10.0.0.9:1812")
        assert question.why[0] == "configuration"
        assert not scene.sent

    @pytest.mark.parametrize("code", [ACCEPT, REJECT, CHALLENGE])
    def test_credentials_are_forgotten_with_the_answer(self, code):
        scene = Scene()
        question = scene.ask(attributes=CLASS, state=b"s", host="10.0.0.1:1812")
        scene.answer(code=code)
        assert (question.question.password, question.question.attributes, question.question.state) == (None, b"", b"")
        assert question.octets == b""
        assert question.state is ENDED

    def test_a_second_answer_is_none(self):
        scene = Scene()
        question = scene.ask()
        scene.answer(code=REJECT)
        scene.answer()
        assert isinstance(question.result, Refused)
        assert scene.servers[0].discards == {"unasked": 1}


class TestTries:
    def test_the_same_octets_again_and_then_the_next_home_server(self):
        scene = Scene(2)
        question = scene.ask()
        scene.wait(29)
        assert scene.trace == [(FIRST, t) for t in (0, 2, 4, 6)] + [(SECOND, t) for t in (8, 10, 12, 14)]
        first, second = ({each.octets for each in half} for half in (scene.asked[:4], scene.asked[4:]))
        assert (len(first), len(second)) == (1, 1)
        assert question.why == ("timeout", "10.0.0.1:1812 did not answer; 10.0.0.2:1812 did not answer")

    def test_another_home_server_gets_a_request_of_its_own(self):
        scene = Scene(2)
        scene.ask()
        scene.wait(8)
        for sent in (scene.asked[0], scene.asked[-1]):
            packet, secret = sent.packet, sent.server.shared_secret
            assert secret.has_signed(packet)
            assert secret.reveal_user_password(packet.values(2)[0], packet.authenticator) == PASSWORD
        assert scene.asked[0].packet.authenticator != scene.asked[-1].packet.authenticator

    def test_an_answer_to_a_retransmission_counts(self):
        scene = Scene(2)
        question = scene.ask()
        scene.wait(5)
        scene.answer()
        scene.wait(100)
        assert isinstance(question.result, Accepted)
        assert len(scene.trace) == 3

    def test_what_the_former_home_server_says_late_is_nothing(self):
        scene = Scene(2)
        question = scene.ask()
        scene.wait(8)
        scene.answer(scene.sent[0])
        assert not question.results
        scene.answer(code=REJECT)
        assert isinstance(question.result, Refused)

    @pytest.mark.parametrize(("deadline", "tries"), [(1000.5, 1), (1003.0, 2), (1009.0, 5), (1000.0, 0), (999.0, 0)])
    def test_nothing_happens_beyond_the_time_that_is_left(self, deadline, tries):
        scene = Scene(2)
        question = scene.ask(deadline=deadline)
        scene.wait(100)
        assert question.why[0] == "timeout"
        assert len(scene.trace) == tries

    def test_the_time_of_the_section_bounds_all(self):
        scene = Scene(9, Limits(timeout_s=11))
        question = scene.ask()
        scene.wait(11)
        assert question.results
        assert [host for host, _ in scene.trace] == [FIRST] * 4 + [SECOND] * 2

    def test_a_cancelled_question_is_sent_no_more_and_not_answered(self):
        scene = Scene()
        question = scene.ask()
        scene.cancel(question)
        scene.answer()
        scene.wait(100)
        scene.cancel(question)
        assert not question.results
        assert len(scene.trace) == 1
        assert question.question.password is None

    def test_what_is_no_radius_packet_is_not_asked(self):
        scene = Scene(2)
        assert scene.ask(attributes=bytes(4096)).why[0] == "configuration"
        assert scene.ask(password=b"x" * 129).why[0] == "configuration"
        assert not scene.sent
        assert [server.n_out for server in scene.servers] == [0, 0]


class TestClosedPorts:
    def test_the_next_one_is_asked_at_once(self):
        scene = Scene(2)
        question = scene.ask()
        scene.refuse()
        assert scene.trace == [(FIRST, 0), (SECOND, 0)]
        scene.answer()
        assert isinstance(question.result, Accepted)

    def test_for_a_second_others_are_asked_first(self):
        """It may be there again in a moment, and nobody tells of each refusal."""
        scene = Scene(2)
        scene.ask()
        scene.refuse()
        scene.wait(0.5)
        scene.ask()
        scene.wait(0.5)
        scene.ask()
        assert [host for host, _ in scene.trace] == [FIRST, SECOND, SECOND, FIRST]
        assert scene.servers[0].state is UP

    def test_all_that_are_out_there_turn_away(self):
        scene = Scene(2)
        questions = [scene.ask() for _ in range(5)]
        scene.refuse()
        assert [question.server for question in questions] == [scene.servers[1]] * 5
        assert [server.n_out for server in scene.servers] == [0, 5]

    def test_without_another_the_tries_go_on(self):
        scene = Scene()
        restarting, gone = scene.ask(), scene.ask()
        scene.refuse()
        scene.wait(2)
        scene.refuse()
        scene.answer(scene.sent[2])
        assert isinstance(restarting.result, Accepted)
        scene.wait(100)
        assert gone.why == ("connect", "10.0.0.1:1812 cannot be reached: Connection refused")

    def test_a_port_that_cannot_be_opened(self):
        scene = Scene(2)
        question = scene.ask()
        scene.fail(scene.sent[0])
        assert [host for host, _ in scene.trace] == [FIRST, SECOND]
        scene.fail(scene.sent[1])
        assert question.why[0] == "connect"
        assert [(server.n_out, server.ports) for server in scene.servers] == [(0, {}), (0, {})]


class TestPlaces:
    def test_more_than_may_be_out_wait_in_order(self):
        scene = Scene(2, Limits(max_in_flight=2))
        questions = [scene.ask(b"%d" % number) for number in range(4)]
        assert [question.state for question in questions] == [OUT, OUT, WAITING, WAITING]
        scene.answer(scene.sent[1])
        assert [question.state for question in questions] == [OUT, ENDED, OUT, WAITING]
        scene.cancel(questions[0])
        assert questions[3].state is OUT
        assert scene.servers[1].n_out == 0

    def test_who_waits_in_vain_is_told(self):
        scene = Scene(1, Limits(max_in_flight=1, retries=9))
        scene.ask()
        late = scene.ask(deadline=scene.now + 3)
        scene.wait(3)
        assert late.why == ("busy", "10.0.0.1:1812 has 1 questions of ours already")
        assert late.sent_at == 0.0

    def test_who_goes_while_waiting_leaves_no_trace(self):
        scene = Scene(1, Limits(max_in_flight=1))
        scene.ask()
        scene.cancel(scene.ask())
        scene.answer()
        assert len(scene.sent) == 1
        assert scene.servers[0].n_out == 0

    def test_a_port_has_256_identifiers_and_more_need_another(self):
        scene = Scene(1, Limits(max_in_flight=1000))
        for _ in range(600):
            scene.ask()
        out = [(sent.number, sent.packet.identifier) for sent in scene.sent]
        assert len(set(out)) == 600
        assert len(scene.open) == 3

    def test_an_identifier_is_used_again_as_late_as_can_be(self):
        scene = Scene()
        seen = []
        for _ in range(257):
            scene.ask()
            seen.append(scene.sent[-1].packet.identifier)
            scene.answer()
        assert seen == [*range(256), 0]


class TestNames:
    def test_a_question_waits_for_the_only_address(self):
        scene = Scene(located=False)
        question = scene.ask()
        assert question.state is WAITING
        scene.locate(scene.servers[0])
        assert question.state is OUT

    def test_and_turns_to_one_that_is_known(self):
        scene = Scene(2, located=False)
        scene.locate(scene.servers[1])
        scene.ask()
        assert [host for host, _ in scene.trace] == [SECOND]

    def test_a_name_that_cannot_be_resolved_is_passed_over(self):
        scene = Scene(2, located=False)
        scene.perform(scene.plan.lost(scene.servers[0], "cannot be resolved: Name unknown", scene.now))
        question = scene.ask()
        assert question.server is scene.servers[1]
        scene.perform(scene.plan.lost(scene.servers[1], "cannot be resolved: Name unknown", scene.now))
        assert question.why[0] == "dns"
        assert scene.ask().why == ("dns", "10.0.0.1:1812 cannot be resolved; 10.0.0.2:1812 cannot be resolved")

    def test_one_that_is_never_resolved_ends_with_its_time(self):
        scene = Scene(located=False)
        question = scene.ask()
        scene.wait(30)
        assert question.why == ("dns", "10.0.0.1:1812 cannot be resolved in time")

    def test_a_known_address_stays_while_dns_is_away(self):
        scene = Scene()
        scene.perform(scene.plan.lost(scene.servers[0], "cannot be resolved: Name unknown", scene.now))
        assert scene.ask().state is OUT

    def test_at_a_new_address_new_questions_are_asked_from_a_new_port(self):
        scene = Scene()
        before = scene.ask()
        old = scene.sent[0]
        scene.locate(scene.servers[0], "10.0.9.9")
        after = scene.ask()
        assert scene.sent[1].number != old.number
        assert not scene.closed
        scene.answer(old)
        assert isinstance(before.result, Accepted)
        assert scene.closed == [old.number]
        scene.answer()
        assert isinstance(after.result, Accepted)

    def test_from_a_port_that_sends_nothing_new_questions_are_not_asked(self):
        scene = Scene()
        before = scene.ask()
        old = scene.sent[0]
        scene.unsent(old)
        scene.unsent(old)
        after = scene.ask()
        assert scene.sent[1].number != old.number
        scene.answer(old)  # what had left before
        assert isinstance(before.result, Accepted)
        assert scene.closed == [old.number]
        scene.unsent(old)
        scene.answer()
        assert isinstance(after.result, Accepted)
        assert len(scene.open) == 1

    def test_the_same_address_changes_nothing(self):
        scene = Scene()
        scene.ask()
        scene.locate(scene.servers[0])
        scene.answer()
        scene.ask()
        assert len(scene.open) == 1
