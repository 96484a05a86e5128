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
from gateway.config.settings import ServerSettings
from gateway.listeners.udp import open_socket
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import STATE, USER_NAME, USER_PASSWORD, Code
from gateway.radius.packet import decode_packet
from gateway.radius.reply import encode_reply
from gateway.radius.shared_secret import SharedSecret
from gateway.supervisor.control import ControlSocket
from gateway.supervisor.login import LoginQuestion, log_in
from gateway.supervisor.login_helper import LoginOutcome
from gateway.supervisor.run_dir import RunDir
from tests.cli.files import run_main, run_process, write_config
from tests.config.files import MINIMAL, SHARED_SECRET
from tests.supervisor.scripted import ScriptedArbiter

TWO_SECTIONS = MINIMAL + MINIMAL.replace("only]", "only2]").replace("10.0.1.10", "10.0.2.10").replace("Dir", "Oth")
TWO_SECTIONS += "name=Osaka Office\n"
MODES = ("auto", "concat", "challenge")


def of_modes() -> str:
    """A section of each of the other kinds, with a first factor."""
    keys = MINIMAL.partition("\n")[2]
    sections = [
        f"[radius_server_{mode}]\n{keys}client=radius_client\n".replace("10.0.1.10", f"10.0.{n}.10")
        for n, mode in enumerate(MODES, 3)
    ]
    return "".join(sections) + f"[radius_client]\nhost=127.0.0.1\nsecret={SHARED_SECRET}\n"


class Arbiter(ScriptedArbiter):
    """Logs in as the supervisor does."""

    def __init__(self, config: str) -> None:
        self._settings, _ = read_settings(config)
        super().__init__({"servers": [self._shown(server) for server in self._settings.servers]})

    def _shown(self, server: ServerSettings) -> dict[str, str]:
        mode = server.section.rstrip("0123456789").removeprefix("radius_server_")
        client = server.client or "duo_only_client"
        return {"section": server.section, "name": server.shown_name, "mode": mode, "client": client}

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
        states: of what came, empty for none.
    """

    def __init__(self, folder: Path, more: str = "") -> None:
        self._udp = open_socket(socket.AF_INET, "127.0.0.1", 0, shared=False)
        self._udp.setblocking(True)
        self._thread: threading.Thread | None = None
        self.port = self._udp.getsockname()[1]
        keys = f"port={self.port}\ninterface=127.0.0.1\n"
        text = f"[gateway]\nrun_dir={folder}/run\n" + (TWO_SECTIONS + more).replace("skey=", keys + "skey=")
        self.config = write_config(folder, text)
        self.supervisor: Supervisor | None = Supervisor(self.config, folder / "run")
        self.asked: list[tuple[bytes, bytes, str]] = []
        self.states: list[bytes] = []

    def answer(
        self, code: Code, *texts: str, section: int = 0, secret: bytes | None = None, state: bytes = b""
    ) -> None:
        """Answer the next request with this reply."""
        settings, _ = read_settings(self.config)
        ours = login_client(settings, settings.servers[section]).shared_secret
        arguments = (code, texts, SharedSecret(ours), SharedSecret(secret or ours), state)
        self._thread = threading.Thread(target=self._answer_one, args=arguments)
        self._thread.start()

    def challenge(self, text: str, code: Code, section: int) -> None:
        """Answer the next request with this question, and the one that answers it with this code."""
        settings, _ = read_settings(self.config)
        secret = SharedSecret(login_client(settings, settings.servers[section]).shared_secret)

        def answer_two() -> None:
            self._answer_one(Code.ACCESS_CHALLENGE, (text, "reason=challenged: asked"), secret, secret, b"a state")
            self._answer_one(code, ("Hi", "reason=duo_allowed: done"), secret, secret)

        self._thread = threading.Thread(target=answer_two)
        self._thread.start()

    def _answer_one(
        self, code: Code, texts: tuple[str, ...], ours: SharedSecret, secret: SharedSecret, state: bytes = b""
    ) -> None:
        datagram, source = self._udp.recvfrom(4096)
        if not datagram:  # nobody asked
            return
        packet = decode_packet(datagram)
        password = ours.reveal_user_password(packet.value(USER_PASSWORD) or b"", packet.authenticator)
        self.asked.append((packet.value(USER_NAME) or b"", password or b"", source[0]))
        self.states.append(packet.value(STATE) or b"")
        assert ours.has_signed(packet)
        text, second_text = (*texts, "", "")[:2]
        attributes = encode_attribute(STATE, state) if state else b""
        self._udp.sendto(encode_reply(code, packet, secret, text, second_text, attributes=attributes), source)

    def join(self) -> None:
        """Wait until what was asked for is answered."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

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
def modes(tmp_path: Path) -> Iterator[ScriptedGateway]:
    gateway = ScriptedGateway(tmp_path, of_modes())
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


def test_lines_of_the_text_are_printed_as_lines(gateway, capsys):
    """A home server's, and Duo's below them."""
    gateway.answer(Code.ACCESS_ACCEPT, "Hello alice\nSuccess.", "reason=duo_allowed: Duo said so")
    _, out, _ = run_main(capsys, "login", "alice", "push", "--config", gateway.config)
    first, *rest = out.splitlines()
    assert first.endswith(" s: Hello alice")
    assert rest == ["    Success.", "  reason=duo_allowed: Duo said so"]


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
    status, out, err = run_main(capsys, "login", "alice", "--config", gateway.config)
    assert (status, out) == (2, "")
    assert err == "radgate: no factor was given: name FACTOR, or type it at a terminal\n"


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


AUTO, CONCAT, CHALLENGE = 2, 3, 4
MENU = "Duo two-factor login for alice\n\n1. Duo Push\n\nPasscode or option (1-1)"


def try_login(capsys, modes: ScriptedGateway, section: int, *arguments: str) -> tuple[int, str, str]:
    server = f"radius_server_{MODES[section - 2]}"
    status, out, err = run_main(capsys, "login", "alice", *arguments, "--server", server, "--config", modes.config)
    modes.join()
    return status, out, err


@pytest.mark.parametrize(
    ("section", "arguments", "lines", "password"),
    [
        (AUTO, [], b"secret\n", b"secret"),
        (AUTO, ["push"], b"secret\r\n", b"secret,push"),
        (CONCAT, ["123456"], b"secret\n", b"secret,123456"),
        (CONCAT, [], b"secret\nphone\n", b"secret,phone"),
    ],
)
def test_the_password_of_the_first_factor_is_read_and_the_factor_typed_behind_it(
    modes, capsys, typed, section, arguments, lines, password
):
    typed(lines)
    modes.answer(Code.ACCESS_ACCEPT, "Hi", section=section)
    assert try_login(capsys, modes, section, *arguments)[0] == 0
    assert [asked[1] for asked in modes.asked] == [password]


@pytest.mark.parametrize(
    ("section", "arguments", "lines"),
    [(AUTO, ["pusch"], b""), (CONCAT, ["12345"], b""), (CONCAT, [], b"secret\npusch\n")],
)
def test_a_factor_that_is_none_is_refused_before_anything_is_sent(modes, capsys, typed, section, arguments, lines):
    """It would be a part of the password, which directories count as a wrong one."""
    typed(lines)
    status, out, err = try_login(capsys, modes, section, *arguments)
    assert (status, out, modes.asked) == (2, "", [])
    assert err.startswith("radgate: that is no factor: it may be push, phone, sms or auto")


@pytest.mark.parametrize(
    ("section", "arguments", "lines", "text"),
    [
        (AUTO, [], b"", "no password was given for [radius_client]: type it at a terminal, or name a file"),
        (AUTO, ["--password-file", "-"], b"", "no password was given for [radius_client]: --password-file is empty"),
        (CONCAT, [], b"secret\n", "no factor was given: name FACTOR"),
    ],
)
def test_what_is_missing_where_nobody_sits_at_a_terminal_is_said(modes, capsys, typed, section, arguments, lines, text):
    typed(lines)
    status, out, err = try_login(capsys, modes, section, *arguments)
    assert (status, out, modes.asked) == (2, "", [])
    assert err.startswith(f"radgate: {text}")


@pytest.mark.parametrize("arguments", [[], ["1"]])
def test_a_challenge_is_shown_and_its_answer_asked_for_or_the_factor_given(modes, capsys, typed, arguments):
    typed(b"secret\n1\n")
    modes.challenge(MENU, Code.ACCESS_ACCEPT, CHALLENGE)
    status, out, err = try_login(capsys, modes, CHALLENGE, *arguments)
    assert status == 0
    assert [asked[1] for asked in modes.asked] == [b"secret", b"1"]
    assert modes.states == [b"", b"a state"]
    assert "Access-Accept" in out
    assert err == ("" if arguments else f"{MENU}\n")


def test_a_challenge_that_nobody_answers_is_the_end(modes, capsys, typed):
    typed(b"secret\n")
    modes.answer(Code.ACCESS_CHALLENGE, MENU, "reason=challenged: asked", section=CHALLENGE, state=b"a state")
    status, out, _ = try_login(capsys, modes, CHALLENGE)
    assert status == 1
    assert "reason=challenged: asked" in out


def test_the_password_can_be_in_a_file_or_on_standard_input(modes, capsys, tmp_path, typed):
    (tmp_path / "pw").write_bytes(b"from the file\nnot this\n")
    for path, lines, password in ((str(tmp_path / "pw"), b"", b"from the file"), ("-", b"from input\n", b"from input")):
        typed(lines)
        modes.answer(Code.ACCESS_ACCEPT, "Hi", section=AUTO)
        assert try_login(capsys, modes, AUTO, "--password-file", path)[0] == 0
        assert modes.asked[-1][1] == password


def test_a_password_file_that_cannot_be_read_is_said(modes, tmp_path, capsys):
    status, _, err = try_login(capsys, modes, AUTO, "--password-file", str(tmp_path / "none"))
    assert status == 2
    assert err.startswith("radgate: cannot read ")


def test_whose_password_is_asked_for_is_said(modes, capsys, monkeypatch):
    asked = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda question: asked.append(question) or "secret")
    modes.answer(Code.ACCESS_ACCEPT, "Hi", section=AUTO)
    assert try_login(capsys, modes, AUTO)[0] == 0
    assert asked == ["Password of alice for [radius_client]: "]
