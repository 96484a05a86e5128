"""What a home server's accept has for the NAS: what goes on, what is hidden anew, what fits and what does not."""

import pytest

from gateway.duoapi.calls import PreauthAnswer
from gateway.engine.effects import Finished, LeftOut
from gateway.engine.modes.auto import Auto
from gateway.engine.modes.concat import Concat
from gateway.engine.modes.passing_on import MOST_LEFT_OUT
from gateway.radius.attributes import AttributeKind, encode
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import EAP_MESSAGE, PROXY_STATE, REPLY_MESSAGE, Code
from gateway.radius.hidden import Hop, hide_salted, reveal_salted
from tests.engine.home_scene import (
    CLASS,
    GO_ON,
    GREETING,
    HOME_RA,
    HOME_SECRET,
    HOST,
    PASSWORD,
    HomeStage,
)
from tests.engine.scene import ALLOWED, PUSHED, SECRET, message


class TestAttributes:
    KEY = bytes(range(32))
    KIND = AttributeKind(311, 16)

    def hidden(self) -> bytes:
        return encode(self.KIND, hide_salted(self.KEY, Hop(HOME_SECRET, HOME_RA), 7))

    def test_texts_of_home_stand_before_duos(self):
        stage = HomeStage()
        stage.ask()
        stage.accept(GREETING + encode_attribute(REPLY_MESSAGE, b"two\r\nlines"))
        stage.answer(GO_ON)
        stage.answer(PUSHED)
        stage.answer(ALLOWED)
        assert message(stage.reply) == "Hello\ntwo\nlines\nSuccess. Logging you in..."

    def test_hidden_ones_are_hidden_anew_for_each_packet_and_its_secret(self):
        stage = HomeStage()
        stage.ask()
        first = stage.asked[-1].pending.transactions[0]
        stage.ask(port=40002)
        other = type(SECRET)(b"another secret of this client")
        pending = first.pending
        pending.transactions[1].nas = pending.transactions[1].nas.with_next_secret(other)
        stage.effects = stage.engine.answered(pending, self.accepted(), 0.0)
        for answer in (GO_ON, PUSHED, ALLOWED):
            stage.answer(answer)
        newest, oldest = stage.replies
        values = {}
        for reply, secret, number in ((newest, other, 2), (oldest, SECRET, 1)):
            values[number] = reply.vendor_value(311, 16)
            assert reveal_salted(values[number], Hop(secret, number.to_bytes(16, "big"))) == self.KEY
        assert values[1] != values[2]

    def accepted(self):
        from gateway.engine.first_factor import Accepted

        return Accepted(self.hidden() + CLASS, HOST, Hop(HOME_SECRET, HOME_RA))

    def test_what_does_not_fit_lets_nobody_in_with_a_part_of_it(self):
        stage = HomeStage()
        stage.ask(extra=encode_attribute(PROXY_STATE, bytes(253)) * 3)
        stage.accept(encode_attribute(25, bytes(253)) * 13)
        stage.answer(PreauthAnswer("allow"))
        assert (stage.reply.code, stage.reply.values(25)) == (Code.ACCESS_REJECT, [])
        assert stage.engine.n_pending == 0

    def test_and_the_log_says_so(self):
        """What it says is what the newest packet gets, which the NAS waits for."""
        stage = HomeStage()
        stage.ask(extra=encode_attribute(PROXY_STATE, bytes(253)) * 3)
        stage.accept(encode_attribute(25, bytes(253)) * 13)
        stage.answer(PreauthAnswer("allow"))
        (finished,) = [each for each in stage.effects if isinstance(each, Finished)]
        assert (finished.verdict.outcome, finished.verdict.reason) == ("reject", "reply_too_long")

    def test_so_it_is_with_a_challenge_that_does_not_fit(self):
        stage = HomeStage()
        stage.ask(extra=encode_attribute(PROXY_STATE, bytes(253)) * 15 + encode_attribute(PROXY_STATE, bytes(200)))
        stage.challenge(b"theirs", encode_attribute(27, bytes(4)) + encode_attribute(REPLY_MESSAGE, b"New PIN:"))
        assert (stage.reason, stage.reply.code) == ("reply_too_long", Code.ACCESS_REJECT)

    def test_so_it_is_with_a_home_server_that_is_in_no_settings_any_more(self):
        stage = HomeStage()
        stage.ask()
        stage.accept()
        stage.section.mode._passing_on = HomeStage(secrets={}).section.mode._passing_on
        stage.answer(PreauthAnswer("allow"))
        assert (stage.reason, stage.reply.code) == ("reply_too_long", Code.ACCESS_REJECT)

    @pytest.mark.parametrize("n_proxy_states", [0, 1, 2, 3])
    def test_the_line_and_the_reply_agree_whatever_fits(self, n_proxy_states):
        for n_octets in (1, 50, 100, 150, 200, 253):
            stage = HomeStage()
            stage.ask(extra=encode_attribute(PROXY_STATE, bytes(253)) * n_proxy_states)
            stage.accept(encode_attribute(25, bytes(253)) * 12 + encode_attribute(25, bytes(n_octets)))
            stage.answer(PreauthAnswer("allow"))
            assert (stage.reason == "duo_bypass") is (stage.reply.code == Code.ACCESS_ACCEPT)

    @pytest.mark.parametrize("make", [Auto, Concat])
    def test_beside_proxy_states_that_leave_no_room_a_rejection_says_nothing_more(self, make):
        stage = HomeStage(make)
        proxy_states = encode_attribute(PROXY_STATE, bytes(253)) * 15 + encode_attribute(PROXY_STATE, bytes(215))
        stage.relay(encode(AttributeKind(311, 25), b"\x07") + proxy_states)
        if make is Auto:
            stage.refuse()
        assert (stage.reply.code, stage.reply.value(26)) == (Code.ACCESS_REJECT, None)
        assert stage.reply.attributes(PROXY_STATE) == proxy_states
        assert stage.engine.n_pending == 0

    def test_a_challenge_or_a_refusal_that_does_not_fit_is_a_rejection(self):
        for say in (HomeStage.challenge, HomeStage.refuse):
            stage = HomeStage()
            stage.ask(extra=encode_attribute(PROXY_STATE, bytes(253)) * 3)
            say(stage, attributes=encode_attribute(EAP_MESSAGE, bytes(253)) * 14)
            assert (stage.reply.code, stage.engine.n_pending) == (Code.ACCESS_REJECT, 0)

    def test_what_fits_into_no_reply_ends_the_login_before_duo_is_asked(self):
        stage = HomeStage()
        stage.ask()
        stage.accept(encode_attribute(25, bytes(253)) * 14)
        assert (stage.to, stage.reason, stage.reply.code) == ([], "reply_too_long", Code.ACCESS_REJECT)

    def test_it_is_told_once_of_each_kind_that_is_left_out_and_of_no_more_than_a_log_can_bear(self):
        stage = HomeStage()
        mode = stage.section.mode
        for number in range(40):
            stage.ask(f"{PASSWORD}{number}")
            stage.accept(b"".join(encode(AttributeKind(number * 100 + n, 0), b"\1") for n in range(1, 100)))
        assert len(mode._passing_on._left_out) == MOST_LEFT_OUT
        assert [len(each.kinds) for each in stage.effects if isinstance(each, LeftOut)] == []

    def test_a_rejection_has_none_of_them(self):
        stage = HomeStage()
        stage.ask()
        stage.accept()
        stage.answer(PreauthAnswer("deny"))
        assert (stage.reply.code, stage.reply.value(25), message(stage.reply)) == (3, None, "Login refused.")
