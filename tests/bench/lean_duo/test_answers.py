"""The lean Duo answers as the full simulator does: both as processes, asked the same."""

import json
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from bench.processes import SimulatorProcess
from tests.bench.lean_duo.client import Answer, DuoClient

pytestmark = pytest.mark.integration

PHONE = {"device": "DPXXXXXXXXXXXXXXXXXX", "number": "XXX-XXX-0100"}
PHONE_CAPABILITIES = ["auto", "push", "sms", "phone", "mobile_otp"]
PEOPLE = [
    {"username": name, "devices": [{**PHONE, "capabilities": PHONE_CAPABILITIES}], "passcodes": ["123456"], **habit}
    for name, habit in (
        ("u000123", {"answer_after_s": 0.05}),
        ("n000123", {"answer_after_s": 0.05, "answer": "deny"}),
        ("s000123", {"answer": "timeout"}),
    )
]

Question = Callable[[DuoClient], Answer]


@pytest.fixture(scope="module")
def duos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SimulatorProcess, SimulatorProcess]]:
    folder = tmp_path_factory.mktemp("duos")
    users = folder / "users.json"
    users.write_text(json.dumps(PEOPLE))
    both = ("--push-expires", "0.5")
    with (
        SimulatorProcess(folder / "lean", *both, "--approval", "0.05", module="bench.lean_duo") as lean,
        SimulatorProcess(folder / "full", *both, "--users", str(users), "--lockout-after", "0") as full,
    ):
        yield lean, full


def same(duos: tuple[SimulatorProcess, SimulatorProcess], question: Question) -> Answer:
    """Ask both, see that they say the same but for what is drawn or dated, and return the lean one's answer."""
    with DuoClient(duos[0]) as lean, DuoClient(duos[1]) as full:
        answer, expected = question(lean), question(full)
    assert answer.http_status == expected.http_status
    assert comparable(answer.content) == comparable(expected.content)
    return answer


def comparable(content: dict[str, Any]) -> dict[str, Any]:
    text: dict[str, Any] = json.loads(json.dumps(content))
    response = text.get("response", {})
    for drawn in ("time", "txid"):
        if drawn in response:
            response[drawn] = type(response[drawn]).__name__
    for device in response.get("devices", ()):
        device["device"] = device["device"][:2]
        for name in ("number", "display_name"):
            device[name] = device[name].rstrip("0123456789)")
    return text


@pytest.mark.parametrize("call", ["ping", "check"])
def test_the_time(duos: tuple[SimulatorProcess, SimulatorProcess], call: str) -> None:
    assert isinstance(same(duos, lambda duo: duo.get(call)).response["time"], int)


def test_heads_are_as_long_as_those_of_a_service_and_differ(duos: tuple[SimulatorProcess, SimulatorProcess]) -> None:
    heads = []
    with DuoClient(duos[0]) as lean:
        for _ in range(2):
            lean.send_get("ping")
            answer = lean.http.getresponse()
            heads.append(dict(answer.getheaders()))
            answer.read()
    assert len(heads[0]) >= 8
    assert heads[0]["X-Request-Id"] != heads[1]["X-Request-Id"]
    assert parsedate_to_datetime(heads[0]["Date"])


def test_preauth(duos: tuple[SimulatorProcess, SimulatorProcess]) -> None:
    answer = same(duos, lambda duo: duo.post("preauth", username="u000123", ipaddr="10.0.0.1"))
    assert answer.response["result"] == "auth"


@pytest.mark.parametrize(("passcode", "result"), [("123456", "allow"), ("123457", "deny")])
def test_passcodes(duos: tuple[SimulatorProcess, SimulatorProcess], passcode: str, result: str) -> None:
    answer = same(duos, lambda duo: duo.post("auth", username="u000123", factor="passcode", passcode=passcode))
    assert answer.response["result"] == result


@pytest.mark.parametrize(
    ("factor", "username", "status"),
    [
        ("push", "u000123", "allow"),
        ("push", "n000123", "deny"),
        ("push", "s000123", "timeout"),
        ("auto", "u000123", "allow"),
        ("phone", "n000123", "deny"),
    ],
)
def test_an_auth_that_waits_for_a_person(
    duos: tuple[SimulatorProcess, SimulatorProcess], factor: str, username: str, status: str
) -> None:
    answer = same(duos, lambda duo: duo.post("auth", username=username, factor=factor, device="auto"))
    assert answer.response["status"] == status


def test_an_asynchronous_auth_returns_a_txid(duos: tuple[SimulatorProcess, SimulatorProcess]) -> None:
    answer = same(
        duos, lambda duo: duo.post("auth", username="u000123", factor="push", device="auto", **{"async": "1"})
    )
    assert len(answer.response["txid"]) == 36


@pytest.mark.parametrize("factor", ["push", "phone"])
def test_the_first_poll_is_told_at_once_that_it_is_under_way(
    duos: tuple[SimulatorProcess, SimulatorProcess], factor: str
) -> None:
    answer = same(duos, lambda duo: duo.get("auth_status", txid=duo.begin_push("s000123", factor)))
    assert answer.response["result"] == "waiting"


@pytest.mark.parametrize(("username", "status"), [("u000123", "allow"), ("n000123", "deny"), ("s000123", "timeout")])
def test_the_second_poll_waits_for_the_person(
    duos: tuple[SimulatorProcess, SimulatorProcess], username: str, status: str
) -> None:
    def question(duo: DuoClient) -> Answer:
        txid = duo.begin_push(username)
        while (answer := duo.get("auth_status", txid=txid)).response["result"] == "waiting":
            pass
        return answer

    assert same(duos, question).response["status"] == status


def test_sms(duos: tuple[SimulatorProcess, SimulatorProcess]) -> None:
    answer = same(duos, lambda duo: duo.post("auth", username="u000123", factor="sms", device="auto"))
    assert answer.response["status"] == "sent"


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (lambda duo: duo.post("/auth/v2/enroll"), 40401),
        (lambda duo: duo.get("preauth", username="u000123"), 40501),
        (lambda duo: duo.post("preauth"), 40001),
        (lambda duo: duo.post("preauth", username=""), 40002),
        (lambda duo: duo.post("preauth", user_id="DUXXXXXXXXXXXXXXXXXX"), 40002),
        (lambda duo: duo.post("auth", username="u000123"), 40001),
        (lambda duo: duo.post("auth", username="u000123", factor="smoke"), 40002),
        (lambda duo: duo.post("auth", username="u000123", factor="passcode"), 40001),
        (lambda duo: duo.post("auth", username="u000123", factor="push"), 40001),
        (lambda duo: duo.get("auth_status"), 40001),
        (lambda duo: duo.get("auth_status", txid="unknown"), 40002),
    ],
)
def test_what_is_asked_wrongly(duos: tuple[SimulatorProcess, SimulatorProcess], question: Question, code: int) -> None:
    assert same(duos, question).content["code"] == code
