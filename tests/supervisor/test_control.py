"""The control socket, with a scripted arbiter behind it: what is answered, to whom, and what never harms."""

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvloop

from gateway.config.problems import ConfigError, Problem
from gateway.supervisor import control
from gateway.supervisor.control import MAX_CONNECTIONS, MAX_LOGINS, MAX_REQUEST, Caller, ControlSocket, ReloadOutcome
from gateway.supervisor.control_client import ControlConnection, ControlError, Declined, NotRunning, ask
from gateway.supervisor.login_helper import LoginOutcome
from gateway.supervisor.run_dir import RunDir
from tests.children import child
from tests.descriptors import n_descriptors
from tests.supervisor.scripted import ScriptedArbiter

STATUS = {"version": "1", "pid": 1, "workers": [{"slot": 0, "pending": 2}], "servers": [], "text": "äöü\n"}
Scene = Callable[[], Awaitable[Any]]


@pytest.fixture
def arbiter() -> ScriptedArbiter:
    return ScriptedArbiter(STATUS)


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return tmp_path / "run"


@asynccontextmanager
async def serving(run_dir: Path, arbiter: ScriptedArbiter, **options: Any) -> AsyncIterator[ControlSocket]:
    folder = RunDir(run_dir)
    control_socket = ControlSocket(folder, arbiter, **options)
    await control_socket.open()
    try:
        yield control_socket
    finally:
        await control_socket.close()
        folder.release()


def play(run_dir: Path, arbiter: ScriptedArbiter, scene: Scene, **options: Any) -> Any:
    """Return what a scene comes to while the control socket is open."""

    async def run() -> Any:
        async with serving(run_dir, arbiter, **options):
            return await scene()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


def asked(run_dir: Path, arbiter: ScriptedArbiter, command: str) -> Any:
    """Ask as the commands do, from a thread, for the client waits."""
    return play(run_dir, arbiter, partial(asyncio.to_thread, ask, str(run_dir), command, 20.0))


def told(run_dir: Path, arbiter: ScriptedArbiter, octets: bytes, **options: Any) -> list[dict[str, Any]]:
    """Return the answers to these octets and then nothing more."""

    async def scene() -> bytes:
        reader, writer = await asyncio.open_unix_connection(run_dir / "control.sock")
        writer.write(octets)
        if not options:
            writer.write_eof()
        said = await reader.read()
        writer.close()
        return said

    return [json.loads(line) for line in play(run_dir, arbiter, scene, **options).splitlines()]


class TestAnswers:
    def test_status_is_what_the_arbiter_says(self, run_dir, arbiter):
        assert asked(run_dir, arbiter, "status") == {"ok": True, "status": STATUS}

    def test_a_reload_tells_the_generation_that_serves_and_the_warnings(self, run_dir, arbiter):
        assert asked(run_dir, arbiter, "reload") == {"ok": True, "generation": 2, "warnings": ["a.cfg:3 warning: odd"]}

    def test_a_reload_of_a_faulty_file_is_declined_with_every_problem(self, run_dir, arbiter):
        arbiter.outcome = ReloadOutcome(1, [], ["a.cfg:7 [x] y: wrong", "a.cfg:8 [x] z: wrong"])
        with pytest.raises(Declined, match="nothing was changed") as declined:
            asked(run_dir, arbiter, "reload")
        assert declined.value.problems == ["a.cfg:7 [x] y: wrong", "a.cfg:8 [x] z: wrong"]

    def test_a_reload_tells_what_duo_has_against_new_keys(self, run_dir, arbiter):
        arbiter.outcome = ReloadOutcome(2, [], [], key_troubles=["the keys of DIX did not pass"])
        answer = asked(run_dir, arbiter, "reload")
        assert (answer["ok"], answer["key_troubles"]) == (True, ["the keys of DIX did not pass"])

    def test_a_mistake_of_ours_is_told_as_one_without_its_text(self, run_dir, arbiter):
        arbiter.outcome = RuntimeError("with a secret")
        with pytest.raises(Declined) as declined:
            asked(run_dir, arbiter, "reload")
        assert str(declined.value) == "internal error in the gateway; its log says more"

    def test_one_connection_may_ask_more_than_once(self, run_dir, arbiter):
        answers = told(run_dir, arbiter, b'{"command":"status"}\n{"command": "reload"}\n')
        assert [set(answer) for answer in answers] == [{"ok", "status"}, {"ok", "generation", "warnings"}]

    def test_socket_and_pid_file_are_there_until_the_folder_is_released(self, run_dir, arbiter):
        async def scene() -> set[str]:
            return {path.name for path in run_dir.iterdir()}

        assert play(run_dir, arbiter, scene) == {"control.sock", "radgate.pid"}
        assert list(run_dir.iterdir()) == []


QUESTION = {"user": "YWxpY2U=", "password": "cHVzaA==", "server": None, "timeout_s": 20.0}
LOGIN = json.dumps({"command": "login", "login": QUESTION}).encode() + b"\n"


class TestLogin:
    def ask(self, run_dir: Path, arbiter: ScriptedArbiter) -> Any:
        asking = partial(asyncio.to_thread, ask, str(run_dir), "login", 20.0, login=QUESTION)
        return play(run_dir, arbiter, asking)

    def test_the_arbiter_is_given_the_octets_and_its_outcome_is_told(self, run_dir, arbiter):
        answer = self.ask(run_dir, arbiter)
        assert answer == {"ok": True, "reply": "Access-Accept", "text": "Hi", "took_s": 0.5}
        assert [(each.user, each.password) for each in arbiter.questions] == [(b"alice", b"push")]

    def test_no_answer_is_declined_with_the_reason(self, run_dir, arbiter):
        arbiter.login_outcome = LoginOutcome(reply="", text="no answer within 20 s", took_s=20.0)
        with pytest.raises(Declined, match="no answer within 20 s") as declined:
            self.ask(run_dir, arbiter)
        assert declined.value.problems == []

    def test_a_section_that_is_not_there_is_a_problem_of_the_file(self, run_dir, arbiter):
        arbiter.login_outcome = ConfigError([Problem("radius_server_x", "", "no such server section")], "/a.cfg")
        with pytest.raises(Declined) as declined:
            self.ask(run_dir, arbiter)
        assert declined.value.problems == ["/a.cfg [radius_server_x]: no such server section"]

    def test_what_was_typed_is_in_no_line_of_the_log(self, run_dir, arbiter, caplog):
        caplog.set_level("DEBUG")
        arbiter.login_outcome = RuntimeError("our own mistake")
        with pytest.raises(Declined):
            self.ask(run_dir, arbiter)
        assert "Asked to login by process" in caplog.text
        assert not {"push", "cHVzaA", "alice"} & set(re.findall(r"\w+", caplog.text))
        assert "push" not in repr(arbiter.questions)

    @pytest.mark.parametrize(
        "wrong",
        [
            pytest.param({"timeout_s": 0.0}, id="no time"),
            pytest.param({"timeout_s": 1e9}, id="for ever"),
            pytest.param({"user": "no base64!"}, id="user"),
            pytest.param({"password": None}, id="no password"),
            pytest.param({"server": 7}, id="server"),
        ],
    )
    def test_a_question_that_is_none_is_refused_without_what_was_typed(self, run_dir, arbiter, wrong):
        octets = json.dumps({"command": "login", "login": {**QUESTION, **wrong}}).encode() + b"\n"
        (answer,) = told(run_dir, arbiter, octets)
        assert answer["error"].startswith("not a request: ")
        assert "cHVzaA" not in answer["error"]
        assert arbiter.questions == []

    def test_a_login_without_a_question_is_refused(self, run_dir, arbiter):
        (answer,) = told(run_dir, arbiter, b'{"command":"login"}\n')
        assert answer["ok"] is False
        assert arbiter.questions == []

    def test_whoever_hangs_up_wants_no_login_any_more(self, run_dir, arbiter):
        arbiter.login_outcome = None

        async def scene() -> None:
            _, writer = await asyncio.open_unix_connection(run_dir / "control.sock")
            writer.write(LOGIN)
            await writer.drain()
            while not arbiter.questions:  # noqa: ASYNC110 -- until it has been asked
                await asyncio.sleep(0)
            writer.close()
            await arbiter.given_up.wait()

        play(run_dir, arbiter, scene)

    def test_logins_that_wait_for_people_leave_room_for_other_commands(self, run_dir, arbiter):
        arbiter.login_outcome = None

        async def scene() -> tuple[bytes, Any]:
            path = run_dir / "control.sock"
            crowd = [await asyncio.open_unix_connection(path) for _ in range(MAX_LOGINS + 1)]
            for _, writer in crowd:
                writer.write(LOGIN)
            refused = [asyncio.ensure_future(reader.readline()) for reader, _ in crowd]
            (first,), waiting = await asyncio.wait(refused, return_when=asyncio.FIRST_COMPLETED)
            status = await asyncio.to_thread(ask, str(run_dir), "status", 20.0)
            for each in waiting:
                each.cancel()
            for _, writer in crowd:
                writer.close()
            return first.result(), status

        refused, status = play(run_dir, arbiter, scene)
        assert json.loads(refused)["error"] == f"{MAX_LOGINS} logins of radgate login are pending; wait for one of them"
        assert status["ok"]


STOP_AND_LINGER = """\
import asyncio, sys
from gateway.supervisor.control import ControlSocket
from gateway.supervisor.run_dir import RunDir

class Arbiter:
    def stop(self):
        stopped.set()

async def main():
    global stopped
    stopped = asyncio.Event()
    control_socket = ControlSocket(RunDir(sys.argv[1]), Arbiter())
    await control_socket.open()
    print("open", flush=True)
    await stopped.wait()
    await control_socket.close()

asyncio.run(main())
print("closed", flush=True)
sys.stdin.read()
"""


class TestStop:
    def test_it_is_answered_before_it_is_performed(self, run_dir, arbiter):
        async def scene() -> tuple[bytes, bool]:
            reader, writer = await asyncio.open_unix_connection(run_dir / "control.sock")
            writer.write(b'{"command":"stop"}\n')
            said = await reader.readline()
            writer.close()
            return said, reader.at_eof()

        said, has_ended = play(run_dir, arbiter, scene)
        assert json.loads(said) == {"ok": True, "pid": os.getpid()}
        assert not has_ended
        assert arbiter.stops == 1

    def test_who_asked_sees_the_end_of_the_process_and_not_of_the_control_socket(self, run_dir):
        arguments = [sys.executable, "-P", "-c", STOP_AND_LINGER, str(run_dir)]
        with child(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            assert process.stdout.readline() == b"open\n"
            with ControlConnection(str(run_dir), 20.0) as gateway:
                assert gateway.ask("stop")["pid"] == process.pid
                assert process.stdout.readline() == b"closed\n"
                assert not gateway.has_ended(0.01)
                process.stdin.close()
                assert gateway.has_ended(20.0)

    def test_hanging_up_leaves_nothing_open(self, run_dir, arbiter):
        async def scene() -> None:
            before = n_descriptors()
            await asyncio.to_thread(ask, str(run_dir), "stop", 20.0)
            while n_descriptors() > before:  # noqa: ASYNC110 -- until our end has been seen
                await asyncio.sleep(0)

        play(run_dir, arbiter, scene)
        assert arbiter.stops == 1


class TestNonsense:
    @pytest.mark.parametrize(
        "octets",
        [
            pytest.param(b"\n", id="nothing"),
            pytest.param(b"status\n", id="no JSON"),
            pytest.param(b"{}\n", id="no command"),
            pytest.param(b'{"command":"reopen"}\n', id="unknown command"),
            pytest.param(b'{"command":["status"]}\n', id="list"),
            pytest.param(b'{"command":"\xff"}\n', id="no UTF-8"),
            pytest.param(b'{"x":' + b"[" * 60_000 + b"\n", id="depth"),
            pytest.param(b'{"command":"status"} extra\n', id="more behind it"),
        ],
    )
    def test_it_is_answered_with_an_error_and_nothing_is_performed(self, run_dir, arbiter, octets):
        (answer,) = told(run_dir, arbiter, octets + b'{"command":"stop"}\n')
        assert answer["ok"] is False
        assert answer["error"].startswith("not a request: ")
        assert answer["problems"] == []
        assert arbiter.stops == 0

    @pytest.mark.parametrize("ending", [b"", b"\n"])
    def test_a_request_that_is_too_long_is_told_so(self, run_dir, arbiter, ending):
        octets = b'{"command":"status","x":"' + b"x" * MAX_REQUEST + b'"}' + ending
        assert told(run_dir, arbiter, octets)[0]["error"] == "a request has at most 65536 bytes"

    def test_a_request_without_its_end_is_none(self, run_dir, arbiter):
        assert told(run_dir, arbiter, b'{"command":"stop"}') == []
        assert arbiter.stops == 0

    def test_who_says_nothing_for_too_long_is_hung_up_on(self, run_dir, arbiter):
        assert told(run_dir, arbiter, b'{"comm', idle_timeout_s=0.0) == []

    def test_only_so_many_at_once(self, run_dir, arbiter):
        async def scene() -> tuple[bytes, bytes]:
            path = run_dir / "control.sock"
            crowd = [await asyncio.open_unix_connection(path) for _ in range(MAX_CONNECTIONS)]
            reader, writer = await asyncio.open_unix_connection(path)
            refused = await reader.readline()
            first_reader, first_writer = crowd[0]
            first_writer.write(b'{"command":"status"}\n')
            answered = await first_reader.readline()
            for _, each in [*crowd, (reader, writer)]:
                each.close()
            return refused, answered

        refused, answered = play(run_dir, arbiter, scene)
        assert json.loads(refused)["error"] == "too many connections at once; try again"
        assert json.loads(answered)["ok"]

    def test_somebody_else_is_refused(self, run_dir, arbiter, monkeypatch):
        monkeypatch.setattr(control, "caller_of", lambda _: Caller(4711, os.geteuid() + 1))
        with pytest.raises(Declined, match="only root and the gateway's own user may ask"):
            asked(run_dir, arbiter, "stop")
        assert arbiter.stops == 0


def test_root_and_our_own_user_may_ask():
    assert Caller(1, 0).may_ask
    assert Caller(1, os.geteuid()).may_ask
    assert not Caller(1, os.geteuid() + 1).may_ask


def test_the_kernel_tells_who_asks(run_dir, arbiter, monkeypatch):
    seen = []
    caller_of = control.caller_of
    monkeypatch.setattr(control, "caller_of", lambda connection: seen.append(caller_of(connection)) or seen[-1])
    asked(run_dir, arbiter, "status")
    assert seen == [Caller(os.getpid(), os.geteuid())]


class TestClient:
    def test_without_a_gateway_it_says_where_nobody_answers(self, tmp_path):
        (tmp_path / "file").write_text("")
        for run_dir in (tmp_path, tmp_path / "missing", tmp_path / "file"):
            with pytest.raises(NotRunning) as refused:
                ask(str(run_dir), "status", 20.0)
            assert str(refused.value) == f"not running; nobody answers at {run_dir}/control.sock"

    def test_a_dead_gateways_socket_is_nobody(self, run_dir, arbiter):
        folder = RunDir(run_dir)
        folder.listen().close()
        with pytest.raises(NotRunning):
            ask(str(run_dir), "status", 20.0)
        folder.release()

    def test_a_name_too_long_for_a_socket_is_told(self, tmp_path):
        with pytest.raises(ControlError, match="too long"):
            ask(str(tmp_path / ("x" * 200)), "status", 20.0)

    def test_a_gateway_that_says_nothing_is_not_waited_for_for_ever(self, run_dir):
        folder = RunDir(run_dir)
        with folder.listen(), pytest.raises(ControlError, match=r"does not answer within 0\.01 s"):
            ask(str(run_dir), "status", 0.01)
        folder.release()

    def test_a_gateway_that_ends_instead_of_answering(self, run_dir):
        folder = RunDir(run_dir)
        with folder.listen() as listening:
            ending = threading.Thread(target=lambda: listening.accept()[0].close())
            ending.start()
            with pytest.raises(ControlError, match="ended before it answered"):
                ask(str(run_dir), "status", 20.0)
            ending.join()
        folder.release()


def test_who_has_connected_just_before_the_end_is_hung_up_too(run_dir, arbiter):
    """The conversation is cancelled before its first step."""

    async def run() -> bool:
        taken, is_over = asyncio.get_running_loop().create_future(), []
        async with serving(run_dir, arbiter) as control_socket:
            begin = control_socket._connected

            def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                begin(reader, writer)
                for conversation in control_socket._conversations:
                    conversation.cancel()  # as `close` does, in this turn of the loop
                is_over.append(writer)
                taken.set_result(None)

            server = await asyncio.start_unix_server(connected, run_dir / "other.sock")
            _, own = await asyncio.open_unix_connection(run_dir / "other.sock")
            await taken
            server.close()
        own.close()
        return all(writer.is_closing() for writer in is_over)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(run())
