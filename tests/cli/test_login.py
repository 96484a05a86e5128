"""`radgate login` against a scripted gateway, and against none."""

import asyncio
import io
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop

from gateway.config.login_client import login_client
from gateway.config.reading import read_settings
from gateway.listeners.udp import open_socket
from gateway.radius.dictionary import USER_NAME, USER_PASSWORD, Code
from gateway.radius.packet import decode_packet
from gateway.radius.reply import encode_reply
from gateway.radius.shared_secret import SharedSecret
from gateway.supervisor.control import ControlSocket
from gateway.supervisor.login import LoginQuestion, log_in
from gateway.supervisor.login_helper import LoginOutcome
from gateway.supervisor.run_dir import RunDir
from tests.cli.files import run_main, run_process, write_config
from tests.config.files import MINIMAL
from tests.supervisor.scripted import ScriptedArbiter

TWO_SECTIONS = MINIMAL + MINIMAL.replace("only]", "only2]").replace("10.0.1.10", "10.0.2.10").replace("Dir", "Oth")
TWO_SECTIONS += "name=Osaka Office\n"


class Arbiter(ScriptedArbiter):
    """Logs in as the supervisor does."""

    def __init__(self, config: str) -> None:
        super().__init__({})
        self._settings, _ = read_settings(config)

    async def login(self, question: LoginQuestion) -> LoginOutcome:
        return await log_in(self._settings, question)


class Supervisor:
    """A control socket in a thread of its own, with a gateway's settings behind it."""

    def __init__(self, config: str, run_dir: Path) -> None:
        self._is_open = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(config, run_dir))
        self._thread.start()
        assert self._is_open.wait(20.0)

    def _run(self, config: str, run_dir: Path) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve(config, run_dir))

    async def _serve(self, config: str, run_dir: Path) -> None:
        folder = RunDir(run_dir)
        control = ControlSocket(folder, Arbiter(config))
        await control.open()
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._is_open.set()
        await self._stop.wait()
        await control.close()
        folder.release()

    def close(self) -> None:
        """Answer no more."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


class ScriptedGateway:
    """Answers one request on a loopback port, as it is told.

    Attributes:
        asked: (user name, password, source host) of what came.
    """

    def __init__(self, folder: Path) -> None:
        self._udp = open_socket(socket.AF_INET, "127.0.0.1", 0, shared=False)
        self._udp.setblocking(True)
        self._thread: threading.Thread | None = None
        self.port = self._udp.getsockname()[1]
        keys = f"port={self.port}\ninterface=127.0.0.1\n"
        text = f"[gateway]\nrun_dir={folder}/run\n" + TWO_SECTIONS.replace("skey=", keys + "skey=")
        self.config = write_config(folder, text)
        self.supervisor: Supervisor | None = Supervisor(self.config, folder / "run")
        self.asked: list[tuple[bytes, bytes, str]] = []

    def answer(self, code: Code, *texts: str, section: int = 0, secret: bytes | None = None) -> None:
        """Answer the next request with this reply."""
        settings, _ = read_settings(self.config)
        ours = login_client(settings, settings.servers[section]).shared_secret
        arguments = (code, texts, SharedSecret(ours), SharedSecret(secret or ours))
        self._thread = threading.Thread(target=self._answer_one, args=arguments)
        self._thread.start()

    def _answer_one(self, code: Code, texts: tuple[str, ...], ours: SharedSecret, secret: SharedSecret) -> None:
        datagram, source = self._udp.recvfrom(4096)
        if not datagram:  # nobody asked
            return
        packet = decode_packet(datagram)
        password = ours.reveal_user_password(packet.value(USER_PASSWORD) or b"", packet.authenticator)
        self.asked.append((packet.value(USER_NAME) or b"", password or b"", source[0]))
        assert ours.has_signed(packet)
        text, second_text = (*texts, "", "")[:2]
        self._udp.sendto(encode_reply(code, packet, secret, text, second_text), source)

    def stop(self) -> None:
        """Run no more."""
        if self.supervisor is not None:
            self.supervisor.close()
            self.supervisor = None

    def close(self) -> None:
        """Give the port up."""
        if self._thread is not None:
            self._udp.sendto(b"", self._udp.getsockname())
            self._thread.join()
            self._thread = None
        self._udp.close()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[ScriptedGateway]:
    gateway = ScriptedGateway(tmp_path)
    yield gateway
    gateway.stop()
    gateway.close()


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Put octets on the standard input, which is no terminal."""

    def type_octets(octets: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(octets), "utf-8"))

    return type_octets


def test_an_accept_is_told_with_its_time_and_status_0(gateway, capsys):
    gateway.answer(Code.ACCESS_ACCEPT, "Success. Logging you in...", "reason=duo_allowed: Duo said so")
    status, out, err = run_main(capsys, "login", "alice", "push", "--config", gateway.config)
    first, second = out.splitlines()
    assert (status, err) == (0, "")
    assert first.startswith("Access-Accept after 0.")
    assert first.endswith(" s: Success. Logging you in...")
    assert second == "  reason=duo_allowed: Duo said so"
    assert gateway.asked == [(b"alice", b"push", "127.82.65.1")]


def test_a_reject_is_told_with_the_gateways_reason_and_status_1(gateway, capsys):
    gateway.answer(Code.ACCESS_REJECT, "Incorrect passcode.", "reason=duo_denied: Duo said no hint=look there")
    status, out, _ = run_main(capsys, "login", "alice", "123456", "--config", gateway.config)
    assert status == 1
    assert out.startswith("Access-Reject after ")
    assert out.splitlines()[1:] == [
        "  reason=duo_denied: Duo said no",
        "  hint: look there",
        "  more: radgate explain duo_denied",
    ]


def test_what_duo_says_does_not_drive_the_terminal(gateway, capsys):
    gateway.answer(Code.ACCESS_REJECT, "\x1b[2J\x07no", "reason=duo_denied: \x1b]0;title")
    _, out, _ = run_main(capsys, "login", "alice", "123456", "--config", gateway.config)
    assert not {"\x1b", "\x07"} & set(out)


def test_names_and_texts_of_any_language_come_through(gateway, capsys):
    gateway.answer(Code.ACCESS_ACCEPT, "ログイン中")
    status, out, _ = run_main(capsys, "login", "ユーザー", "pässwörd", "--config", gateway.config)
    assert status == 0
    assert "ログイン中" in out
    assert gateway.asked[0][:2] == ("ユーザー".encode(), "pässwörd".encode())


def test_the_factor_is_read_from_standard_input_when_left_out(gateway, capsys, typed):
    """So that a passcode need not stand where other users of the machine can read it."""
    typed(b"654321\n")
    gateway.answer(Code.ACCESS_ACCEPT)
    assert run_main(capsys, "login", "alice", "--config", gateway.config)[0] == 0
    assert gateway.asked[0][1] == b"654321"


def test_what_is_typed_need_not_be_utf_8(gateway, capsys, typed):
    typed(b"p\xe4ss\n")
    gateway.answer(Code.ACCESS_REJECT)
    assert run_main(capsys, "login", "alice", "--config", gateway.config)[0] == 1
    assert gateway.asked[0][1] == b"p\xe4ss"


def test_a_name_that_the_terminals_encoding_cannot_carry_goes_out_as_it_was_typed(gateway):
    gateway.answer(Code.ACCESS_ACCEPT, "Willkommen")
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ended = run_process("login", "jos\u00e9".encode(), b"push", "--config", gateway.config, env=plain)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert gateway.asked[0][0] == "jos\u00e9".encode()


def test_a_section_that_is_no_text_is_an_unknown_one(gateway):
    ended = run_process("login", "alice", "push", b"--server", b"tok\xffyo", "--config", gateway.config)
    assert ended.returncode == 2
    assert b"no such server section" in ended.stderr


def test_what_the_terminals_encoding_cannot_read_gets_a_sentence(gateway, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _: b"jos\xe9".decode("ascii"))
    status, out, err = run_main(capsys, "login", "alice", "--config", gateway.config)
    assert (status, out) == (2, "")
    assert err == ("radgate: what was typed is no text in this terminal's encoding, ascii; try with LC_ALL=C.UTF-8\n")


def test_an_end_of_input_at_the_question_is_no_traceback(gateway, capsys, monkeypatch):
    def ctrl_d(_prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", ctrl_d)
    assert run_main(capsys, "login", "alice", "--config", gateway.config)[0] != 0


def test_another_section_is_asked_by_name(gateway, capsys):
    gateway.answer(Code.ACCESS_ACCEPT, section=1)
    arguments = ("login", "alice", "push", "--server", "radius_server_duo_only2", "--config", gateway.config)
    assert run_main(capsys, *arguments)[0] == 0
    assert gateway.asked == [(b"alice", b"push", "127.82.65.2")]


def test_or_by_the_name_that_the_file_gives_it_in_any_letter_case(gateway, capsys):
    gateway.answer(Code.ACCESS_ACCEPT, section=1)
    arguments = ("login", "alice", "push", "--server", "osaka OFFICE", "--config", gateway.config)
    assert run_main(capsys, *arguments)[0] == 0
    assert gateway.asked == [(b"alice", b"push", "127.82.65.2")]


def test_an_unknown_section_is_an_error_that_names_the_known_ones(gateway, capsys):
    arguments = ("login", "alice", "push", "--server", "radius_server_auto", "--config", gateway.config)
    status, out, err = run_main(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err == (
        f"{gateway.config} [radius_server_auto]: no such server section; "
        "there is radius_server_duo_only, radius_server_duo_only2 (Osaka Office)\n"
    )


def test_nothing_listening_is_said_at_once_with_status_4(gateway, capsys):
    gateway.close()
    status, out, err = run_main(capsys, "login", "alice", "push", "--config", gateway.config)
    assert (status, out) == (4, "")
    assert err == f"radgate: nothing listens on 127.0.0.1:{gateway.port}\n"


def test_nothing_running_is_said_with_status_4(gateway, capsys):
    gateway.stop()
    status, out, err = run_main(capsys, "login", "alice", "push", "--config", gateway.config)
    assert (status, out) == (4, "")
    assert err.startswith("radgate: not running; nobody answers at ")


def test_a_silent_gateway_is_given_up_after_the_timeout_with_status_4(gateway, capsys):
    status, _, err = run_main(capsys, "login", "alice", "push", "--timeout", "0.05", "--config", gateway.config)
    assert status == 4
    assert err == "radgate: no answer within 0.05 s\n"


@pytest.mark.parametrize("timeout", ["0", "-1", "601", "nan", "inf", "soon"])
def test_a_timeout_has_bounds(gateway, capsys, timeout):
    with pytest.raises(SystemExit) as stopped:
        run_main(capsys, "login", "alice", "push", f"--timeout={timeout}", "--config", gateway.config)
    assert stopped.value.code == 2
    assert "seconds above 0, at most 600" in capsys.readouterr().err


def test_the_command_needs_no_secret_of_the_file(gateway, capsys):
    """Which systemd, or a key that systemd has, may give to the gateway alone."""
    gateway.answer(Code.ACCESS_ACCEPT, "Welcome")
    config = Path(gateway.config)
    lines = config.read_text().splitlines()
    hidden = ["skey_file=%d/skey" if line.startswith("skey=") else line for line in lines]
    hidden = ["radius_secret_1_file=%d/r" if line.startswith("radius_secret_1=") else line for line in hidden]
    config.write_text("\n".join([*hidden, "[gateway]"]).replace("[gateway]", "[gateway]\nsecrets_key_file=%d/key", 1))
    status, out, err = run_main(capsys, "login", "alice", "push", "--config", gateway.config)
    assert (status, err) == (0, "")
    assert out.endswith(" s: Welcome\n")


def test_an_answer_that_is_not_the_gateways_is_not_believed(gateway, capsys):
    gateway.answer(Code.ACCESS_ACCEPT, "Welcome", secret=b"somebody else's")
    status, out, err = run_main(capsys, "login", "alice", "push", "--config", gateway.config)
    assert (status, out) == (4, "")
    assert "the shared secrets differ" in err


def test_a_name_that_is_no_text_here_goes_out_as_it_was_typed(gateway, capsys):
    """As in a terminal whose locale is C."""
    gateway.answer(Code.ACCESS_REJECT)
    assert run_main(capsys, "login", os.fsdecode(b"\xffx"), "push", "--config", gateway.config)[0] == 1
    assert gateway.asked[0][0] == b"\xffx"


@pytest.mark.parametrize("user", ["", "n" * 254], ids=["empty", "too long"])
def test_a_user_name_that_no_packet_can_hold_is_no_traceback(gateway, capsys, user):
    status, out, err = run_main(capsys, "login", user, "push", "--config", gateway.config)
    assert (status, out) == (4, "")
    assert err.startswith("radgate: ")


def test_a_name_in_octets_that_are_no_text_is_sent_as_it_was_typed(gateway, capsys):
    """As argv holds it where the locale is C and UTF-8 mode is off."""
    gateway.answer(Code.ACCESS_ACCEPT, "yes")
    status, _, err = run_main(capsys, "login", os.fsdecode("zoë".encode("latin-1")), "push", "--config", gateway.config)
    assert (status, err) == (0, "")
    assert gateway.asked[0][0] == "zoë".encode("latin-1")
