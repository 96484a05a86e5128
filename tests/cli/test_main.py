"""Arguments, exit statuses, and never a traceback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli import main as command_line
from gateway.cli.exits import Exit
from gateway.cli.main import build_parser, main
from gateway.listeners.udp import open_socket
from tests.cli.files import problem_of, run_main, run_process, write_config
from tests.config.files import MINIMAL

NAMES = build_parser().commands
ALL_LOADED = {f"gateway.cli.{name.replace('-', '_')}" for name in NAMES} | {"asyncio", "gateway.supervisor.arbiter"}
COMMANDS = (["check"], ["run"], ["start"], ["restart"])


@pytest.fixture
def taken_port() -> Iterator[int]:
    with open_socket(2, "0.0.0.0", 0, shared=False) as udp:
        yield udp.getsockname()[1]


class TestArguments:
    @pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
    def test_config_may_stand_before_or_after_the_command(self, tmp_path, capsys, is_before):
        option = ["--config", write_config(tmp_path)]
        status, out, _ = run_main(capsys, *option, "check") if is_before else run_main(capsys, "check", *option)
        assert status == 0
        assert out.startswith(option[1])

    def test_the_environment_names_the_file_when_no_argument_does(self, tmp_path, capsys, monkeypatch):
        monkeypatch.setenv("RADGATE_CONFIG", write_config(tmp_path))
        assert run_main(capsys, "check")[0] == 0

    @pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
    def test_an_argument_outweighs_the_environment(self, tmp_path, capsys, monkeypatch, is_before):
        monkeypatch.setenv("RADGATE_CONFIG", str(tmp_path / "missing.cfg"))
        option = ["--config", write_config(tmp_path)]
        assert run_main(capsys, *(option if is_before else []), "check", *([] if is_before else option))[0] == 0

    def test_without_a_command_all_are_named(self, capsys):
        with pytest.raises(SystemExit) as ended:
            main([])
        assert ended.value.code == 2
        assert f"name a command: {', '.join(NAMES)}; radgate --help says " in capsys.readouterr().err

    @pytest.mark.parametrize("value", [None, ""])
    def test_without_either_it_is_the_file_in_etc(self, tmp_path, capsys, monkeypatch, value):
        monkeypatch.delenv("RADGATE_CONFIG", raising=False)
        if value is not None:
            monkeypatch.setenv("RADGATE_CONFIG", value)
        assert command_line.DEFAULT_CONFIG == "/etc/radgate/authproxy.cfg"
        monkeypatch.setattr(command_line, "DEFAULT_CONFIG", write_config(tmp_path))
        assert run_main(capsys, "check")[0] == 0

    @pytest.mark.parametrize("arguments", [[], ["chekc"], ["check", "--connected"], ["login"], ["check", "--config"]])
    def test_wrong_arguments_are_explained_with_status_2(self, capsys, arguments):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2
        assert capsys.readouterr().err.startswith("usage: radgate")

    @pytest.mark.parametrize("command", NAMES)
    def test_help_names_every_command_and_every_command_has_help(self, capsys, command):
        for arguments in (["--help"], [command, "--help"]):
            with pytest.raises(SystemExit) as stopped:
                main(arguments)
            assert stopped.value.code == 0
            assert command in capsys.readouterr().out

    @pytest.mark.parametrize("command", NAMES)
    def test_help_says_what_a_command_does_and_what_its_status_means(self, capsys, command):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        said = capsys.readouterr().out
        assert "exit status: 0" in said
        assert len(said.partition("options:")[0].splitlines()) >= 3
        assert max(map(len, said.splitlines())) <= 120

    @pytest.mark.parametrize(
        ("typed", "meant"), [("statsu", "status"), ("relaod", "reload"), ("logn", "login"), ("Start", "start")]
    )
    def test_a_mistyped_command_is_told_which_one_may_be_meant(self, capsys, typed, meant):
        with pytest.raises(SystemExit) as stopped:
            main([typed])
        assert stopped.value.code == 2
        assert capsys.readouterr().err.endswith(f"there is no command {typed!r}; did you mean {meant}?\n")

    def test_a_command_like_no_other_gets_the_list_of_all(self, capsys):
        with pytest.raises(SystemExit):
            main(["xyzzy"])
        assert "there is no command 'xyzzy'; there are init, run, start" in capsys.readouterr().err

    def test_a_command_loads_none_of_the_others(self):
        program = "import sys; from gateway.cli.main import parse; parse(['status']); print(*sys.modules)"
        loaded = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
        assert {each for each in loaded.stdout.split() if each in ALL_LOADED} == {"gateway.cli.status"}


class TestExitStatuses:
    def test_the_numbers_that_scripts_rely_on(self):
        assert {status.name: int(status) for status in Exit} == {
            "OK": 0,
            "REJECTED": 1,
            "CONFIGURATION": 2,
            "CANNOT_START": 3,
            "NO_ANSWER": 4,
            "NOT_RUNNING": 5,
            "CANNOT_WRITE": 74,
        }

    @pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
    def test_2_for_an_error_in_the_file(self, tmp_path, capsys, arguments):
        config = write_config(tmp_path, MINIMAL + "fialmode=secure\n")
        status, out, err = run_main(capsys, *arguments, "--config", config)
        assert status == 2
        lines = (out if arguments == ["check"] else err).splitlines()
        assert problem_of(lines[0]) == (config, "7", "radius_server_duo_only", "fialmode")
        assert "write failmode" in lines[0]

    def test_3_for_a_port_that_is_taken(self, tmp_path, taken_port):
        log_dir = tmp_path / "log"
        text = f"[main]\nlog_dir={log_dir}\n{MINIMAL}port={taken_port}\n[gateway]\nconsole=off\nrun_dir={tmp_path}\n"
        refused = run_process("run", "--config", write_config(tmp_path, text))
        assert refused.returncode == 3
        assert f"radgate: cannot listen on udp 0.0.0.0:{taken_port}: the port is in use".encode() in refused.stderr
        assert b"Traceback" not in refused.stderr

    def test_3_for_a_log_that_cannot_be_written(self, tmp_path, taken_port):
        (tmp_path / "log").write_text("a file where the folder should be")
        text = f"[main]\nlog_dir={tmp_path / 'log'}\n{MINIMAL}port={taken_port}\n[gateway]\nconsole=off\n"
        refused = run_process("run", "--config", write_config(tmp_path, text))
        assert refused.returncode == 3
        assert b"radgate: cannot start: " in refused.stderr
        assert str(tmp_path / "log").encode() in refused.stderr
        assert b"Traceback" not in refused.stderr

    def test_130_for_an_interrupt(self, tmp_path, capsys, monkeypatch):
        def interrupt(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr("gateway.cli.check.read_settings", interrupt)
        assert run_main(capsys, "check", "--config", write_config(tmp_path))[0] == 130

    @pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "JSON"])
    @pytest.mark.parametrize(("n_faults", "status"), [(0, 0), (1, 2), (500, 2)], ids=["usable", "faulty", "long"])
    def test_a_reader_who_has_had_enough_changes_no_status(self, tmp_path, options, n_faults, status):
        config = write_config(tmp_path, MINIMAL + "".join(f"fialmode{number}=x\n" for number in range(n_faults)))
        read, write = os.pipe()
        os.close(read)
        command = [sys.executable, "-P", "-m", "gateway", "check", *options, "--config", config]
        ended = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, timeout=60, check=False)
        os.close(write)
        assert (ended.returncode, ended.stderr) == (status, b"")


def missing(folder: Path) -> str:
    return str(folder / "nothing here.cfg")


def a_directory(folder: Path) -> str:
    return str(folder)


def under_a_file(folder: Path) -> str:
    return write_config(folder) + "/authproxy.cfg"


def empty(folder: Path) -> str:
    return write_config(folder, "")


def binary(folder: Path) -> str:
    return write_octets(folder, b"\x7fELF\x02\x01\x01\x00" + bytes(range(256)) * 64)


def latin_1(folder: Path) -> str:
    return write_octets(folder, MINIMAL.encode() + "; Schlüssel\nfailmode=säfe\n".encode("latin-1"))


def utf_16(folder: Path) -> str:
    return write_octets(folder, MINIMAL.encode("utf-16"))


def endless(_folder: Path) -> str:
    return "/dev/zero"


def failing_disk(_folder: Path) -> str:
    """Reads of the first page of a process's memory fail with EIO, for root too."""
    return "/proc/self/mem"


def loop(folder: Path) -> str:
    (folder / "loop.cfg").symlink_to("loop.cfg")
    return str(folder / "loop.cfg")


def too_long_a_name(folder: Path) -> str:
    return str(folder / ("x" * 300))


def write_octets(folder: Path, octets: bytes) -> str:
    path = folder / "authproxy.cfg"
    path.write_bytes(octets)
    path.chmod(0o600)
    return str(path)


UNUSABLE = (missing, a_directory, under_a_file, empty, binary, latin_1, utf_16, endless, failing_disk, loop)


class TestNoTraceback:
    @pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
    @pytest.mark.parametrize("place", [*UNUSABLE, too_long_a_name], ids=lambda place: place.__name__)
    def test_a_file_that_cannot_be_used_is_named_with_status_2(self, tmp_path, capsys, arguments, place):
        config = place(tmp_path)
        status, out, err = run_main(capsys, *arguments, "--config", config)
        assert status == 2
        lines = (out if arguments == ["check"] else err).splitlines()
        assert problem_of(lines[0])[0] == config

    @pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
    def test_a_file_that_we_may_not_read_is_named_with_status_2(self, tmp_path, capsys, arguments):
        config = write_config(tmp_path)
        Path(config).chmod(0)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(65534)
        try:
            status, out, err = run_main(capsys, *arguments, "--config", config)
        finally:
            if is_root:
                os.seteuid(0)
        assert status == 2
        assert "permission denied" in (out + err).lower()

    @pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
    def test_a_file_whose_name_is_no_text_is_refused_by_check_as_by_run(self, tmp_path, options):
        """Names on Linux are octets; Python shows what is no UTF-8 as lone surrogates, which nothing can encode."""
        config = os.fsencode(tmp_path) + b"/authproxy-\xff.cfg"
        Path(write_config(tmp_path)).rename(os.fsdecode(config))
        for command in ([b"check", *options], [b"run"]):
            ended = run_process(*command, b"--config", config)
            assert b"Traceback" not in ended.stderr
            assert ended.returncode == 2
            assert b"the path is not UTF-8" in ended.stdout + ended.stderr

    def test_a_missing_file_whose_name_is_no_text_is_named(self, tmp_path):
        ended = run_process(b"run", b"--config", os.fsencode(tmp_path) + b"/authproxy-\xff.cfg")
        assert b"Traceback" not in ended.stderr
        assert ended.returncode == 2

    def test_text_that_the_terminal_cannot_show_is_replaced(self, tmp_path):
        config = write_config(
            tmp_path, MINIMAL.replace("[radius_server_duo_only]", "[main]\nlog_dir=ログ\nデバッグ=1\n")
        )
        ended = run_process("check", "--config", config, env={**os.environ, "PYTHONIOENCODING": "ascii"})
        assert b"Traceback" not in ended.stderr
        assert ended.returncode == 2
