"""What this machine would refuse at a start is found beforehand, with its key, and nothing is changed by looking."""

import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.config.reading import locate, parse_settings
from gateway.config.settings import Settings
from gateway.config.surroundings import FileContent
from gateway.supervisor.obstacles import find_doubts, find_obstacles
from tests.config.files import MINIMAL

Found = list[tuple[str, str]]


def settings_of(folder: Path, main: str = "", server: str = "", gateway: str = "", run_dir: str = "run") -> Settings:
    log_dir = "" if "log_dir" in main else f"log_dir={folder}/log\n"
    text = f"[main]\n{log_dir}{main}\n{MINIMAL}{server}\n[gateway]\nrun_dir={folder}/{run_dir}\n{gateway}\n"
    return parse_settings(text.encode(), f"{folder}/authproxy.cfg", lambda _: FileContent(b"", 0))[0]


def look(settings: Settings, text: str = "") -> Found:
    problems = find_obstacles(settings)
    assert all(problem.is_error and text in problem.text for problem in problems), problems
    return [(problem.section, problem.key) for problem in problems]


@pytest.fixture
def as_nobody(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Become a user who may do little, until the test has ended."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents[:-2]:
        folder.chmod(0o711)
    yield lambda: os.setresuid(65534, 65534, 0)
    os.setresuid(0, 0, 0)


def test_nothing_is_found_and_nothing_made_where_all_is_well(tmp_path):
    settings = settings_of(tmp_path, server="interface=127.0.0.9\n", gateway="workers=3\n")
    assert look(settings) == []
    assert list(tmp_path.iterdir()) == []


def test_what_would_be_made_is_made_if_that_is_wanted(tmp_path):
    assert find_obstacles(settings_of(tmp_path), makes=True) == []
    assert sorted(each.name for each in tmp_path.iterdir()) == ["log", "run"]


@pytest.mark.parametrize("interface", ["192.0.2.1", "127.255.255.255", "240.0.0.1", "2001:db8::1", "fe80::1%nosuch"])
def test_an_address_that_is_not_this_machines(tmp_path, interface):
    settings = settings_of(tmp_path, server=f"interface={interface}\n")
    assert look(settings, "cannot listen on udp") == [("radius_server_duo_only", "interface")]


def test_an_address_that_the_running_gateway_may_have_is_none(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.9", 0))
        assert look(settings_of(tmp_path, server=f"interface=127.0.0.9\nport={udp.getsockname()[1]}\n")) == []


@pytest.mark.parametrize("key", ["user", "group"])
def test_a_name_that_this_machine_does_not_know(tmp_path, key):
    found = look(settings_of(tmp_path, gateway=f"{key}=no-such-one\n"), f"{key}add --system no-such-one, or correct")
    assert found == [("gateway", key)]


@pytest.mark.parametrize(
    ("main", "text"),
    [
        ("log_dir={}/file/log", "Not a directory; write log_dir= in [main], see who may write there, or write log_st"),
        ("log_dir={}/file", "Not a directory"),
        ("log_dir={}/full", "Is a directory"),
        ("log_dir=" + "y" * 256, "File name too long"),
        ("log_dir={}/file\nlog_auth_events=true", "log_stdout=true (log_auth_events needs a folder too)"),
        ("log_dir={}/file\nlog_auth_events=true\nlog_stdout=true", "see who may write there: log_auth_events needs a"),
    ],
)
def test_a_log_that_cannot_be_written(tmp_path, main, text):
    (tmp_path / "file").touch()
    (tmp_path / "full" / "authproxy.log").mkdir(parents=True)
    assert look(settings_of(tmp_path, main.format(tmp_path)), text) == [("main", "log_dir")]


def test_without_files_no_folder_is_needed(tmp_path):
    (tmp_path / "file").touch()
    assert look(settings_of(tmp_path, f"log_dir={tmp_path}/file\nlog_stdout=true")) == []


@pytest.mark.parametrize("run_dir", ["file", "file/run", "open"])
def test_a_run_dir_that_cannot_be_claimed(tmp_path, run_dir):
    (tmp_path / "file").touch()
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert look(settings_of(tmp_path, run_dir=run_dir), "run_dir") == [("gateway", "run_dir")]


def test_folders_of_others(tmp_path, as_nobody):
    settings = settings_of(tmp_path)
    assert look(settings) == []
    as_nobody()
    assert look(settings, "Permission denied") == [("main", "log_dir"), ("gateway", "run_dir")]


def test_for_the_user_of_the_file_only_root_can_look(tmp_path, as_nobody):
    settings = settings_of(tmp_path, gateway="user=daemon\n")
    as_nobody()
    assert look(settings) == []


def test_who_is_about_to_start_it_has_to_become_that_user(tmp_path, as_nobody):
    settings = settings_of(tmp_path, gateway="user=daemon\n")
    as_nobody()
    (problem,) = find_obstacles(settings, makes=True)
    assert (problem.section, problem.key) == ("gateway", "user")
    assert "started by root, or as these" in problem.text


def test_trust_in_nobody(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    found = look(settings_of(tmp_path, "http_ca_certs_file=system"), "install the package ca-certificates")
    assert found[:1] == [("main", "http_ca_certs_file")]


def test_memory_that_is_not_to_be_had_is_named(tmp_path):
    settings = settings_of(tmp_path)
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, former[1]))
    try:
        found = look(settings, "octets): File too large; raise ulimit -f, LimitFSIZE= in the systemd unit")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert found == [("", "")]


def test_sockets_for_which_no_descriptors_are_to_be_had(tmp_path):
    script = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
from gateway.supervisor import limits, obstacles
from tests.supervisor.test_obstacles import look, settings_of
from pathlib import Path
if limits.raise_file_limit(4096) > 100:
    sys.exit("may raise it")
print(look(settings_of(Path({str(tmp_path)!r}), gateway="workers=64"), "need"))
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False
    )
    if "may raise it" in ended.stderr:
        pytest.skip("this user may raise its limits")
    assert ended.stdout == "[('gateway', 'workers')]\n", ended.stderr


def doubts(settings: Settings) -> list[tuple[str, str, str]]:
    problems = find_doubts(settings)
    assert all(problem.is_warning for problem in problems)
    return [(problem.section, problem.key, problem.text) for problem in problems]


@pytest.mark.parametrize("host", ["203.0.113.9", "[2001:db8::1]"])
def test_a_status_page_at_an_address_that_is_not_this_machines(tmp_path, host):
    (tmp_path / "token").write_text("0123456789abcdef0123456789abcdef")
    gateway = f"console={host}:28480\nconsole_token_file={tmp_path}/token\n"
    text = f"[main]\nlog_dir={tmp_path}\n{MINIMAL}[gateway]\nrun_dir={tmp_path}/run\n{gateway}"
    read = FileContent((tmp_path / "token").read_bytes(), 0o600)
    settings = parse_settings(text.encode(), f"{tmp_path}/authproxy.cfg", lambda _: read)[0]
    assert find_obstacles(settings) == []
    ((section, key, told),) = doubts(settings)
    assert (section, key) == ("gateway", "console")
    assert f"no interface of this machine has the address {host.strip('[]')}; write " in told


def test_a_status_page_that_there_can_be_or_is(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as tcp:
        port = tcp.getsockname()[1]
        assert doubts(settings_of(tmp_path, gateway=f"console=127.0.0.1:{port}\n")) == []
    assert doubts(settings_of(tmp_path, gateway=f"console=127.0.0.1:{port}\n")) == []
    assert doubts(settings_of(tmp_path, gateway="console=off\n")) == []


@pytest.mark.parametrize(
    ("n_cores", "n_workers", "is_doubted"), [(2, 1000, True), (2, 65, True), (2, 64, False), (64, 512, False)]
)
def test_many_more_workers_than_cores(tmp_path, monkeypatch, n_cores, n_workers, is_doubted):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(n_cores))
    found = doubts(settings_of(tmp_path, gateway=f"console=off\nworkers={n_workers}\n"))
    assert [each[:2] for each in found] == [("gateway", "workers")] * is_doubted
    assert all(f"{n_workers} workers on {n_cores} cores" in each[2] for each in found)


def test_each_gets_line_and_section_of_its_key_wherever_that_stands(tmp_path):
    text = f"[main]\ninterface=192.0.2.1\nrun_dir=/dev/null\n{MINIMAL}[gateway]\nuser=no-such-one\n"
    path = f"{tmp_path}/authproxy.cfg"
    settings = parse_settings(text.encode(), path, lambda _: FileContent(b"", 0))[0]
    problems = locate(find_obstacles(settings), path, FileContent(text.encode(), 0))
    lines = {problem.key: problem.place.line for problem in problems}
    assert (lines["interface"], lines["run_dir"], lines["user"]) == (2, 3, text.count("\n"))
    sections = {problem.key: problem.section for problem in problems}
    assert (sections["interface"], sections["run_dir"], sections["user"]) == ("main", "main", "gateway")


def test_a_user_that_main_names_is_to_be_corrected_there(tmp_path):
    text = f"[main]\nuser=no-such-one\n{MINIMAL}"
    settings = parse_settings(text.encode(), f"{tmp_path}/a.cfg", lambda _: FileContent(b"", 0))[0]
    found = locate(find_obstacles(settings), f"{tmp_path}/a.cfg", FileContent(text.encode(), 0))
    (problem,) = [each for each in found if each.key == "user"]
    assert (problem.section, problem.place.line, "[gateway]" in problem.text) == ("main", 2, False)
    assert problem.text.endswith(", or correct user=")
