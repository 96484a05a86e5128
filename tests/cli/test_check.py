"""`radgate check`: every problem at once, for people and for programs."""

import io
import json
import os
import subprocess
import sys

import pytest

from gateway.supervisor.form import hot_path
from tests.cli.files import problem_of, run_main, write_config
from tests.config.files import MINIMAL, SERVER, SHARED_SECRET, SKEY

WARNED = MINIMAL + "new_key_of_a_later_version=1\n"
THREE_ERRORS = MINIMAL + "port=99999\nfailmode=sometimes\nnew_key_of_a_later_version=1\nintreface=10.0.0.1\n"


def check(capsys, config: str, *options: str) -> tuple[int, list[str]]:
    status, out, err = run_main(capsys, "check", *options, "--config", config)
    assert err == ""
    return status, out.splitlines()


def test_a_good_file_is_told_in_one_line_with_its_addresses(tmp_path, capsys):
    config = write_config(tmp_path)
    assert check(capsys, config) == (0, [f"{config}: no problems; 1 server section on udp 0.0.0.0:1812"])


def test_quiet_needs_what_it_is_quiet_about(tmp_path, capsys):
    told = run_main(capsys, "check", "--quiet", "--config", write_config(tmp_path))
    assert told == (2, "", "radgate: --quiet needs --connect\n")


def test_many_ports_are_told_in_one_line(tmp_path, capsys):
    sections = (f"[radius_server_duo_only{number}]\n{SERVER}port={22_000 + number}\n" for number in range(200))
    config = write_config(tmp_path, "".join(sections))
    line = "no problems; 200 server sections on 200 ports (0.0.0.0:22000 to 22199)"
    assert check(capsys, config) == (0, [f"{config}: {line}"])


def test_every_problem_is_told_at_once_in_the_order_of_the_file(tmp_path, capsys):
    config = write_config(tmp_path, THREE_ERRORS)
    status, lines = check(capsys, config)
    assert status == 2
    assert [problem_of(line) for line in lines[:-1]] == [
        (config, "7", "radius_server_duo_only", "port"),
        (config, "8", "radius_server_duo_only", "failmode"),
        (config, "9", "radius_server_duo_only", "new_key_of_a_later_version"),
        (config, "10", "radius_server_duo_only", "intreface"),
    ]
    assert lines[-1] == f"{config}: 3 errors, 1 warning; the gateway would not start"


def test_a_problem_of_the_whole_file_has_neither_line_nor_section(tmp_path, capsys):
    config = write_config(tmp_path, "[main]\n")
    status, lines = check(capsys, config)
    assert status == 2
    assert problem_of(lines[0]) == (config, None, None, None)


def test_the_file_is_called_as_it_was_typed(tmp_path, capsys, monkeypatch):
    write_config(tmp_path, WARNED)
    monkeypatch.chdir(tmp_path)
    _, lines = check(capsys, "authproxy.cfg")
    assert all(line.startswith("authproxy.cfg:") for line in lines)


def test_a_warning_keeps_nobody_from_starting(tmp_path, capsys):
    status, lines = check(capsys, write_config(tmp_path, WARNED))
    assert status == 0
    assert "new_key_of_a_later_version: warning: " in lines[0]
    assert "0 errors, 1 warning" in lines[-1]


def test_strict_makes_warnings_errors(tmp_path, capsys):
    assert check(capsys, write_config(tmp_path, WARNED), "--strict")[0] == 2
    assert check(capsys, write_config(tmp_path, MINIMAL), "--strict")[0] == 0


def test_what_would_not_end_a_start_and_nobody_wants_is_a_warning_with_its_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    config = write_config(tmp_path, f"{MINIMAL}[gateway]\nworkers=65\n")
    status, lines = check(capsys, config)
    assert status == 0
    assert lines[0].startswith(f"{config}:8 [gateway] workers: warning: 65 workers on 2 cores ")
    assert "0 errors, 1 warning" in lines[-1]
    assert "workers" not in check(capsys, config, "--without-secrets")[1][0]


def test_strict_says_that_it_is_the_warning_that_counts(tmp_path, capsys):
    """Status 2 under a summary that sounds like success would leave a person puzzled."""
    config = write_config(tmp_path, WARNED)
    _, lines = check(capsys, config)
    _, strict = check(capsys, config, "--strict")
    assert strict[-1] != lines[-1]


def test_json_of_a_good_file(tmp_path, capsys):
    config = write_config(tmp_path)
    status, lines = check(capsys, config, "--json")
    assert status == 0
    assert [json.loads(line) for line in lines] == [
        {"file": config, "usable": True, "hot_path": hot_path()._asdict(), "problems": []}
    ]


def test_json_holds_every_problem_with_its_place(tmp_path, capsys):
    config = write_config(tmp_path, THREE_ERRORS)
    status, (line,) = check(capsys, config, "--json")
    found = json.loads(line)
    assert (status, found["usable"]) == (2, False)
    assert [(problem["line"], problem["key"], problem["severity"]) for problem in found["problems"]] == [
        (7, "port", "error"),
        (8, "failmode", "error"),
        (9, "new_key_of_a_later_version", "warning"),
        (10, "intreface", "error"),
    ]
    assert {problem["section"] for problem in found["problems"]} == {"radius_server_duo_only"}
    assert all(problem["text"] for problem in found["problems"])


def test_json_has_null_for_a_place_that_is_not_known(tmp_path, capsys):
    status, (line,) = check(capsys, str(tmp_path / "missing.cfg"), "--json")
    (problem,) = json.loads(line)["problems"]
    assert (status, problem["line"], problem["section"], problem["key"]) == (2, None, None, None)


@pytest.mark.parametrize(("options", "usable"), [((), True), (("--strict",), False)])
def test_json_and_strict_go_together(tmp_path, capsys, options, usable):
    status, (line,) = check(capsys, write_config(tmp_path, WARNED), "--json", *options)
    assert (status == 0, json.loads(line)["usable"]) == (usable, usable)


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_no_secret_is_ever_printed(tmp_path, capsys, options):
    text = MINIMAL.replace(SKEY, SKEY + "!") + f"radius_secret_2={SHARED_SECRET}\n{SHARED_SECRET}\n[{SKEY}\n"
    status, lines = check(capsys, write_config(tmp_path, text), *options)
    assert status == 2
    assert SKEY not in "\n".join(lines)
    assert SHARED_SECRET not in "\n".join(lines)


def test_secrets_that_every_user_can_read_are_a_warning(tmp_path, capsys):
    config = write_config(tmp_path)
    (tmp_path / "authproxy.cfg").chmod(0o644)
    status, lines = check(capsys, config)
    assert status == 0
    assert "chmod o-r" in lines[0]


class TestElsewhere:
    """A file that is to stand somewhere else."""

    TEXT = MINIMAL.replace(f"skey={SKEY}", "skey_file=skey")

    @pytest.fixture
    def target(self, tmp_path):
        (tmp_path / "etc").mkdir()
        write_config(tmp_path / "etc", SKEY, "skey")
        return str(tmp_path / "etc" / "authproxy.cfg")

    def test_a_copy_is_checked_as_if_it_stood_there(self, tmp_path, capsys, target):
        copy = write_config(tmp_path, self.TEXT, "copy.cfg")
        assert check(capsys, copy)[0] == 2
        assert check(capsys, copy, "--as", target) == (
            0,
            [f"{copy}: no problems; 1 server section on udp 0.0.0.0:1812"],
        )

    def test_its_problems_have_the_name_that_was_typed(self, tmp_path, capsys, target):
        copy = write_config(tmp_path, self.TEXT + "port=no\n", "copy.cfg")
        status, lines = check(capsys, copy, "--as", target)
        assert (status, problem_of(lines[0])[:2]) == (2, (copy, "7"))

    def test_that_others_can_read_the_copy_is_no_problem_of_the_file(self, tmp_path, capsys, target):
        copy = write_config(tmp_path, MINIMAL, "copy.cfg")
        (tmp_path / "copy.cfg").chmod(0o644)
        assert "no problems" in check(capsys, copy, "--as", target)[1][-1]

    @pytest.mark.parametrize(("text", "status"), [(TEXT, 0), (TEXT + "port=no\n", 2)])
    def test_standard_input(self, capsys, monkeypatch, target, text, status):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        ended, lines = check(capsys, "-", "--as", target)
        assert ended == status
        assert all(line.startswith("<stdin>:") for line in lines)

    def test_standard_input_alone_stands_in_the_present_folder(self, tmp_path, capsys, monkeypatch, target):
        monkeypatch.chdir(tmp_path / "etc")
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(self.TEXT.encode())))
        assert check(capsys, "-")[0] == 0

    @pytest.mark.parametrize("command", ["run", "reload", "status", "restart"])
    def test_nobody_else_reads_it(self, capsys, command):
        status, _, err = run_main(capsys, command, "--config", "-")
        assert (status, err) == (2, "-: only radgate check reads standard input; name a file\n")


def test_what_this_machine_would_refuse_comes_in_the_order_of_the_file_with_the_rest(tmp_path, capsys):
    config = write_config(tmp_path, f"{WARNED}interface=192.0.2.1\n[gateway]\ngroup=no-such-one\n")
    status, lines = check(capsys, config)
    assert status == 2
    assert [problem_of(line)[1:] for line in lines[:-1]] == [
        ("7", "radius_server_duo_only", "new_key_of_a_later_version"),
        ("8", "radius_server_duo_only", "interface"),
        ("10", "gateway", "group"),
    ]
    assert lines[-1] == f"{config}: 2 errors, 1 warning; the gateway would not start"


@pytest.mark.parametrize(
    "command", ["run", "start", "check", "status", "reload", "restart", "stop", "login", "support"]
)
def test_every_command_names_the_ways_to_a_file_where_there_is_none(tmp_path, capsys, command):
    arguments = [command, "alice"] if command == "login" else [command]
    status, out, err = run_main(capsys, *arguments, "--config", str(tmp_path / "missing.cfg"))
    assert status == 2
    for way in ("No such file or directory", "radgate init", "--config FILE", "RADGATE_CONFIG=FILE"):
        assert way in out + err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "cp437"])
def test_json_can_be_read_whatever_the_encoding_of_the_output(tmp_path, encoding):
    folder = tmp_path / 'sécure 安全 \U0001f512 a"\\é'
    folder.mkdir()
    config = write_config(folder, f"{MINIMAL}failmode=sometimes\n")
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "gateway", "check", "--config", config, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stdout.isascii()
    assert json.loads(done.stdout)["file"] == config


def test_json_of_a_file_whose_name_is_no_text(tmp_path, capsys):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    config = write_config(folder)
    (folder / "authproxy.cfg").chmod(0o644)
    status, out, _ = run_main(capsys, "check", "--json", "--config", config)
    assert status == 2
    assert json.loads(out)["file"].endswith("caf\ufffd/authproxy.cfg")
    assert "the path is not UTF-8" in json.loads(out)["problems"][0]["text"]


class TestWithoutSecrets:
    @pytest.fixture
    def config(self, tmp_path) -> str:
        text = MINIMAL.replace(f"skey={SKEY}", "skey_file=%d/skey")
        return write_config(tmp_path, text + "[gateway]\nuser=nobody-of-this-machine\n")

    def test_a_file_of_another_machine_is_usable(self, config, capsys):
        assert check(capsys, config)[0] == 2
        status, lines = check(capsys, config, "--without-secrets", "--strict")
        assert status == 0
        assert "skey_file: note: " in lines[0]
        assert lines[-1].endswith("0 errors, 0 warnings, 1 note; 1 server section on udp 0.0.0.0:1812")

    def test_duo_is_not_asked_with_what_stands_for_a_secret(self, config, capsys):
        with pytest.raises(SystemExit) as stopped:
            run_main(capsys, "check", "--config", config, "--without-secrets", "--connect")
        assert stopped.value.code == 2


class TestShow:
    def test_what_holds_is_shown_with_where_it_comes_from(self, tmp_path, capsys):
        config = write_config(tmp_path, MINIMAL + "[main]\nfailmode=secure\n")
        status, lines = check(capsys, config, "--show")
        assert status == 0
        assert "  failmode=secure  (from [main])" in lines
        assert "  port=1812  (default)" in lines
        assert "  skey=*****[40]" in lines
        assert lines[-1].startswith(f"{config}: no problems")

    def test_programs_get_it_as_json(self, tmp_path, capsys):
        _, (line,) = check(capsys, write_config(tmp_path), "--show", "--json")
        port = {"section": "radius_server_duo_only", "key": "port", "value": "1812", "origin": "default"}
        assert port in json.loads(line)["settings"]

    def test_a_file_with_errors_shows_its_errors(self, tmp_path, capsys):
        status, lines = check(capsys, write_config(tmp_path, THREE_ERRORS), "--show")
        assert status == 2
        assert not any(line.startswith("[") for line in lines)
