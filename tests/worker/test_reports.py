"""The words of the log: one line for a login, one for discards, an object for `authevents.log`."""

import logging
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.discard_notices import (
    ChoosePap,
    Notice,
    RefusalsLeftOut,
    UnsignedNas,
)
from gateway.engine.effects import Finished
from gateway.engine.nas import Nas
from gateway.engine.peer import Peer
from gateway.engine.primary import Told as FirstFactorTold
from gateway.engine.verdict import (
    Verdict,
    rejection,
)
from gateway.logs.events import EventLog
from gateway.logs.lines import JsonLines, Lines, TextLines, pairs
from gateway.radius.discards import DiscardReason
from gateway.words.reasons import OUTCOME_OF, Outcome, Reason
from gateway.worker.reports import (
    WARNED_REASONS,
    EventSection,
    LoginLog,
    auth_event,
    choose_pap_line,
    finished_line,
    notice_line,
    refusals_left_out_line,
    unsigned_line,
)
from tests.engine.scene import SECRET, Stage

DENIED = Verdict(
    Outcome.REJECT,
    Reason.DUO_DENIED,
    "Incorrect passcode. Please try again.",
    "Duo authentication returned 'deny': 'Incorrect passcode. Please try again.'",
    "look at the policy",
)
ALLOWED = Verdict(Outcome.ACCEPT, Reason.DUO_ALLOWED, "Success.", "Duo authentication returned 'allow': 'Success.'")
FIELDS_OF_SIEM_PARSERS = {  # reference of Duo's proxy, section 5; `dn` is for LDAP alone
    "timestamp",
    "event_type",
    "msg",
    "username",
    "status",
    "auth_stage",
    "factor",
    "client_ip",
    "hostname",
    "server_section",
    "server_section_ikey",
    "client_section",
    "log_level",
    "log_logger",
    "log_namespace",
    "log_source",
    "log_format",
}


def finished(verdict: Verdict = DENIED, **fields) -> Finished:
    values = {
        "peer": Peer(("10.80.16.236", 58411), 0),
        "identifier": 6,
        "user_name": "y-ikeda",
        "section": "radius_server_duo_only",
        "factor": "passcode",
        "duration_s": 0.2123,
        "n_packets": 1,
        **fields,
    }
    return Finished(verdict=verdict, **values)


class TestFinishedLine:
    def test_the_text_is_the_one_that_is_grepped_for_today(self):
        text, _ = finished_line(finished(), 0)
        assert text == (
            "(('10.80.16.236', 58411), y-ikeda, 6): "
            "Duo authentication returned 'deny': 'Incorrect passcode. Please try again.'"
        )

    def test_the_fields_stand_in_the_order_of_the_contract(self):
        _, fields = finished_line(finished(), 3)
        assert list(fields.items()) == [
            ("reply", "Access-Reject"),
            ("reason", "duo_denied"),
            ("factor", "passcode"),
            ("server", "radius_server_duo_only"),
            ("worker", 3),
            ("duration_ms", 212),
            ("hint", "look at the policy"),
        ]

    def test_what_there_is_not_is_left_out(self):
        _, fields = finished_line(finished(ALLOWED, factor=""), 0)
        assert fields.keys() == {"reply", "reason", "server", "worker", "duration_ms"}

    def test_a_section_with_a_name_has_it_beside_its_own(self):
        _, fields = finished_line(finished(), 0, "Tokyo")
        assert list(fields)[3:5] == ["server", "name"]
        assert ' server=radius_server_duo_only name="Head office" ' in pairs(
            finished_line(finished(), 0, "Head office")[1]
        )

    @pytest.mark.parametrize("what", ["joined", "took_over"])
    def test_another_host_of_the_fleet_is_named_with_what_was_done(self, what):
        assert finished_line(finished(other_host=(what, "gw-a")), 0)[1][what] == "gw-a"

    def test_packets_that_shared_the_login_are_counted(self):
        assert finished_line(finished(n_packets=3), 0)[1]["packets"] == 3

    def test_how_long_the_first_factor_took_stands_where_there_was_one(self):
        _, fields = finished_line(finished(first_factor=FirstFactorTold(0.0414), n_packets=2), 0)
        assert list(fields)[-4:] == ["duration_ms", "first_factor_ms", "packets", "hint"]
        assert fields["first_factor_ms"] == 41

    def test_which_host_of_it_has_answered_stands_before_that(self):
        _, fields = finished_line(finished(first_factor=FirstFactorTold(0.0414, "", "10.0.0.5:1812")), 0)
        assert list(fields)[-4:] == ["duration_ms", "first_factor", "first_factor_ms", "hint"]
        assert fields["first_factor"] == "10.0.0.5:1812"

    def test_active_directorys_code_stands_where_it_gave_one(self):
        _, fields = finished_line(finished(first_factor=FirstFactorTold(0.0414, "52e")), 0)
        assert list(fields)[-3:] == ["first_factor_ms", "ad_code", "hint"]
        assert fields["ad_code"] == "52e"

    def test_a_login_that_nobody_waits_for_any_more_has_no_reply(self):
        assert finished_line(finished(n_packets=0), 0)[1]["reply"] == "none"

    def test_a_request_without_a_name_has_a_dash(self):
        assert ", -, 6): " in finished_line(finished(rejection(Reason.NO_USER_NAME), user_name=""), 0)[0]

    def test_an_ipv6_source_is_shown_as_address_and_port(self):
        text, _ = finished_line(finished(peer=Peer(("2001:db8::1", 58411, 0, 0), 0)), 0)
        assert text.startswith("(('2001:db8::1', 58411), y-ikeda, 6): ")

    def test_a_whole_line_can_be_taken_apart_again(self):
        text, fields = finished_line(finished(), 0)
        line = TextLines().line(0.0, 20, "gateway.worker", text, fields)
        assert re.fullmatch(
            r"\S+ \[gateway\.worker#info\] \(\('10\.80\.16\.236', 58411\), y-ikeda, 6\): Duo .* reply=Access-Reject "
            r'reason=duo_denied factor=passcode server=radius_server_duo_only worker=0 duration_ms=212 hint="look .*"',
            line,
        )

    def test_logins_that_duo_had_no_say_in_are_warnings(self):
        assert {Reason.FAILMODE_SAFE, Reason.FAILMODE_SECURE, Reason.EXEMPT, Reason.INTERNAL_ERROR} == WARNED_REASONS


class Told:
    """A log of finished logins, and what it was told.

    Attributes:
        lines: with their levels.
    """

    def __init__(self, form: Lines, names: dict[str, str] | None = None) -> None:
        self.lines: list[tuple[str, int]] = []
        self._form = form
        self._names = names or {}
        self.log = LoginLog(EventLog(-1, [lambda line, level: self.lines.append((line, level))], form), 3, names)

    def line(self, done: Finished, at: float = 1_800_000_000.25) -> tuple[str, int]:
        """The line and level of one more login."""
        self.log.tell(done, at)
        return self.lines.pop()

    def expected(self, done: Finished, at: float = 1_800_000_000.25) -> tuple[str, int]:
        """What `finished_line` says of it, put together the long way."""
        level = logging.WARNING if done.verdict.reason in WARNED_REASONS else logging.INFO
        return self._form.line(
            at, level, "gateway.worker", *finished_line(done, 3, self._names.get(done.section, ""))
        ), level


odd_texts = st.text() | st.text("ab=\"):,\\ \n\x1b'") | st.sampled_from(["y-ikeda", "", "EXAMPLE\\y-ikeda"])
addresses = st.sampled_from([("10.80.16.236", 58411), ("2001:db8::1", 58411, 0, 0), ("fe80::1%eth0", 1, 2, 3)])
verdicts = st.builds(
    Verdict,
    st.sampled_from([Outcome.ACCEPT, Outcome.REJECT]),
    st.sampled_from(Reason),
    st.just(""),
    odd_texts,
    odd_texts,
)
logins = st.builds(
    Finished,
    st.builds(Peer, addresses, st.just(0)),
    st.integers(0, 255),
    odd_texts,
    st.sampled_from(["radius_server_auto", "a section", ""]),
    verdicts,
    st.sampled_from(["", "push", "passcode"]),
    st.floats(0, 1e6) | st.sampled_from([0.0005, 0.0015, 0.0625]),
    st.integers(0, 3),
    first_factor=st.none()
    | st.builds(
        FirstFactorTold,
        st.sampled_from([0.0, 0.0004, 0.0414, 8.0]),
        st.sampled_from(["", "52e", 'a "b"=c']),
        st.sampled_from(["", "10.0.0.5:1812", 'a "b"=c']),
    ),
)


class TestLoginLog:
    @given(st.lists(logins, min_size=1, max_size=8), st.floats(0, 4e9))
    @settings(derandomize=True, deadline=None)
    def test_as_text_it_writes_what_the_long_way_would(self, many, at):
        told = Told(TextLines())
        for done in many * 2:
            assert told.line(done, at) == told.expected(done, at)

    def test_as_json_too(self):
        told = Told(JsonLines())
        for done in (finished(), finished(ALLOWED), finished(rejection(Reason.INTERNAL_ERROR))):
            assert told.line(done) == told.expected(done)

    @pytest.mark.parametrize("form", [TextLines(), JsonLines()])
    def test_sections_that_have_a_name_and_others_that_have_none(self, form):
        told = Told(form, {"radius_server_duo_only": 'A "b"=東京'})
        for done in (finished(), finished(section="radius_server_duo_only2"), finished()):
            assert told.line(done) == told.expected(done)

    @pytest.mark.parametrize("form", [TextLines(), JsonLines()])
    def test_logins_that_duo_had_no_say_in_are_warnings(self, form):
        told = Told(form)
        assert [told.line(finished(rejection(each)))[1] for each in (Reason.INTERNAL_ERROR, Reason.DEADLINE)] == [
            30,
            20,
        ]

    def test_one_login_never_has_what_another_one_had(self):
        told, others = (
            Told(TextLines()),
            (
                finished(ALLOWED),
                finished(n_packets=0),
                finished(n_packets=2),
                finished(factor=""),
                finished(section="radius_server_auto"),
                finished(user_name="bob"),
                finished(identifier=7),
                finished(duration_s=1.0),
                finished(peer=Peer(("10.80.16.236", 58412), 0)),
                finished(Verdict(DENIED.outcome, DENIED.reason, "", DENIED.account, "")),
                finished(Verdict(Outcome.ACCEPT, DENIED.reason, "", DENIED.account, DENIED.hint)),
            ),
        )
        for done in (finished(), *others, finished()):
            assert told.line(done) == told.expected(done)

    def test_what_it_keeps_is_bounded(self):
        told = Told(TextLines())
        for number in range(3_000):
            verdict = Verdict(Outcome.REJECT, Reason.DUO_DENIED, "", f"text {number}", "")
            done = finished(verdict, peer=Peer(("192.0.2.1", number), 0))
            assert told.line(done) == told.expected(done)
        assert len(told.log._alike) <= 256
        assert len(told.log._sources) <= 1_024


class TestNoticeLine:
    @pytest.mark.parametrize("reason", DiscardReason)
    def test_every_reason_says_what_is_wrong_or_what_to_do(self, reason):
        text, fields = notice_line(Notice(reason, "192.0.2.1", 0, None, 1), "0.0.0.0:1812")
        remedy = text.removeprefix("Discarded a packet from 192.0.2.1: ")
        assert len(remedy) > 20
        assert remedy != text
        keys = (
            r"radius_(ip|secret)_N|max_pending|require_message_authenticator|limit_proxy_state|status_server|pw_codec"
            "|when_isolated"
        )
        assert "_" not in re.sub(keys, "", text)
        assert fields == {"discard": reason, "listen": "0.0.0.0:1812", "packets": 1}

    def test_every_reason_has_words_of_its_own(self):
        texts = [notice_line(Notice(reason, "192.0.2.1", 0, None, 1), "")[0] for reason in DiscardReason]
        assert len(set(texts)) == len(DiscardReason)

    @pytest.mark.parametrize(
        ("reason", "key"),
        [
            (DiscardReason.UNKNOWN_CLIENT, "radius_ip_N"),
            (DiscardReason.MESSAGE_AUTHENTICATOR_WRONG, "radius_secret_N"),
            (DiscardReason.WRONG_SECRET, "radius_secret_N"),
            (DiscardReason.MESSAGE_AUTHENTICATOR_MISSING, "require_message_authenticator=no"),
            (DiscardReason.PROXY_STATE_UNAUTHENTICATED, "limit_proxy_state=no"),
            (DiscardReason.UNEXPECTED_CODE, "accounting=acknowledge"),
            (DiscardReason.OVERLOAD, "max_pending"),
        ],
    )
    def test_what_a_key_can_mend_names_the_key(self, reason, key):
        assert key in notice_line(Notice(reason, "192.0.2.1", 0, None, 1), "")[0]

    def test_the_client_and_its_section_are_named_where_known(self):
        nas = Nas("radius_ip_2 of [radius_server_duo_only]", Stage().section, SECRET)
        _, fields = notice_line(Notice(DiscardReason.OVERLOAD, "192.0.2.1", 0, nas, 1), "0.0.0.0:1812")
        assert fields["client"] == "radius_ip_2 of [radius_server_duo_only]"
        assert fields["server"] == "radius_server_duo_only"
        assert "name" not in fields

    def test_so_is_what_people_call_the_section(self):
        section = Stage().section
        section.shown_name = "Tokyo"
        nas = Nas("radius_ip_2", section, SECRET)
        assert notice_line(Notice(DiscardReason.OVERLOAD, "192.0.2.1", 0, nas, 1), "")[1]["name"] == "Tokyo"
        assert unsigned_line(UnsignedNas("192.0.2.1", nas))[1]["name"] == "Tokyo"

    def test_a_line_for_many_packets_says_how_many(self):
        text, fields = notice_line(Notice(DiscardReason.UNKNOWN_CLIENT, "192.0.2.1", 0, None, 60), "")
        assert text.startswith("Discarded 60 packets since the last such line from 192.0.2.1: ")
        assert fields["packets"] == 60

    def test_a_line_for_many_sources_says_so(self):
        text, _ = notice_line(Notice(DiscardReason.UNKNOWN_CLIENT, "", 0, None, 5000), "")
        assert text.startswith("Discarded 5000 packets since the last such line from one of many addresses: ")


def test_a_client_that_does_not_sign_is_named_with_the_key_that_mends_it():
    client = Nas("radius_ip_2 of [radius_server_duo_only]", Stage().section, SECRET)
    text, fields = unsigned_line(UnsignedNas("192.0.2.1", client))
    assert text.startswith("192.0.2.1 sends Access-Requests without Message-Authenticator")
    assert "require_message_authenticator=yes" in text
    assert fields == {"client": client.name, "server": "radius_server_duo_only"}


def test_a_client_without_pap_is_told_to_choose_it():
    client = Nas("radius_ip_2 of [radius_server_auto]", Stage().section, SECRET)
    text, fields = choose_pap_line(ChoosePap("192.0.2.1", client))
    assert text.startswith(
        "192.0.2.1 asks with CHAP, MS-CHAP or EAP, or without a password, and is rejected: choose PAP"
    )
    assert fields == {"client": client.name, "server": "radius_server_duo_only"}


def test_how_many_rejections_have_no_line_is_told_with_the_key_that_ends_them():
    client = Nas("radius_ip_2 of [radius_server_duo_only]", Stage().section, SECRET)
    text, fields = refusals_left_out_line(RefusalsLeftOut("192.0.2.1", client, 380))
    assert text.startswith("380 more unsigned Access-Requests of 192.0.2.1, or others of its client, were rejected")
    assert "require_message_authenticator=yes" in text
    assert fields == {"client": client.name, "server": "radius_server_duo_only"}


class TestAuthEvent:
    def test_it_has_every_field_that_parsers_of_duos_proxy_expect(self):
        event = auth_event(finished(), EventSection("DIXXXXXXXXXXXXXXXXXX", "duo_only_client"), "gateway-1")
        assert event.keys() >= FIELDS_OF_SIEM_PARSERS
        assert event["log_level"].keys() == {"name", "_class_uuid_"}
        assert event["log_logger"].keys() == {"unpersistable"}

    def test_its_values(self):
        event = auth_event(finished(), EventSection("DIXXXXXXXXXXXXXXXXXX", "duo_only_client"), "gateway-1")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["timestamp"])
        assert (event["event_type"], event["auth_stage"]) == ("authentication", "Secondary authentication")
        assert (event["username"], event["status"], event["factor"]) == ("y-ikeda", "Reject", "passcode")
        assert (event["client_ip"], event["hostname"]) == ("10.80.16.236", "gateway-1")
        assert event["server_section"] == "radius_server_duo_only"
        assert event["server_section_ikey"] == "DIXXXXXXXXXXXXXXXXXX"
        assert (event["client_section"], event["log_level"]["name"]) == ("duo_only_client", "info")
        assert event["msg"] == DENIED.account
        assert event["reason"] == "duo_denied"

    def test_a_section_with_a_name_has_a_key_more(self):
        event = auth_event(finished(), EventSection("DI", "duo_only_client", "Tokyo"), "gateway-1")
        assert event["server_section_name"] == "Tokyo"
        assert "server_section_name" not in auth_event(finished(), EventSection("DI", "duo_only_client"), "gateway-1")

    @pytest.mark.parametrize(("verdict", "status"), [(ALLOWED, "Allow"), (DENIED, "Reject")])
    def test_its_status_is_the_verdict(self, verdict, status):
        assert auth_event(finished(verdict), EventSection("DI", "duo_only_client"), "gateway-1")["status"] == status

    @pytest.mark.parametrize(
        ("reason", "status", "stage"),
        [
            (Reason.FIRST_FACTOR_REJECTED, "Reject", "Primary"),
            (Reason.FIRST_FACTOR_UNREACHABLE, "Reject", "Primary"),
            (Reason.REPLY_TOO_LONG, "Reject", "Primary"),
            (Reason.PASSWORD_EXPIRED, "Reject", "Primary"),
            (Reason.USER_NOT_FOUND, "Reject", "Primary"),
            (Reason.FACTOR_MISSING, "Reject", "Secondary"),
            (Reason.CHALLENGED, "Challenge", "Secondary"),
        ],
    )
    def test_its_stage_is_that_of_the_factor_that_decided(self, reason, status, stage):
        verdict = Verdict(OUTCOME_OF[reason], reason, "", "")
        event = auth_event(finished(verdict), EventSection("DI", "radius_client"), "gateway-1")
        assert (event["status"], event["auth_stage"]) == (status, f"{stage} authentication")

    def test_active_directorys_code_is_a_key_more(self):
        section = EventSection("DI", "ad_client")
        assert auth_event(finished(first_factor=FirstFactorTold(0.1, "775")), section, "gateway-1")["ad_code"] == "775"
        assert "ad_code" not in auth_event(finished(first_factor=FirstFactorTold(0.1)), section, "gateway-1")

    @pytest.mark.parametrize("reason", [Reason.NO_PASSWORD, Reason.UNREADABLE_PASSWORD])
    @pytest.mark.parametrize(
        ("client", "stage"),
        [("ad_client2", "Primary"), ("radius_client", "Primary"), ("duo_only_client1", "Secondary")],
    )
    def test_a_password_is_the_first_factors_where_there_is_one(self, reason, client, stage):
        event = auth_event(finished(rejection(reason)), EventSection("DI", client), "gateway-1")
        assert event["auth_stage"] == f"{stage} authentication"

    def test_it_is_one_line_of_json_whatever_the_name(self):
        event = auth_event(finished(user_name='ユーザー"\\'), EventSection("DI", "duo_only_client"), "gateway-1")
        octets = msgspec.json.encode(event)
        assert b"\n" not in octets
        assert msgspec.json.decode(octets)["username"] == 'ユーザー"\\'

    def test_it_names_the_client_section(self):
        event = auth_event(finished(), EventSection("DI", "duo_only_client2"), "gateway-1")
        assert event["client_section"] == "duo_only_client2"

    def test_a_section_that_is_gone_says_nothing_more(self):
        event = auth_event(finished(), None, "gateway-1")
        assert (event["server_section_ikey"], event["client_section"]) == ("", "")

    def test_a_login_without_a_factor_has_none(self):
        assert auth_event(finished(factor=""), EventSection("DI", "duo_only_client"), "gateway-1")["factor"] is None
