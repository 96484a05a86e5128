"""`radgate status --watch`: what a screen of 80 columns shows, and what a pipe gets."""

import contextlib
import io
import os
import pty
import signal
import subprocess
import sys
from typing import Any

import pytest
from rich.console import Console

from gateway.cli.live import plain_lines, screen
from gateway.supervisor.control_client import ControlError, NotRunning
from tests.integration.site import Site
from tests.signals import as_at_a_terminal
from tests.supervisor.fleet_scene import SILENT, fleet_of
from tests.supervisor.fleet_scene import shown as shown_host

SECTION = "radius_server_duo_only"
HOST = "api-xxxxxxxx.duosecurity.com:443"
BOUNDS_S = [0.1, 1.0]


def worker(**changes: Any) -> dict[str, Any]:
    values = {
        "slot": 0,
        "pid": 4_194_303,
        "state": "ready",
        "generation": 1,
        "restarts": 0,
        "unserved_s": 0.0,
        "requests": 200,
        "pending": 3,
        "uptime_s": 20.0,
        "cpu_s": 5.0,
        "rss_bytes": 34_000_000,
        "loop_lag_ms": 0.4,
    }
    return {**values, **changes}


def server(**changes: Any) -> dict[str, Any]:
    values = {
        "section": SECTION,
        "requests": 200,
        "accepts": 150,
        "rejects": 50,
        "pending": 3,
        "discards": {"unknown_client": 2},
        "reasons": {"duo_allowed": 150, "duo_denied": 50},
    }
    return {**values, **changes}


def application(**changes: Any) -> dict[str, Any]:
    values = {
        "ikey": "DIXXXXXXXXXXXXXXXXXX",
        "api_host": HOST,
        "state": "healthy",
        "state_for_s": 61.0,
        "failmode": "safe",
        "failmode_active": False,
        "hint": "",
        "errors": 0,
    }
    return {**values, **changes}


def status(**changes: Any) -> dict[str, Any]:
    values = {
        "version": "1.2.3",
        "pid": 4711,
        "uptime_s": 20.0,
        "generation": 1,
        "hot_path": {"is_compiled": True, "why_not": ""},
        "workers": [worker()],
        "servers": [server()],
        "applications": [application()],
        "duo_hosts": [{"api_host": HOST, "applications": 1, "connections": {"idle": 4, "busy": 1}}],
        "logs": [],
        "histograms": {"bounds_s": BOUNDS_S, "servers": {SECTION: {"login": {"counts": [100, 200, 200]}}}},
    }
    return {**values, **changes}


def shown(view: Any, width: int = 80, height: int = 24) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None, legacy_windows=False)
    console.print(screen(view))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_screen_has_everything_in_80_columns():
    text = shown((status(), None))
    assert all(len(line.rstrip()) <= 80 for line in text.splitlines())
    for words in (
        *("radgate 1.2.3", "pid 4711", "3 pending", SECTION, "10.0", "7.5", "2.5", "DIXXXXXXXXXXXXXXXXXX"),
        *(
            f"connections to {HOST}: 1 busy, 4 idle",
            "healthy",
            "ready",
            "4194303",
            "duo_denied 50",
            "unknown_client 2",
            "Ctrl-C",
        ),
    ):
        assert words in text, words
    assert "…" not in text


def test_first_factors_are_there_where_there_are_any_and_what_is_down_is_said_first():
    homes = [
        {"host": "10.0.0.5:1812", "state": "up", "hint": "", "questions": 7, "errors": 0},
        {"host": "10.0.0.6:1812", "state": "down", "hint": "it does not answer: see", "questions": 3, "errors": 2},
    ]
    client = {"section": "radius_client", "kind": "radius_client", "state": "degraded", "hosts": homes}
    lines = shown((status(clients=[client]), None), height=40).splitlines()
    assert lines[1].startswith("HOST OF [radius_client] DOWN: 10.0.0.6:1812: it does not answer: see")
    (line,) = [line for line in lines if line.split()[1:] == ["10.0.0.6:1812", "down", "3", "2"]]
    assert line.startswith("radius_client")


def test_percentiles_and_rates_are_those_since_the_older_status():
    before = status(uptime_s=10.0, servers=[server(requests=100)])
    before["histograms"] = {"bounds_s": BOUNDS_S, "servers": {SECTION: {"login": {"counts": [100, 100, 100]}}}}
    (line,) = [line for line in shown((status(), before)).splitlines() if line.startswith(SECTION)]
    assert line.split()[1:] == ["10.0", "0.0", "0.0", "3", "550", "991"]


def test_a_worker_is_compared_with_itself_and_not_with_its_predecessor():
    def cpu(before: dict[str, Any]) -> str:
        (line,) = [line for line in shown((status(), status(workers=[before]))).splitlines() if "4194303" in line]
        return line.split()[6]

    assert cpu(worker(uptime_s=10.0, cpu_s=4.0)) == "10"
    assert cpu(worker(pid=1, uptime_s=10.0, cpu_s=4.0)) == "25"


@pytest.mark.parametrize(("failmode", "words"), [("safe", "accepted without Duo"), ("secure", "logins are rejected")])
def test_fail_mode_is_said_in_words_and_first(failmode, words):
    down = application(state="down", failmode=failmode, failmode_active=True, hint="can this machine resolve api_host?")
    lines = shown((status(applications=[down]), None)).splitlines()
    assert lines[1].startswith("FAIL MODE of DIXXXXXXXXXXXXXXXXXX for 00:01:01: ")
    assert words in lines[1]
    assert any("can this machine resolve api_host?" in line for line in lines)


def test_a_worker_that_is_not_ready_is_said():
    assert "NOT READY: worker 0 (backoff)" in shown((status(workers=[worker(state="backoff")]), None))


def test_a_slot_that_nobody_serves_and_a_lost_log_are_said():
    now = status(
        workers=[worker(state="backoff", unserved_s=75.0)],
        logs=[
            {"log": "authproxy.log", "lines_lost": 7, "lost_to": ["worker 0"], "trouble": "worker 0: Is a directory"}
        ],
    )
    text = " ".join(shown((now, None)).split())
    assert "NOBODY SERVES slot 0 (backoff) for 00:01:15" in text
    assert "LOG LOST: authproxy.log (worker 0: Is a directory); lines lost so far: 7" in text


def test_why_there_is_no_status_page_is_said():
    now = {**status(), "console": {"trouble": "cannot listen on tcp 127.0.0.1:8480"}}
    assert "NO STATUS PAGE: cannot listen on tcp 127.0.0.1:8480" in shown((now, None))


def test_a_gateway_that_is_gone_is_waited_for():
    assert "not running" in shown(NotRunning("not running; nobody answers at /run/radgate/control.sock"))


def test_what_a_peer_said_does_not_drive_the_terminal():
    odd = application(state="down", hint="\x1b[2Jgone")
    assert "\x1b" not in shown((status(applications=[odd]), None))
    assert "\x1b" not in "".join(plain_lines((status(applications=[odd]), None)))


def test_plain_lines_name_each_section_and_only_what_is_not_as_it_should_be():
    (line,) = plain_lines((status(), None))
    assert line.endswith(
        f" {SECTION}: 10.0 logins/s begun, 7.5 accepted, 2.5 rejected, p50 100 ms, p99 982 ms, 3 pending"
    )
    lines = list(plain_lines((status(applications=[application(state="suspect", hint="a hint")]), None)))
    assert lines[1].endswith("application DIXXXXXXXXXXXXXXXXXX: suspect (a hint)")
    (gone,) = plain_lines(ControlError("the gateway does not answer within 10 s"))
    assert gone.endswith(" the gateway does not answer within 10 s")


@pytest.mark.parametrize(("terminal", "mark"), [("xterm", "\x1b[?1049h"), ("dumb", " logins/s begun, ")])
def test_on_a_terminal_of_its_own_until_ctrl_c(site: Site, terminal, mark):
    """A whole screen where that is possible, lines where not; Ctrl-C ends it with status 0."""
    site.start()
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": terminal, "COLUMNS": "80", "LINES": "24"}
    command = [sys.executable, "-P", "-m", "gateway", "status", "--watch", "--config", str(site.config)]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, preexec_fn=as_at_a_terminal
    )
    try:
        os.close(theirs)
        said = b""
        while said.count(SECTION.encode()) < 2:
            said += os.read(ours, 65_536)
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # EIO: nobody writes any more
            while os.read(ours, 65_536):
                pass
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    os.close(ours)
    assert mark in said.decode()
    assert ("\x1b" in said.decode()) is (terminal == "xterm")
    assert "Traceback" not in said.decode()


def test_hosts_of_a_fleet_have_a_table_and_what_is_wrong_among_them_is_said_first():
    fleet = fleet_of(shown_host(), shown_host(SILENT._replace(instance="c" * 16, name="gw-c")))
    text = shown((status(fleet=fleet), None), height=40)
    assert all(len(line.rstrip()) <= 80 for line in text.splitlines())
    for words in ("gw-a (this)", "gw-b", "silent 7 s", "2/2", "Logins are shared"):
        assert words in text, words
    assert "HOST gw-c IS SILENT" in text.splitlines()[1]


def test_a_pipe_hears_of_a_store_that_is_away():
    fleet = fleet_of(up=False, detail="connection refused by 127.0.0.1:6379")
    lines = list(plain_lines((status(fleet=fleet), None)))
    assert any("NOT SHARED (connection refused by 127.0.0.1:6379)" in line for line in lines)


def test_without_a_fleet_nothing_is_said_of_hosts():
    assert "host" not in shown((status(), None))
