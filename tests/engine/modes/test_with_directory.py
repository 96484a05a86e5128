"""Sections whose first factor is a directory: nothing is relayed, nothing passes, and passwords are text."""

import pytest

from gateway.duoapi.calls import PreauthAnswer
from gateway.engine.discard_notices import DAY_S, ChoosePap
from gateway.engine.first_factor import Accepted, Refused
from gateway.engine.modes.auto import Auto
from gateway.engine.modes.challenge import Challenge
from gateway.engine.modes.concat import Concat
from gateway.radius.client import encode_attribute, sign_request
from gateway.radius.dictionary import EAP_MESSAGE, REPLY_MESSAGE, Code
from gateway.unavailable import Trouble, Unavailable
from gateway.words.reasons import REFUSED_FIRST_FACTOR, Reason
from tests.engine.home_scene import CHAP, EAP, EAP_IDENTIFIER, GO_ON, MS_CHAP, PASSWORD, HomeStage
from tests.engine.scene import ALLOWED, PUSHED, RA, SECRET, SOURCE, message

TYPED = {Auto: PASSWORD, Concat: f"{PASSWORD},push", Challenge: PASSWORD}
MODES = pytest.mark.parametrize("make", TYPED)
DIRECTORY, HOST = "ad_client", "dc1.example.test:389"
ACCEPTED = Accepted(b"", HOST, None)


def directory(make=Auto, **mode) -> HomeStage:
    return HomeStage(make, home=DIRECTORY, client=DIRECTORY, is_directory=True, **mode)


def typed(stage: HomeStage, password: bytes) -> None:
    attributes = encode_attribute(1, b"alice") + encode_attribute(2, SECRET.hide_user_password(password, RA))
    stage.receive(sign_request(Code.ACCESS_REQUEST, 1, RA, SECRET, attributes))


class TestOrder:
    @MODES
    def test_the_directory_is_asked_then_duo_and_the_nas_gets_duos_word_alone(self, make):
        stage = directory(make)
        stage.ask(TYPED[make])
        assert stage.to == [DIRECTORY]
        assert (stage.checked.password, stage.checked.attributes) == (PASSWORD.encode(), b"")
        stage.answer(ACCEPTED)
        assert stage.to == ["app"]
        stage.answer(PreauthAnswer("allow", "Bypass"))
        assert (stage.reason, stage.reply.code, message(stage.reply)) == ("duo_bypass", Code.ACCESS_ACCEPT, "Bypass")

    @pytest.mark.parametrize("reason", sorted(REFUSED_FIRST_FACTOR))
    @MODES
    def test_whom_it_refuses_duo_is_never_asked_about_and_reads_one_text(self, make, reason):
        stage = directory(make)
        stage.outage()
        stage.ask(TYPED[make])
        stage.answer(Refused(reason.value, "80090308: data 533", b"", HOST, "533"))
        assert (stage.to, stage.reason, stage.reply.code) == ([], reason, Code.ACCESS_REJECT)
        text = "Your password has expired." if reason is Reason.PASSWORD_EXPIRED else "Login failed."
        assert stage.reply.values(REPLY_MESSAGE) == [text.encode()]

    @pytest.mark.parametrize("fail_open", [True, False])
    @pytest.mark.parametrize("trouble", Trouble)
    def test_nobody_gets_in_whose_directory_is_away(self, trouble, fail_open):
        stage = directory(fail_open=fail_open)
        stage.outage()
        stage.ask()
        stage.answer(Unavailable(trouble, "gone", may_have_acted=True))
        assert (stage.to, stage.reason, stage.reply.code) == ([], "first_factor_unreachable", Code.ACCESS_REJECT)

    @pytest.mark.parametrize(("fail_open", "reason"), [(True, "failmode_safe"), (False, "failmode_secure")])
    def test_while_duo_is_away_fail_mode_decides_about_whom_it_has_accepted(self, fail_open, reason):
        stage = directory(fail_open=fail_open)
        stage.outage()
        stage.ask()
        assert (stage.to, stage.replies) == ([DIRECTORY], [])
        stage.answer(ACCEPTED)
        assert stage.reason == reason

    def test_an_exempt_user_needs_it_nevertheless(self):
        stage = directory(rules={"exempt_usernames": frozenset({"alice"})})
        stage.ask()
        assert (stage.to, stage.replies) == ([DIRECTORY], [])
        stage.answer(ACCEPTED)
        assert stage.reason == "exempt"

    def test_a_refused_user_is_answered_late_and_not_asked_about_twice(self):
        stage = directory(section={"reject_delay_s": 1.0})
        stage.ask()
        stage.answer(Refused("account_locked", "", b"", HOST, "775"))
        stage.ask(port=40002)
        assert (stage.to, stage.replies) == ([], [])
        stage.effects = stage.engine.timer(2.0)
        assert [reply.code for reply in stage.replies] == [3, 3]

    def test_what_it_knows_of_the_user_stands_for_the_answer_to_a_challenge(self):
        stage = directory(Challenge)
        stage.ask()
        stage.answer(ACCEPTED)
        stage.answer(GO_ON)
        stage.ask("1", stage.state)
        assert stage.to == ["app"]
        stage.answer(PUSHED)
        stage.answer(ALLOWED)
        assert stage.reply.code == Code.ACCESS_ACCEPT


class TestPasswords:
    @MODES
    def test_an_empty_one_never_leaves(self, make):
        stage = directory(make)
        stage.ask("" if make is not Concat else ",push")
        assert (stage.to, stage.reason) == ([], "no_password")

    @pytest.mark.parametrize("password", [" two blanks ", "Grüße", "パスワード", "a,b", "tab\there"])
    @pytest.mark.parametrize("codec", ["utf-8", "latin-1", "cp932"])
    def test_it_is_asked_in_utf_8_whatever_the_nas_writes(self, password, codec):
        try:
            octets = password.encode(codec)
        except UnicodeError:
            pytest.skip("that codec has no such letters")
        stage = directory(rules={"pw_codec": codec})
        typed(stage, octets)
        assert stage.checked.password == password.encode()

    @pytest.mark.parametrize(
        ("codec", "octets"), [("utf-8", "Grüße".encode("latin-1")), ("ascii", b"\xe9t\xe9"), ("cp932", b"\x81")]
    )
    def test_what_is_no_text_asks_nobody_and_is_refused_with_the_same_words(self, codec, octets):
        stage = directory(rules={"pw_codec": codec})
        typed(stage, octets)
        assert (stage.to, stage.reason, message(stage.reply)) == ([], "unreadable_password", "Login failed.")
        assert repr(octets)[2:-1] not in repr(stage.effects)

    @pytest.mark.parametrize("is_directory", [True, False])
    @pytest.mark.parametrize(("codec", "octets"), [("iso2022_jp", b"\x1b(B"), ("utf-8-sig", b"\xef\xbb\xbf")])
    def test_octets_without_a_letter_are_an_empty_one_and_never_leave(self, codec, octets, is_directory):
        stage = HomeStage(is_directory=is_directory, rules={"pw_codec": codec}, home_codec="utf-8")
        typed(stage, octets)
        assert (stage.to, stage.reason) == ([], "no_password")

    def test_an_empty_one_stays_empty_in_whatever_a_home_server_reads(self):
        stage = HomeStage(home_codec="utf-8-sig")
        stage.ask("")
        assert (stage.to, stage.reason) == ([], "no_password")

    def test_a_home_server_gets_the_same_octets(self):
        stage = HomeStage(rules={"pw_codec": "latin-1"})
        typed(stage, "Grüße".encode("latin-1"))
        assert stage.checked.password == "Grüße".encode("latin-1")

    @pytest.mark.parametrize(("codec", "home_codec"), [("latin-1", "utf-8"), ("utf-8", "cp1252"), ("cp932", "utf-8")])
    def test_a_home_server_that_writes_otherwise_gets_the_same_letters(self, codec, home_codec):
        password = "パスワード" if codec == "cp932" else "Grüße"
        stage = HomeStage(rules={"pw_codec": codec}, home_codec=home_codec)
        typed(stage, f"{password},push".encode(codec))
        assert stage.checked.password == password.encode(home_codec)

    @pytest.mark.parametrize(
        ("octets", "home_codec"), [("Grüße".encode("latin-1"), "latin-1"), ("パスワード".encode(), "latin-1")]
    )
    def test_what_a_home_server_cannot_be_asked_in_its_letters_asks_nobody(self, octets, home_codec):
        stage = HomeStage(rules={"pw_codec": "utf-8"}, home_codec=home_codec)
        typed(stage, octets)
        assert (stage.to, stage.reason, message(stage.reply)) == ([], "unreadable_password", "Login failed.")
        assert repr(octets)[2:-1] not in repr(stage.effects)


class TestOtherCredentials:
    @MODES
    @pytest.mark.parametrize("credentials", [CHAP, MS_CHAP, EAP])
    def test_they_are_rejected_at_once_never_with_silence(self, make, credentials):
        stage = directory(make)
        stage.relay(credentials)
        assert (stage.to, stage.reason, stage.reply.code) == ([], "unsupported_credentials", Code.ACCESS_REJECT)

    def test_the_log_says_so_once_a_day_for_each_nas(self):
        stage = directory()
        told = []
        for now in (0.0, 1.0, DAY_S - 1.0, DAY_S + 1.0):
            stage.relay(CHAP, now=now, port=40000 + int(now) % 1000)
            told.append([each for each in stage.effects if isinstance(each, ChoosePap)])
        line = [ChoosePap(SOURCE, stage.nas)]
        assert told == [line, [], [], line]

    def test_in_the_words_of_their_protocol(self):
        stage = directory()
        stage.relay(EAP)
        assert stage.reply.values(EAP_MESSAGE) == [bytes((4, EAP_IDENTIFIER, 0, 4))]
        stage.relay(MS_CHAP)
        assert (stage.reply.vendor_value(311, 2) or b"").startswith(b"\x07E=691 R=0 C=")
