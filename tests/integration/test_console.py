"""The status page of a running gateway: one truth with status and log, and no harm to logins whatever happens to it."""

import json
import os
import re
import signal
import socket
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bench.observe import children_of
from bench.processes import GatewayProcess, SimulatorProcess
from gateway.supervisor.control_client import ask
from tests.integration.site import Site, parse_line

pytestmark = pytest.mark.integration

N_WORKERS = 2

TOKEN = "a-token-that-is-long-enough"
ANY_PORT = "console=127.0.0.1:0"
MIXED = [
    ("alice", "123456"),
    ("alice", "999999"),
    ("erin", "x"),
    ("nobody", "push"),
    ("alice", "what"),
    ("alice", "sms"),
]


def get(url: str, timeout_s: float = 20, **headers: str) -> str:
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=timeout_s) as answer:
        return str(answer.read(), "utf-8")


def url_of(gateway: GatewayProcess) -> str:
    found = re.search(r"status page (\S+)", gateway.announced)
    assert found
    return found[1]


def status_of(site: Site) -> Any:
    return ask(str(site.folder / "run"), "status", 20.0)["status"]


def until(condition: Callable[[], Any], timeout_s: float = 40.0) -> Any:
    """Return what the condition comes to, once that is something."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            if found := condition():
                return found
        except (OSError, urllib.error.URLError, KeyError, json.JSONDecodeError):
            pass
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def console_pid(site: Site) -> int:
    return new_console(site, 0)


def new_console(site: Site, former: int) -> int:
    """Return the pid of a console that serves, and is not another one."""

    def found() -> int:
        console = status_of(site)["console"]
        return int(console["pid"]) if console["state"] == "ready" and console["pid"] != former else 0

    return int(until(found))


@pytest.fixture(scope="module")
def lasting_site(tmp_path_factory: pytest.TempPathFactory, shared_simulator: SimulatorProcess) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("lasting"), shared_simulator, N_WORKERS)
    site.start(gateway=ANY_PORT)
    yield site
    site.stop()


@pytest.fixture
def running(lasting_site: Site, simulator: SimulatorProcess) -> Site:
    """A gateway that others ask, too: with a page, nothing else."""
    return lasting_site


def test_page_metrics_status_and_log_agree_on_every_count(site):
    nas = site.start(gateway=ANY_PORT).nas()
    url = url_of(site.gateway)
    sent = []
    for n in range(200):
        sent.append(nas.send(*MIXED[n % len(MIXED)]))
        nas.receive()
    for octets in sent[-3:]:
        nas.send_octets(octets)
        nas.receive()
    nas.send_octets(b"garbage")
    stranger = site.nas(secret="another secret of the same size..")
    stranger.send("alice", "123456")

    def settled() -> Any:
        server = json.loads(get(url + "status.json"))["servers"][0]
        is_settled = sum(server["reasons"].values()) == 200 and sum(server["discards"].values()) == 2
        return server if is_settled and server["duplicates"] == 3 else None

    server = until(settled)
    assert json.loads(site.radgate("status", "--json").stdout)["servers"][0] == server

    def shown() -> Any:
        page = json.loads(get(url + "live.json"))
        return page if page["logins"]["kept"] == 200 else None

    page = until(shown)  # the console looks for logins four times a second
    assert page["status"]["servers"][0] == server
    assert page["health"] == {"status": "ok", "reasons": []}
    samples = {
        (each.name, each.labels.get("reason", each.labels.get("kind", ""))): each.value
        for family in text_string_to_metric_families(get(url + "metrics"))
        for each in family.samples
        if each.labels.get("server") == "radius_server_duo_only" and "le" not in each.labels
    }
    replies = {reason: n for (name, reason), n in samples.items() if name == "radgate_replies_total" and n}
    discards = {reason: n for (name, reason), n in samples.items() if name == "radgate_discards_total" and n}
    assert replies == {reason: n for reason, n in server["reasons"].items() if n}
    assert discards == {reason: n for reason, n in server["discards"].items() if n}
    assert samples["radgate_requests_total", ""] == server["requests"]
    assert samples["radgate_duplicates_total", "retransmission"] == 3
    assert samples["radgate_login_seconds_count", ""] == 200
    logins = json.loads(get(url + "logins.json?limit=200"))["logins"]
    shown = Counter((login["user_name"], login["reason"]) for login in logins)
    lines = [parse_line(line) for line in site.log_text.splitlines() if " reason=" in line]
    told = Counter((re.search(r"\), (\S+), \d+\): ", line.text)[1], line.fields["reason"]) for line in lines)
    assert shown == told
    assert Counter(line.fields["reason"] for line in lines) == replies
    seen = get(url + "live.json") + get(url + "logins.json?limit=200")
    assert not re.search(r"(?<![\d.])123456(?!\d)", seen)  # within a longer number it is there by chance


def test_a_console_that_is_killed_comes_back_at_the_same_address_and_nobody_notices(running):
    nas, url, before = running.nas(), url_of(running.gateway), console_pid(running)
    n_restarts = status_of(running)["console"]["restarts"]
    for _ in range(2):
        os.kill(before, signal.SIGKILL)
        assert nas.login("dave", "123456").is_accept
        before = new_console(running, before)
    assert json.loads(until(lambda: get(url + "healthz")))["status"] == "ok"  # once the supervisor has told it
    logins = until(lambda: json.loads(get(url + "logins.json?user=dave"))["logins"])
    assert [login["user_name"] for login in logins] == ["dave", "dave"]  # the ledgers outlive it
    assert status_of(running)["console"]["restarts"] == n_restarts + 2
    assert all(worker["restarts"] == 0 for worker in status_of(running)["workers"])


def test_it_ends_with_the_gateway(site):
    site.start(gateway=f"{ANY_PORT}\nworkers=1")
    pid = console_pid(site)
    site.stop()
    assert not Path(f"/proc/{pid}").exists()


def test_it_ends_with_a_supervisor_that_is_killed(site):
    site.start(gateway=f"{ANY_PORT}\nworkers=1")
    pidfd = os.pidfd_open(console_pid(site))
    site.gateway.signal(signal.SIGKILL)
    with os.fdopen(pidfd) as file:
        until(lambda: _has_ended(file.fileno()))


def _has_ended(pidfd: int) -> bool:
    try:
        signal.pidfd_send_signal(pidfd, 0)
    except ProcessLookupError:
        return True
    return False


def test_flood_and_garbage_leave_logins_and_supervisor_alone(running):
    nas, url = running.nas(), url_of(running.gateway)
    n_restarts, n_errors = status_of(running)["console"]["restarts"], running.log_text.count("#error]")
    address = ("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]))
    with ExitStack() as stack:
        for n in range(400):
            silent = stack.enter_context(socket.socket())
            silent.setblocking(False)
            silent.connect_ex(address)
            if n % 3 == 0:
                until(partial(_sent, silent, os.urandom(500) if n % 2 else b"GET /live.json HTTP/1.1\r\nHost: x"))
            if n % 40 == 0:
                assert nas.login("alice", "123456").is_accept
        assert json.loads(until(lambda: get(url + "healthz", timeout_s=2)))["status"] == "ok"
    for _ in range(100):
        get(url + "status.json")
    assert nas.login("alice", "123456").is_accept
    assert status_of(running)["console"]["restarts"] == n_restarts
    assert running.log_text.count("#error]") == n_errors


def _sent(connection: socket.socket, octets: bytes) -> bool:
    try:
        return connection.send(octets) > 0
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_a_port_that_is_taken_is_said_once_and_had_once_it_is_free(site):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        nas = site.start(gateway=f"console=127.0.0.1:{port}\nworkers=1").nas()
        trouble = f"cannot listen on tcp 127.0.0.1:{port}: address already in use"
        assert site.gateway.announced.rstrip().endswith(f", no status page: {trouble}")
        assert nas.login("alice", "123456").is_accept
        console = status_of(site)["console"]
        assert (console["url"], console["trouble"]) == ("", trouble)
        warning = f"{site.config} [gateway] console: warning: there is no status page: {trouble}"
        assert warning in site.radgate("reload").stderr
    health = until(lambda: get(f"http://127.0.0.1:{port}/healthz"))
    assert json.loads(health)["status"] == "ok"
    warnings = [line for line in site.log_text.splitlines() if "There is no status page" in line]
    assert len(warnings) == 1
    assert trouble in warnings[0]
    assert status_of(site)["console"]["trouble"] == ""


def test_it_is_no_worker(running):
    console = until(lambda: status_of(running)["console"]["pid"])
    workers = running.gateway.worker_pids()
    assert len(workers) == 2
    assert set(children_of(running.gateway.process.pid)) == {*workers, console}


def test_off_is_off(site):
    site.start(gateway="console=off")
    assert status_of(site)["console"]["pid"] == 0
    assert len(children_of(site.gateway.process.pid)) == 2


def test_reloads_keep_it_and_change_it(site):
    site.start(gateway=f"{ANY_PORT}\nworkers=1")
    url, pid = url_of(site.gateway), console_pid(site)
    nas = site.nas()
    assert nas.login("alice", "123456").is_accept
    site.configure(gateway=f"{ANY_PORT}\nworkers=1\nmax_pending=77")
    assert site.radgate("reload").returncode == 0
    assert console_pid(site) == pid
    assert nas.login("bob", "123456").is_accept
    users = lambda: [each["user_name"] for each in json.loads(get(url + "logins.json"))["logins"]]  # noqa: E731
    until(lambda: users() == ["bob", "alice"])
    until(lambda: "radgate_max_pending 77\n" in get(url + "metrics"))
    (site.folder / "token").write_text(TOKEN)
    (site.folder / "token").chmod(0o600)
    site.configure(gateway=f"{ANY_PORT}\nworkers=1\nconsole_token_file=token")
    assert site.radgate("reload").returncode == 0
    assert new_console(site, pid)
    until(lambda: get(url + "metrics", Authorization=f"Bearer {TOKEN}"))
    with pytest.raises(urllib.error.HTTPError, match="401"):
        get(url + "metrics")
    site.configure(gateway="console=off\nworkers=1")
    assert site.radgate("reload").returncode == 0
    until(lambda: status_of(site)["console"]["pid"] == 0)
    assert site.gateway.process.poll() is None


def test_neither_token_nor_other_secrets_are_anywhere(site):
    """What the console process can be asked, and what other users can see of it."""
    (site.folder / "token").write_text(TOKEN)
    (site.folder / "token").chmod(0o600)
    site.start(gateway=f"{ANY_PORT}\nconsole_token_file=token\nworkers=1")
    pid = console_pid(site)
    secrets = (TOKEN.encode(), site.simulator.secret_key.encode(), b"a shared secret of 32 characters")
    process = Path(f"/proc/{pid}")
    seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes() + site.log_text.encode()
    assert not any(secret in seen for secret in secrets)
    assert "memfd:radgate-settings" not in " ".join(str(each.readlink()) for each in site.descriptors(pid))


def test_a_moved_log_is_followed(running):
    log = running.folder / "log" / "authproxy.log"
    log.rename(log.with_suffix(".1"))
    running.gateway.signal(signal.SIGUSR1)
    pid = console_pid(running)
    until(lambda: str(log) in [str(each.readlink()) for each in running.descriptors(pid)])
