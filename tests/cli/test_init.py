"""A first configuration file: from arguments, and from answers on a terminal."""

import os
import pty
import pwd
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.config.reading import read_settings
from gateway.config.settings import AdClient, RadiusClient
from tests.cli.files import run_main
from tests.config.certificates import certificate
from tests.config.files import IKEY, SHARED_SECRET, SKEY
from tests.signals import as_at_a_terminal

API_HOST = "api-12345678.duosecurity.com"
END = 30.0


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "new" / "authproxy.cfg"


@pytest.fixture
def given(tmp_path: Path) -> list[str]:
    """The arguments of an application."""
    (tmp_path / "skey").write_text(SKEY)
    (tmp_path / "skey").chmod(0o600)
    return ["--ikey", IKEY, "--skey-file", str(tmp_path / "skey"), "--api-host", API_HOST]


def test_arguments_alone_make_a_file_without_problems(config, given, tmp_path, capsys):
    (tmp_path / "secret").write_text(SHARED_SECRET)
    (tmp_path / "secret").chmod(0o600)
    clients = ["--client", "10.0.1.10", "--client", f"10.9.0.0/16={tmp_path / 'secret'}", "--generate-secret"]
    status, out, err = run_main(capsys, "init", "--config", str(config), *given, *clients, "--failmode", "Secure")
    assert (status, err) == (0, "")
    assert config.stat().st_mode & 0o777 == 0o600
    settings, problems = read_settings(config)
    assert not problems
    assert settings.gateway.user == ("radgate" if os.geteuid() == 0 else None)
    (server,) = settings.servers
    made, from_file = (client.shared_secret.octets.decode() for client in server.clients)
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert from_file == SHARED_SECRET
    assert server.fail_mode.value == "secure"
    assert made not in out
    assert "radius_secret_1 in that file" in out
    assert f"radgate check --connect --config {config}" in out


def test_what_is_to_be_typed_next_has_a_path_with_blanks_in_quotes(tmp_path, given, capsys):
    config = tmp_path / "a b" / "authproxy.cfg"
    status, out, _ = run_main(capsys, "init", "--config", str(config), *given, "--client", "::1", "--generate-secret")
    assert status == 0
    assert f"radgate run --config '{config}'" in out


@pytest.mark.parametrize(("home", "client"), [(True, "radius_client"), (False, "duo_only_client")])
def test_another_mode_with_a_first_factor_or_without(config, given, tmp_path, capsys, home, client):
    (tmp_path / "home").write_text(SHARED_SECRET)
    (tmp_path / "home").chmod(0o600)
    arguments = [*given, "--client", "10.0.1.10", "--generate-secret", "--mode", "challenge"]
    arguments += (
        ["--home", f"10.0.0.5:1645={tmp_path / 'home'}", "--home", f"10.0.0.6={tmp_path / 'home'}"]
        if home
        else ["--no-password"]
    )
    status, _, err = run_main(capsys, "init", "--config", str(config), *arguments)
    assert (status, err) == (0, "")
    settings, problems = read_settings(config)
    assert [each.name for each in getattr(settings.clients[0], "homes", ())] == (
        ["10.0.0.5:1645", "10.0.0.6:1812"] if home else []
    )
    assert len(problems) == (not home)  # a note that nobody checks passwords
    assert (settings.servers[0].section, settings.servers[0].client) == ("radius_server_challenge", client)


def test_a_directory_checks_passwords(config, given, tmp_path, capsys):
    (tmp_path / "password").write_text(SHARED_SECRET)
    (tmp_path / "password").chmod(0o600)
    (tmp_path / "ca.pem").write_bytes(certificate()[0])
    arguments = [*given, "--client", "10.0.1.10", "--generate-secret", "--mode", "auto"]
    arguments += ["--directory", "dc1.corp.test", "--directory", "dc2.corp.test", "--search-dn", "DC=corp,DC=test"]
    arguments += [f"--service-account=reader={tmp_path / 'password'}", "--group", "CN=VPN,DC=corp,DC=test"]
    status, _, err = run_main(capsys, "init", "--config", str(config), *arguments)
    assert (status, err) == (0, "")
    settings, problems = read_settings(config)
    (directory,) = settings.clients
    assert not problems
    assert isinstance(directory, AdClient)
    assert (settings.servers[0].client, directory.host_names) == (
        "ad_client",
        ("dc1.corp.test:389", "dc2.corp.test:389"),
    )
    assert (directory.auth_type.value, directory.security_group_dn) == ("ntlm2", "CN=VPN,DC=corp,DC=test")
    config.unlink()
    arguments += ["--directory-ca", str(tmp_path / "ca.pem")]
    assert run_main(capsys, "init", "--config", str(config), *arguments)[0] == 0
    (directory,) = read_settings(config)[0].clients
    assert isinstance(directory, AdClient)
    assert (directory.auth_type.value, directory.transport.value) == ("plain", "ldaps")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--directory", "dc1"], "--directory: write --search-dn DN and --service-account NAME=PATH, too"),
        (["--directory", "dc1", "--home", "a=b"], "--directory and --home: write one of them"),
        (["--home", "a=b", "--no-password"], "--home and --no-password: write one of them"),
        ([], "--mode: nothing says who checks passwords; write --directory HOST or --home HOST=PATH, or --no-password"),
        (
            ["--directory", "dc1", "--search-dn", "DC=a", "--service-account", "reader"],
            "--service-account: write NAME=PATH, with the file that holds the password",
        ),
        (
            ["--directory", "dc1", "--search-dn", "a.test", "--service-account", "reader=x"],
            "--search-dn: is no distinguished name; write it as in OU=Staff,DC=example,DC=com",
        ),
    ],
)
def test_what_is_said_of_who_checks_passwords_must_be_whole(config, given, capsys, arguments, problem):
    arguments = [*given, "--client", "10.0.1.10", "--generate-secret", "--mode", "auto", *arguments]
    assert run_main(capsys, "init", "--config", str(config), *arguments) == (2, "", f"radgate: {problem}\n")


@pytest.mark.parametrize(("name", "hint"), [("no-such-user", True), ("nobody", False), ("", False)])
def test_the_user_of_the_workers_is_named_and_how_to_make_one(config, given, capsys, name, hint):
    arguments = [*given, "--client", "10.0.1.10", "--generate-secret", f"--user={name}"]
    status, out, _ = run_main(capsys, "init", "--config", str(config), *arguments)
    assert status == 0
    assert read_settings(config)[0].gateway.user == (name or None)
    assert (f"useradd --system {name}" in out) is hint


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another group")
def test_what_root_writes_the_group_of_the_workers_can_read(config, given, capsys):
    arguments = [*given, "--client", "10.0.1.10", "--generate-secret", "--user=nobody"]
    assert run_main(capsys, "init", "--config", str(config), *arguments)[0] == 0
    status = config.stat()
    assert (status.st_mode & 0o777, status.st_uid, status.st_gid) == (0o640, 0, pwd.getpwnam("nobody").pw_gid)


def test_two_files_have_two_secrets(config, given, capsys):
    for name in ("one", "two"):
        arguments = [*given, "--client", "10.0.1.10", "--generate-secret"]
        assert run_main(capsys, "init", "--config", str(config / name), *arguments)[0] == 0
    one, two = (read_settings(config / name)[0].servers[0].clients[0].shared_secret for name in ("one", "two"))
    assert one != two


def test_a_name_that_cannot_be_looked_for(tmp_path, given, capsys):
    path = tmp_path / ("x" * 300)
    arguments = ["--config", str(path), *given, "--client", "10.0.1.10", "--generate-secret"]
    assert run_main(capsys, "init", *arguments)[2] == f"radgate: cannot write {path}: File name too long\n"


def test_a_file_is_never_written_over(config, given, capsys):
    config.parent.mkdir()
    config.write_text("mine")
    status, _, err = run_main(
        capsys, "init", "--config", str(config), *given, "--client", "10.0.1.10", "--generate-secret"
    )
    assert (status, config.read_text()) == (2, "mine")
    assert "is there already; edit it, or name another one" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "missing: --ikey, --skey-file, --api-host, --client (radgate init --help)"),
        (["GIVEN"], "missing: --client ("),
        (["GIVEN", "--client", "10.0.0.1"], "missing: --client ADDRESS=PATH or --generate-secret"),
        (["GIVEN", "--client", "10.0.0", "--generate-secret"], "--client: '10.0.0' is neither address, network nor"),
        (["GIVEN", "--client", "10.0.0.1", "--generate-secret", "--ikey", "DIX"], "--ikey: "),
        (
            ["GIVEN", "--client", "10.0.0.1", "--generate-secret", "--failmode", "open"],
            "--failmode: 'open' is not known",
        ),
        (["GIVEN", "--client", "10.0.0.1", "--generate-secret", "--port", "0"], "--port: "),
        (["GIVEN", "--client", "10.0.0.1=/no/such/file"], "radius_secret_1_file: cannot read"),
        (
            ["GIVEN", "--client", "10.0.0.1", "--generate-secret", "--api-host", "api-XXXXXXXX.duosecurity.com"],
            "placeholder",
        ),
    ],
)
def test_without_a_terminal_what_is_missing_or_wrong_is_told(config, given, capsys, arguments, said):
    whole = [each for argument in arguments for each in (given if argument == "GIVEN" else [argument])]
    status, _, err = run_main(capsys, "init", "--config", str(config), *whole)
    assert status == 2
    assert said in err
    assert SKEY not in err
    assert not config.exists()


def test_a_place_where_nothing_can_be_written(tmp_path, given, capsys):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "authproxy.cfg"
    status, _, err = run_main(
        capsys, "init", "--config", str(path), *given, "--client", "10.0.0.1", "--generate-secret"
    )
    assert status == 2
    assert f"radgate: cannot write {path}: " in err


class Terminal:
    """A command on a terminal of its own, and what it shows there."""

    def __init__(self, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        command = [sys.executable, "-P", "-m", "gateway", *arguments]
        environment = {**os.environ, "TERM": "dumb", "COLUMNS": "200"}
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env=environment,
            preexec_fn=as_at_a_terminal,
        )
        os.close(theirs)
        self.shown = ""

    def answer(self, question: str, text: str, *, is_hidden: bool = False) -> None:
        """Wait for a question, and for the echo to be off if what is typed must not be shown; then type."""
        self.read_until(question)
        deadline = time.monotonic() + END
        while is_hidden and termios.tcgetattr(self._ours)[3] & termios.ECHO:  # nobody tells
            assert time.monotonic() < deadline
            time.sleep(0.005)
        self.shown += "\n<answered>\n"
        os.write(self._ours, text.encode() + b"\n")

    def interrupt(self) -> None:
        """Press Ctrl-C until it ends: Python does not hear one that comes in the instant before it reads."""
        while self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5.0)

    def end(self) -> int:
        """Return the exit status; `shown` is complete then."""
        self.read_until(None)
        return self.process.wait(END)

    def read_until(self, text: str | None) -> None:
        while text is None or text not in self.shown.rpartition("<answered>")[2]:
            try:
                assert select.select([self._ours], [], [], END)[0], self.shown
                portion = os.read(self._ours, 4096)
            except OSError:  # it has ended
                portion = b""
            if not portion:
                assert text is None, self.shown
                return
            self.shown += portion.decode()

    def close(self) -> None:
        os.close(self._ours)
        self.process.kill()
        self.process.wait()


@pytest.fixture
def terminal(config: Path) -> Iterator[Terminal]:
    made = Terminal("init", "--config", str(config))
    yield made
    made.close()


def test_answers_on_a_terminal(config, terminal):
    terminal.answer("[duo_only]: ", "automatic")
    terminal.answer("write duo_only, auto, concat or challenge", "Auto")
    terminal.answer("Which [directory]: ", "ldap")
    terminal.answer("write directory, radius or none", "RADIUS")
    terminal.answer("(host of [radius_client]): ", "10.0.0.5 10.0.0.6:1645")
    terminal.answer("with them, not shown: ", SHARED_SECRET[::-1], is_hidden=True)
    terminal.answer("(ikey): ", "not an ikey")
    terminal.answer("an integration key has 20", IKEY)
    terminal.answer("(skey), not shown: ", "too short", is_hidden=True)
    terminal.answer("has 9 characters instead of 40", SKEY, is_hidden=True)
    terminal.answer("(api_host): ", f"https://{API_HOST}/")
    terminal.answer("write only the host name", API_HOST)
    terminal.answer("DNS addresses): ", "10.0.1.10, 10.0.2.10")
    terminal.answer("make one: ", SHARED_SECRET, is_hidden=True)
    terminal.answer("[safe]: ", "secure")
    assert terminal.end() == 0, terminal.shown
    settings, problems = read_settings(config)
    assert not problems
    (server,) = settings.servers
    assert (server.section, server.client) == ("radius_server_auto", "radius_client")
    (client,) = settings.clients
    assert isinstance(client, RadiusClient)
    assert [home.name for home in client.homes] == ["10.0.0.5:1812", "10.0.0.6:1645"]
    assert server.application.secret_key.octets.decode() == SKEY
    assert [client.networks for client in server.clients] == [("10.0.1.10/32",), ("10.0.2.10/32",)]
    assert {client.shared_secret.octets.decode() for client in server.clients} == {SHARED_SECRET}
    assert server.fail_mode.value == "secure"
    assert SKEY not in terminal.shown
    assert SHARED_SECRET not in terminal.shown
    assert IKEY in terminal.shown


def test_answers_about_a_directory(config, terminal):
    for question, text in (
        ("[duo_only]: ", "challenge"),
        ("Which [directory]: ", ""),
        ("between them (host): ", "ldaps://dc1.corp.test"),
        ("is a URL", "dc1.corp.test dc2.corp.test"),
        ("(search_dn): ", "corp.test"),
        ("that is no distinguished name", "DC=corp,DC=test"),
        ("distinguished name: ", "reader"),
        ("Its password, not shown: ", SHARED_SECRET),
        ("without TLS: ", "/no/such.pem"),
        ("cannot read /no/such.pem: No such file", "/etc/hostname"),
        ("holds no certificate in PEM; openssl x509 ", "System"),
        ("empty: none: ", ""),
        ("(ikey): ", IKEY),
        ("(skey), not shown: ", SKEY),
        ("(api_host): ", API_HOST),
        ("DNS addresses): ", "10.0.1.10"),
        ("make one: ", ""),
        ("[safe]: ", ""),
    ):
        terminal.answer(question, text, is_hidden="not shown" in question or "make one" in question)
    assert terminal.end() == 0, terminal.shown
    settings, problems = read_settings(config)
    assert not problems
    (directory,) = settings.clients
    assert isinstance(directory, AdClient)
    assert directory.host_names == ("dc1.corp.test:636", "dc2.corp.test:636")
    assert (directory.service_account_username, directory.ca_certs) == ("reader", b"system")
    assert SHARED_SECRET not in terminal.shown


def test_what_can_be_left_empty(config, terminal):
    for question, text in (
        ("[duo_only]: ", ""),
        ("(ikey): ", IKEY),
        ("not shown: ", SKEY),
        ("(api_host): ", API_HOST),
        ("DNS addresses): ", "10.0.1.10"),
        ("make one: ", ""),
        ("[safe]: ", ""),
    ):
        terminal.answer(question, text, is_hidden="not shown" in question or "make one" in question)
    assert terminal.end() == 0, terminal.shown
    (server,) = read_settings(config)[0].servers
    assert len(server.clients[0].shared_secret.octets) == 32
    assert server.fail_mode.value == "safe"


def test_ctrl_c_writes_nothing(config, terminal):
    terminal.answer("[duo_only]: ", "")
    terminal.answer("(ikey): ", IKEY)
    terminal.read_until("not shown: ")
    terminal.interrupt()
    assert terminal.end() == 130
    assert not config.exists()
    assert "Traceback" not in terminal.shown
