"""What a home server's accept has for the NAS: what goes on, what is hidden anew, what fits and what does not."""

import msgspec
import pytest

from gateway.duoapi.calls import PreauthAnswer
from gateway.engine.challenges.memory import ChallengeMemory, UnixClock
from gateway.engine.challenges.records import ChallengeRecord, kept_record
from gateway.engine.effects import Finished, LeftOut
from gateway.engine.modes.auto import Auto
from gateway.engine.modes.challenge import Challenge
from gateway.engine.modes.concat import Concat
from gateway.engine.modes.passing_on import MOST_LEFT_OUT
from gateway.radius.attributes import AttributeKind, encode
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import EAP_MESSAGE, PROXY_STATE, REPLY_MESSAGE, Code
from gateway.radius.hidden import Hop, hide_salted, reveal_salted
from gateway.radius.shared_secret import SharedSecret
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


def said(*values: bytes) -> str:
    """What the person reads of a home server's challenge with these Reply-Messages."""
    stage = HomeStage()
    stage.ask()
    stage.challenge(b"theirs", b"".join([encode_attribute(REPLY_MESSAGE, value) for value in values]))
    return message(stage.reply)


class TestTexts:
    """A home server's question reaches the person whatever it is written in."""

    @pytest.mark.parametrize(
        ("values", "text"),
        [
            pytest.param([b"Enter PASSCODE:\0"], "Enter PASSCODE:", id="a NUL at the end"),
            pytest.param([b"New PIN\0\xff\xff", b"again"], "New PIN\nagain", id="memory behind it"),
            pytest.param([b"Options:\r\n1.\tPush\n2.\tToken"], "Options:\n1. Push\n2. Token", id="tabs"),
            pytest.param([b"\x1b[1mPIN\xe2\x80\xa8"], " [1mPIN ", id="other control characters"),
            pytest.param(["Kennwort ändern:".encode("latin-1")], "Kennwort \ufffdndern:", id="another charset"),
            pytest.param([b"one", b"\0", b"two"], "one\ntwo", id="several"),
            pytest.param([b"x" * 253, b"yz", b"next"], "x" * 253 + "yz\nnext", id="a long one"),
            pytest.param(
                ["ä".encode() * 126 + b"\xc3", b"\xa4" + "ä".encode() * 73], "ä" * 200, id="cut within a character"
            ),
            pytest.param([b"x" * 252 + b"\0", b"next"], "x" * 252 + "\nnext", id="a NUL at the end of all room"),
        ],
    )
    def test_is_all_that_can_be_shown(self, values: list[bytes], text: str):
        assert said(*values) == text


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


class TestAChangedSecret:
    """What was hidden with the former one is lost: nobody gets in without it, or with the rubbish that it reads as."""

    OTHER = SharedSecret(b"the home server's next secret")
    SALTED = hide_salted(bytes(range(32)), Hop(HOME_SECRET, HOME_RA), 7)
    HIDDEN = pytest.mark.parametrize(
        "hidden",
        [
            encode_attribute(69, b"\1" + SALTED),
            encode(AttributeKind(311, 16), SALTED),
            encode(AttributeKind(311, 12), bytes(range(32))),
        ],
        ids=["tunnel_password", "mppe_send_key", "ms_chap_mppe_keys"],
    )

    def asked_to_choose(self, attributes: bytes) -> tuple[ChallengeMemory, bytes]:
        """The worker's memory, and the State of the menu that somebody has who was accepted with these."""
        memory = ChallengeMemory(UnixClock(1_700_000_000.0))
        stage = HomeStage(Challenge, memory=memory)
        stage.ask()
        stage.accept(attributes)
        stage.answer(GO_ON)
        return memory, stage.state

    @HIDDEN
    def test_it_makes_challenges_unknown_that_wait_for_an_answer(self, hidden):
        memory, state = self.asked_to_choose(hidden + CLASS)
        later = HomeStage(Challenge, memory=memory, secrets={HOST: self.OTHER})
        later.ask("1", state)
        assert (later.to, later.reason) == ([], "challenge_unknown")

    @HIDDEN
    def test_one_that_stays_does_not(self, hidden):
        memory, state = self.asked_to_choose(hidden + CLASS)
        later = HomeStage(Challenge, memory=memory, secrets={HOST: SharedSecret(b"the home server's secret")})
        later.ask("1", state)
        later.answer(ALLOWED)
        assert (later.reply.code, later.reply.value(25)) == (Code.ACCESS_ACCEPT, b"staff")

    def test_nor_does_it_where_nothing_is_hidden(self):
        memory, state = self.asked_to_choose(CLASS)
        later = HomeStage(Challenge, memory=memory, secrets={HOST: self.OTHER})
        later.ask("1", state)
        later.answer(ALLOWED)
        assert (later.reply.code, later.reply.value(25)) == (Code.ACCESS_ACCEPT, b"staff")

    @HIDDEN
    def test_it_rejects_a_login_that_has_outlived_its_settings(self, hidden):
        stage = HomeStage()
        stage.ask()
        stage.accept(hidden)
        stage.section.mode._passing_on = HomeStage(secrets={HOST: self.OTHER}).section.mode._passing_on
        stage.answer(PreauthAnswer("allow"))
        assert (stage.reason, stage.reply.code) == ("reply_too_long", Code.ACCESS_REJECT)

    @HIDDEN
    @pytest.mark.parametrize(("n_fields", "is_taken"), [(4, True), (3, False)], ids=["ours", "former"])
    def test_a_record_that_does_not_say_which_it_was_is_read_and_of_no_use(self, hidden, n_fields, is_taken):
        memory, state = self.asked_to_choose(hidden)
        ((name, kept),) = memory._kept.items()
        record = msgspec.to_builtins(kept_record(name, 2**31, kept))
        record[3] = record[3][:n_fields]
        successors = ChallengeMemory(UnixClock(1_700_000_000.0))
        successors.adopt(msgspec.convert(record, ChallengeRecord), 0.0)
        later = HomeStage(Challenge, memory=successors)
        later.ask("1", state)
        assert bool(later.to) is is_taken

    def test_where_nothing_is_hidden_nothing_of_the_secret_is_written_down(self):
        memory, _ = self.asked_to_choose(CLASS)
        (kept,) = memory._kept.values()
        assert kept.accepted is not None
        assert kept.accepted.secret_digest == b""
