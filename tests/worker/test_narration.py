"""What the debug log tells of a request: the phrases that people and programs look for, and who is asked where."""

import logging

import pytest

from gateway.duoapi.calls import Auth, AuthStatus, Factor, Preauth
from gateway.engine.peer import Peer
from gateway.worker.narration import Narrator
from tests.duo.scripted import client_of
from tests.engine.scene import GO_ON, SOURCE, Stage
from tests.https.authority import Authority
from tests.https.peer import in_loop

PEER = Peer((SOURCE, 40001), 0)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "gateway.worker")
    return caplog


def test_a_new_request_is_told_with_its_client_and_section(said: pytest.LogCaptureFixture):
    stage = Stage()
    for password in ("push", "no factor at all"):
        said.clear()
        effects = stage.login("alice", password)
        Narrator().received(bytes([1, 7, 0, 20]), PEER, effects)
        assert said.messages == [
            f"Sending request from {SOURCE} to {stage.section.name}",
            f"Received new request id 7 from ('{SOURCE}', 40001)",
        ]


def test_what_meets_silence_is_sent_to_no_section(said: pytest.LogCaptureFixture):
    stage = Stage()
    stage.login("alice", "push")
    Narrator().received(bytes([1, 7, 0, 20]), PEER, stage.login("alice", "push"))
    Narrator().received(b"nonsense", PEER, stage.receive(b"nonsense"))
    assert len(said.messages) == 2
    assert "Sending request" not in said.text


@pytest.mark.parametrize(
    ("version", "path"), [("2", "/auth/v2/preauth"), ("1", "/rest/v1/preauth"), ("auto", "/auth/v2/preauth")]
)
def test_a_question_to_duo_is_told_with_its_address(
    said: pytest.LogCaptureFixture, authority: Authority, version: str, path: str
):
    @in_loop
    async def run() -> None:
        stage = Stage()
        stage.login("alice", "push")
        with client_of(4443, authority, api_version=version) as duo:
            Narrator({"app": duo}).asks(stage.asked[-1])
            stage.answer(GO_ON)
            Narrator({"app": duo}).asks(stage.asked[-1])
        assert f"http POST to https://127.0.0.1:4443{path}" in said.messages
        assert f"http POST to https://127.0.0.1:4443{path.replace('preauth', 'auth')}" in said.messages

    run()


def test_a_poll_is_told_without_its_name(authority: Authority):
    @in_loop
    async def run() -> None:
        with client_of(443, authority) as duo:
            assert duo.destination(AuthStatus("tx-1")) == "GET to https://127.0.0.1:443/auth/v2/auth_status"
            for call in (Preauth("alice"), Auth("alice", Factor.PASSCODE, passcode="123456")):
                assert "alice" not in duo.destination(call)
                assert "123456" not in duo.destination(call)

    run()
