"""What Duo repeats of a login is seen nowhere: not in the log, on the page, in the events, nor in the reply."""

import json
from typing import Any

import msgspec
import pytest

from gateway.duoapi.calls import AUTO, Answer, Auth, AuthAnswer, Call, Preauth, PreauthAnswer, Refusal
from gateway.duoapi.flavours import V1, V2, Flavour
from gateway.duoapi.signing import Signer
from gateway.engine.login import Login
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.typed_factor import read_factor
from gateway.unavailable import Trouble, Unavailable
from gateway.words.reasons import Reason
from gateway.worker.last_logins import finished_login
from gateway.worker.narration import Narrator
from gateway.worker.reports import EventSection, auth_event, finished_line
from tests.duoapi.test_echoes import FORMS, YUBIKEY
from tests.engine.scene import GO_ON, Stage, message

PASSCODE = "987654"
HEADER = (
    Signer("DIABCDEFGHIJKLMNOPQR", b"k" * 40, "api.test").authorization("a date", "POST", "/auth/v2/auth", b"").decode()
)


def seen(stage: Stage, answer: Answer | Unavailable, caplog: pytest.LogCaptureFixture | None = None) -> str:
    """Answer the last question; return all that anybody can see of how the login ended."""
    pending = stage.asked[-1].pending
    if caplog is not None:
        Narrator().answered(pending, answer)
    stage.answer(answer)
    finished = stage.finished
    texts = [
        repr(finished_line(finished, 0)),
        msgspec.json.encode(auth_event(finished, EventSection("DI", "duo_only_client"), "host")).decode(),
        repr(finished_login(finished, 0.0)),
        finished.verdict.explanation,
        repr(finished.verdict),
        *map(message, stage.replies),
    ]
    return "\n".join([*texts, caplog.text if caplog is not None else ""])


def asked(stage: Stage, password: str) -> None:
    """Let alice type something, and Duo be asked about it."""
    stage.login("alice", password)
    stage.answer(GO_ON)


def answers(echo: str) -> list[Answer | Unavailable]:
    """All that can repeat it after an auth."""
    return [
        AuthAnswer("deny", "deny", f"bad code: {echo}"),
        AuthAnswer("allow", "allow", f"Welcome, {echo}"),
        AuthAnswer(echo, "deny", "No."),
        AuthAnswer("deny", echo, "No."),
        AuthAnswer("", "", echo, ""),
        Refusal(400, 40002, f"Invalid: {echo}", f"see {echo}"),
        Refusal(404, 0, echo),
        Unavailable(Trouble.BAD_ANSWER, f"HTTP 200 with a web page that begins '<{echo}'"),
        Unavailable(Trouble.CONFIGURATION, f"Duo answered 40103 {echo}; {echo}; check skey"),
        Unavailable(Trouble.RATE_LIMIT, echo),
    ]


@pytest.mark.parametrize("number", range(len(answers(""))))
@pytest.mark.parametrize("form", ["as it is", "percent", "JSON", "base64 behind one octet", "in two halves"])
def test_what_duo_repeats_of_a_passcode_is_not_seen(form, number, caplog):
    caplog.set_level("DEBUG")
    stage = Stage(policy={"fail_open": number % 2 == 0})
    asked(stage, PASSCODE)
    echo = FORMS[form](PASSCODE)
    told = seen(stage, answers(f"factor=passcode&passcode={echo}&username=alice")[number], caplog)
    assert PASSCODE not in told
    assert echo not in told


@pytest.mark.parametrize("typed", [PASSCODE, " 987 654 ", YUBIKEY, YUBIKEY.upper()])
def test_however_it_was_typed(typed):
    stage = Stage()
    asked(stage, typed)
    (question,) = stage.asked
    assert isinstance(question.question, Auth)
    told = seen(stage, AuthAnswer("deny", "deny", f"{question.question.passcode} and {typed} are wrong"))
    assert question.question.passcode not in told.lower()
    assert typed not in told


@pytest.mark.parametrize(
    "answer",
    [
        PreauthAnswer("deny", f"No: {PASSCODE}"),
        PreauthAnswer("allow", f"Welcome {PASSCODE}"),
        PreauthAnswer(f"odd {PASSCODE}", "?"),
        PreauthAnswer("enroll", f"Enrol {PASSCODE}", (), f"https://api.test/portal?passcode={PASSCODE}"),
        Refusal(400, 40002, f"passcode={PASSCODE}"),
        Unavailable(Trouble.BAD_ANSWER, PASSCODE),
    ],
)
def test_preauth_cannot_tell_it_either_although_it_was_not_told(answer, caplog):
    """Who sent it, perhaps, in another login."""
    caplog.set_level("DEBUG")
    stage = Stage()
    stage.login("alice", PASSCODE)
    assert PASSCODE not in seen(stage, answer, caplog)


def test_the_address_to_enrol_at_reaches_its_user_whole():
    address = f"https://api-1a2b3c4d.duosecurity.com/portal?code={'48bac5d9393fb2c2' * 4}&akey=DIABCDEFGHIJKLMNOPQR"
    stage = Stage()
    stage.login("alice", PASSCODE)
    stage.answer(PreauthAnswer("enroll", "Enrol:", (), address))
    assert message(stage.replies[0]) == f"Enrol: {address}"


def test_what_names_no_factor_is_never_sent_and_so_cannot_be_repeated():
    stage = Stage(policy={"automatic": True})
    stage.login("alice", "Correct-Horse-1")
    calls = [stage.asked[-1].question]
    stage.answer(GO_ON)
    calls.append(stage.asked[-1].question)
    assert isinstance(calls[1], Auth)
    assert calls[1].factor is AUTO
    for flavour in (V1, V2):
        for call in calls:
            assert "Correct" not in repr(flavour.request(call))
            assert "Correct" not in repr(call)


@pytest.mark.parametrize("flavour", [V1, V2])
@pytest.mark.parametrize("http_status", [200, 400, 404])
@pytest.mark.parametrize("form", FORMS)
def test_a_server_that_sends_our_request_back_as_its_texts(flavour: Flavour, http_status, form):
    """The whole way, from what is sent to what is seen."""
    stage = Stage()
    asked(stage, PASSCODE)
    call: Any = stage.asked[-1].question
    told = seen(stage, flavour.read(call, http_status, echoed(flavour, call, http_status, form)))
    assert PASSCODE not in told
    assert FORMS[form](PASSCODE) not in told
    assert HEADER[6:30] not in told


def echoed(flavour: Flavour, call: Call, http_status: int, form: str) -> bytes:
    """An answer all of whose texts are our request, the passcode in it in this form."""
    params = flavour.request(call).params.decode().replace(PASSCODE, FORMS[form](PASSCODE))
    text = f"Authorization: {HEADER} {params}"
    response: dict[str, Any] = {"result": "deny", "status": text, "status_msg": text}
    if http_status == 200:
        return json.dumps({"stat": "OK", "response": response}).encode()
    return json.dumps({"stat": "FAIL", "code": 40002, "message": text, "message_detail": text}).encode()


class TestForgetting:
    @pytest.mark.parametrize(
        "end",
        [
            lambda login: login.answered(AuthAnswer("deny"), 0.0),
            lambda login: login.answered(AuthAnswer("allow"), 0.0),
            lambda login: login.answered(Refusal(400, 40002, "No"), 0.0),
            lambda login: login.unavailable(Unavailable(Trouble.TIMEOUT, ""), 0.0),
            lambda login: login.expire(),
        ],
    )
    def test_a_login_that_is_decided_knows_its_passcode_no_more(self, end):
        login = Login(LoginPolicy("app"), "alice")
        login.ask_duo(read_factor(PASSCODE), Reason.UNKNOWN_FACTOR, False, 0.0)
        assert login._typed is not None
        assert login._typed.passcode == PASSCODE
        end(login)
        assert login._typed.passcode == ""
        assert login.factor == "passcode"  # which the log tells

    def test_nor_does_one_that_preauth_decided(self):
        login = Login(LoginPolicy("app"), "alice")
        step = login.ask_duo(read_factor(PASSCODE), Reason.UNKNOWN_FACTOR, True, 0.0)
        assert isinstance(step.question, Preauth)
        login.answered(PreauthAnswer("deny"), 0.0)
        assert login._typed is not None
        assert login._typed.passcode == ""
