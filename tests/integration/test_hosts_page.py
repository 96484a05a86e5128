"""The status page and the health of a host among others: what is seen of them, and what stays on its host."""

import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from bench.processes import SimulatorProcess
from tests.chromium import MARKS, browser, expect
from tests.fleet.redis_server import RedisServer, needs_store, redis_server
from tests.integration.hosts import Host, some_hosts
from tests.integration.hosts_pair import made_whole
from tests.integration.test_console import ANY_PORT, until, url_of
from tests.integration.test_console_page import expect_text, low_contrast, nameless, visit

__all__ = ["browser", "visit"]

pytestmark = [*MARKS, needs_store]

USER = "trent"


@pytest.fixture(scope="module")
def store() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, shared_simulator: SimulatorProcess, store: RedisServer
) -> Iterator[list[Host]]:
    other = {"gateway": ANY_PORT, "failmode": "secure"}
    folder, engine = tmp_path_factory.mktemp("pair"), f"unix://{store.path}"
    with some_hosts(folder, shared_simulator, engine, {"gateway": ANY_PORT}, other) as hosts:
        yield hosts


@pytest.fixture
def hosts(pair: list[Host], simulator: SimulatorProcess) -> Iterator[list[Host]]:
    """Two hosts with pages, of which the second has another fail mode."""
    with made_whole(pair, simulator):
        yield pair


def health(host: Host, path: str) -> tuple[int, list[str]]:
    """Return what a host says to who balances, and why."""
    try:
        with urllib.request.urlopen(url_of(host.gateway) + path, timeout=20) as answer:
            return answer.status, json.load(answer)["reasons"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["reasons"]


def card(seen: Any, name: str) -> Any:
    return seen.page.locator("#hosts li", has_text=name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_shows_both_hosts_and_no_user_of_the_other(hosts, visit, scheme):
    hosts[1].nas().login("dave", "123456")
    seen = visit(url_of(hosts[0].gateway), color_scheme=scheme, viewport={"width": 390, "height": 844})
    expect_text(card(seen, "gw-a (this host)"), "1 of 1 workers ready")
    expect(seen.page.get_by_role("heading", level=1)).to_have_text("radgate gw-a")
    expect(seen.page).to_have_title("! radgate gw-a: Host gw-b has other settings")
    expect_text(card(seen, "gw-b"), "duo_allowed")
    expect_text(card(seen, "gw-b"), "healthy")
    expect_text(card(seen, "gw-b"), "Other settings: radius_server_duo_only")
    expect_text(seen.page.get_by_role("alert"), "Host gw-b has other settings")
    expect(seen.page.locator("#sharing")).to_have_text("Logins are shared")
    assert "dave" not in seen.page.content()
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 390
    assert nameless(seen.page) == low_contrast(seen.page) == []


def test_a_host_that_leaves_sends_logins_elsewhere_and_is_seen_to_leave(hosts, visit):
    until(lambda: [health(host, "readyz") for host in hosts] == [(200, []), (200, [])])
    seen = visit(url_of(hosts[0].gateway))
    (worker,) = hosts[1].gateway.worker_pids()
    os.kill(worker, signal.SIGSTOP)  # so that leaving takes as long as is looked at
    hosts[1].gateway.signal(signal.SIGTERM)
    until(lambda: health(hosts[1], "readyz")[0] == 503)
    status, reasons = health(hosts[1], "healthz")
    assert (status, reasons[0]) == (503, "this host leaves: it takes no more logins")
    assert health(hosts[1], "livez") == (200, [])
    expect_text(card(seen, "gw-b"), "leaving")
    assert health(hosts[0], "readyz") == (200, [])
    os.kill(worker, signal.SIGCONT)
    hosts[1].gateway.process.wait(30)
    expect(card(seen, "gw-b")).to_have_count(0, timeout=20_000)  # it has said that it goes


def test_a_host_that_dies_is_missed_and_a_store_that_does_too(hosts, store, visit):
    seen = visit(url_of(hosts[0].gateway))
    expect_text(card(seen, "gw-b"), "ready")
    hosts[1].gateway.kill_whole()
    expect_text(seen.page.get_by_role("alert"), "Host gw-b is silent")
    assert "HOST gw-b IS SILENT" in hosts[0].radgate("status").stdout
    store.kill()
    expect_text(seen.page.get_by_role("alert"), "Logins are not shared with other hosts")
    assert "NOT SHARED" in hosts[0].radgate("status").stdout
    assert health(hosts[0], "readyz") == (200, [])
    store.start()
