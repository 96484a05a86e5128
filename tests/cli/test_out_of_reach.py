"""The commands for a running gateway where none is, where nobody answers, and where a new one could not start."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli import asking
from gateway.config.control_address import ControlAddress
from gateway.config.surroundings import Surroundings
from gateway.supervisor import whereabouts
from gateway.supervisor.run_dir import RunDir
from gateway.this_process import ProcessName
from tests.cli.files import run_main, write_config
from tests.cli.scripted_gateway import STATUS, ScriptedGateway, config_of
from tests.config.files import MINIMAL


class TestNobody:
    @pytest.mark.parametrize("command", ["stop", "reload", "status"])
    def test_5_when_nothing_runs(self, tmp_path, capsys, command):
        assert run_main(capsys, command, "--config", config_of(tmp_path)) == (
            5,
            "",
            f"radgate: not running; nobody answers at {tmp_path}/run/control.sock\n",
        )

    @pytest.mark.parametrize("command", ["stop", "reload", "status"])
    def test_5_when_nothing_runs_even_with_a_faulty_file(self, tmp_path, capsys, command):
        assert run_main(capsys, command, "--config", config_of(tmp_path, "workers=many\n"))[0] == 5

    @pytest.mark.parametrize("command", ["stop", "reload", "status", "upgrade"])
    @pytest.mark.parametrize("text", ["", f"{MINIMAL}failmode=secure\n[gateway\nrun_dir=/there\n"])
    def test_5_with_the_error_of_a_file_that_no_longer_says_where_to_ask(
        self, tmp_path, capsys, monkeypatch, command, text
    ):
        monkeypatch.setattr(Surroundings, "run_dir", f"{tmp_path}/default")  # and not of a gateway of this machine
        config = tmp_path / "x.cfg"
        config.write_text(text)
        status, out, err = run_main(capsys, command, "--config", str(config))
        assert (status, out) == (5, "")
        first, second = err.splitlines()
        assert first == f"radgate: not running; nobody answers at {tmp_path}/default/control.sock"
        assert second.startswith(
            f"radgate: the default run_dir was asked, for the file names none; first error: {config}:"
        )

    @pytest.mark.parametrize("gateway", ["", "[gateway]\nworkers=many\nrun_dir={}/run\n"])
    def test_5_and_no_word_of_the_file_where_it_says_where_to_ask_or_is_right(
        self, tmp_path, capsys, monkeypatch, gateway
    ):
        monkeypatch.setattr(Surroundings, "run_dir", f"{tmp_path}/default")
        config = write_config(tmp_path, MINIMAL + gateway.format(tmp_path))
        status, _, err = run_main(capsys, "status", "--config", config)
        assert (status, err.count("\n")) == (5, 1)

    @pytest.mark.parametrize("command", ["start", "stop", "reload", "status"])
    def test_4_when_the_gateway_says_nothing(self, tmp_path, capsys, monkeypatch, command):
        bound = {"status": "asking.ASK_TIMEOUT_S", "reload": "reload.RELOAD_TIMEOUT_S"}
        monkeypatch.setattr(f"gateway.cli.{bound.get(command, f'{command}.ASK_TIMEOUT_S')}", 0.01)
        folder = RunDir(tmp_path / "run")
        with folder.listen():
            status, out, err = run_main(capsys, command, "--config", config_of(tmp_path))
        folder.release()
        assert (status, out, err) == (4, "", "radgate: the gateway does not answer within 0.01 s\n")

    @pytest.mark.parametrize("command", ["start", "restart", "stop", "reload", "status"])
    def test_2_for_a_file_that_is_not_there(self, tmp_path, capsys, command):
        status, out, err = run_main(capsys, command, "--config", str(tmp_path / "missing.cfg"))
        assert (status, out) == (2, "")
        assert err.startswith(f"{tmp_path}/missing.cfg: cannot read ")


class TestOutOfReach:
    """A gateway runs, and nobody answers where its file says."""

    COMMANDS = ("start", "restart", "stop", "reload", "status", "upgrade", "login")

    @pytest.fixture(autouse=True)
    def as_a_supervisor(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this process be taken for one, by its name, that neither begins nor ends."""
        monkeypatch.setattr(asking, "SETTLES_S", 0.0)
        name = Path("/proc/self/comm").read_text().strip()
        monkeypatch.setattr(whereabouts, "SUPERVISOR", ProcessName(name, name))

    def ask(self, capsys: pytest.CaptureFixture[str], command: str, config: str) -> tuple[int, str, str]:
        typed = ("alice", "push") if command == "login" else ()
        return run_main(capsys, command, *typed, "--config", config)

    @pytest.mark.parametrize("command", COMMANDS)
    def test_4_and_where_it_is_if_the_file_has_got_another_run_dir(self, gateway, tmp_path, capsys, command):
        gateway.arbiter.answer = {**STATUS, "config": gateway.config}
        Path(gateway.config).write_text(f"{MINIMAL}[gateway]\nrun_dir={tmp_path}/other\n")
        status, out, err = self.ask(capsys, command, gateway.config)
        assert (status, out) == (4, "")
        assert err == (
            f"radgate: pid {os.getpid()} serves this file with run_dir={tmp_path}/run, which it names no longer: "
            f"write that again, or end it with kill -TERM {os.getpid()}\n"
        )
        assert gateway.arbiter.stops == 0

    def test_where_the_file_names_none_it_has_another_default(self, gateway, tmp_path, capsys, monkeypatch):
        """By another user, or without the XDG_RUNTIME_DIR of now: no line of the file was ever removed."""
        gateway.arbiter.answer = {**STATUS, "config": gateway.config}
        Path(gateway.config).write_text(MINIMAL)
        monkeypatch.setattr("gateway.cli.asking.read_control_address", lambda _: ControlAddress(f"{tmp_path}/now", 1.0))
        status, out, err = self.ask(capsys, "status", gateway.config)
        assert (status, out) == (4, "")
        assert err == (
            f"radgate: pid {os.getpid()} serves this file with run_dir={tmp_path}/run, and the file names none, "
            f"which is {tmp_path}/now here: write run_dir={tmp_path}/run into [gateway], ask as its user and with "
            f"the same XDG_RUNTIME_DIR, or end it with kill -TERM {os.getpid()}\n"
        )

    def test_one_that_serves_another_file_is_no_matter_of_ours(self, gateway, tmp_path, capsys):
        gateway.arbiter.answer = {**STATUS, "config": "/etc/radgate/other.cfg"}
        Path(gateway.config).write_text(f"{MINIMAL}[gateway]\nrun_dir={tmp_path}/other\n")
        assert run_main(capsys, "status", "--config", gateway.config)[0] == 5

    def test_nor_is_another_program_with_a_socket_of_that_name(self, gateway, tmp_path, capsys, monkeypatch):
        monkeypatch.setattr(whereabouts, "SUPERVISOR", ProcessName("nobody", "nobody"))
        gateway.arbiter.answer = {**STATUS, "config": gateway.config}
        Path(gateway.config).write_text(f"{MINIMAL}[gateway]\nrun_dir={tmp_path}/other\n")
        assert run_main(capsys, "status", "--config", gateway.config)[0] == 5

    @pytest.mark.parametrize("command", COMMANDS)
    def test_4_and_the_pid_if_its_control_socket_is_gone(self, gateway, tmp_path, capsys, command):
        (tmp_path / "run" / "control.sock").unlink()
        status, out, err = self.ask(capsys, command, gateway.config)
        assert (status, out) == (4, "")
        assert err.startswith(f"radgate: pid {os.getpid()} runs, but nobody answers at {tmp_path}/run/control.")
        assert f"kill -TERM {os.getpid()}" in err

    def test_a_pid_file_whose_folder_nobody_has_locked_is_left_by_the_dead(self, tmp_path, capsys):
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "radgate.pid").write_text(f"{os.getpid()}\n")
        assert run_main(capsys, "status", "--config", config_of(tmp_path))[0] == 5


@pytest.mark.parametrize("command", ["start", "restart"])
def test_where_the_gateway_ends_just_when_it_is_asked_another_one_starts(tmp_path, capsys, monkeypatch, command):
    started: list[str] = []
    monkeypatch.setattr(f"gateway.cli.{command}.start", lambda config: started.append(config) or 0)
    folder = RunDir(tmp_path / "run")
    listening = folder.listen()

    def end() -> None:
        connection, _ = listening.accept()
        listening.close()
        folder.release()
        connection.close()

    ending = threading.Thread(target=end)
    ending.start()
    config = config_of(tmp_path, f"[main]\nlog_dir={tmp_path / 'log'}\n")
    status, _, err = run_main(capsys, command, "--config", config)
    ending.join()
    assert (status, err, started) == (0, "", [config])


class TestRestart:
    """A gateway that serves is not stopped for a file with which another one could not."""

    @pytest.fixture
    def port(self) -> Iterator[int]:
        """Somebody else's at one address of this machine."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.2", 0))
            yield udp.getsockname()[1]

    def restart(self, gateway: ScriptedGateway, capsys: pytest.CaptureFixture[str], keys: str) -> str:
        """Restart by a file with these keys of the section; return the problem for which nothing was stopped."""
        folder = Path(gateway.config).parent
        text = f"[main]\nlog_dir={folder / 'log'}\n{MINIMAL}{keys}[gateway]\nrun_dir={folder / 'run'}\nconsole=off\n"
        status, out, err = run_main(capsys, "restart", "--config", write_config(folder, text))
        problem, kept = err.splitlines()
        assert (status, out) == (2, "")
        assert kept == "radgate: not restarted; pid 4711 goes on serving, nothing was changed"
        assert gateway.arbiter.stops == 0
        return problem

    def test_another_program_has_the_port_at_the_new_address(self, gateway, capsys, port):
        gateway.arbiter.answer = {**STATUS, "servers": [{"listen": [f"127.0.0.1:{port}"]}]}
        problem = self.restart(gateway, capsys, f"port={port}\ninterface=127.0.0.2\n")
        assert f"cannot listen on udp 127.0.0.2:{port}: the port is in use" in problem

    def test_the_gateway_tells_what_others_have_where_its_own_sockets_are_in_the_way(self, gateway, capsys, port):
        gateway.arbiter.answer = {**STATUS, "servers": [{"listen": [f"127.0.0.1:{port}"]}]}
        gateway.arbiter.taken = {f"0.0.0.0:{port}": "cannot listen there"}
        assert "[radius_server_duo_only] port: cannot listen there" in self.restart(gateway, capsys, f"port={port}\n")
