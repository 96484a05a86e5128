"""What the log says of clocks, and the connections of first checks and of probes."""

import logging
from pathlib import Path

import pytest

from gateway.config.settings import Settings
from gateway.duo.client import WARM_CONNECTIONS
from gateway.duo.clients import (
    ClientLog,
    open_duo_clients,
    open_probe_clients,
)
from gateway.duoapi.calls import Check, Ping
from tests.config.files import IKEY, SHARED_SECRET, SKEY, parse
from tests.duo.scripted import ask
from tests.https.authority import Authority
from tests.https.peer import (
    Visit,
    answer,
    run,
    tls_peer,
    turn_until,
)

NAMES = {"application": "DIX", "api_host": "api-x.test:443"}


def test_a_wall_clock_that_is_off_is_warned_of_at_most_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    told = ClientLog(NAMES)
    for now in (0.0, 1.0, 59.9, 60.0):
        told.clock_corrected(3600.4, now)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "This machine's clock is 3600 s behind Duo's" in caplog.text


def test_the_warning_says_which_way_and_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    ClientLog(NAMES).clock_corrected(-45.0, 0.0)
    assert "45 s ahead of Duo's" in caplog.text
    fields = vars(caplog.records[0])["fields"]
    assert "NTP" in fields["hint"]
    assert fields["application"] == "DIX"


def test_a_wall_clock_that_is_right_is_not_blamed(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "gateway.duo"):
        ClientLog(NAMES).clock_corrected(0.3, 0.0)
    assert [record.levelno for record in caplog.records] == [logging.INFO]
    assert "This machine's clock" not in caplog.text


def applications(authority: Authority, port: int, *ikeys: str) -> Settings:
    """Return the settings of a file with these applications, all at one host."""
    text = f"[main]\nhttp_ca_certs_file={authority.ca_file}\n" + "".join(
        f"[radius_server_duo_only{number}]\nikey={ikey}\nskey={SKEY}\napi_host=127.0.0.1:{port}\nport={1812 + number}\n"
        f"radius_ip_1=10.0.1.10\nradius_secret_1={SHARED_SECRET}\n"
        for number, ikey in enumerate(ikeys, 1)
    )
    return parse(text, {authority.ca_file: Path(authority.ca_file).read_bytes()})[0]


def test_applications_at_one_host_begin_with_the_connections_of_one(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    ikeys = [f"DI{number:018}" for number in range(20)]
    asked: list[str] = []

    async def note(visit: Visit) -> None:
        while True:
            asked.append((await visit.request()).split()[1])
            visit.send(answer())

    async def scenario() -> None:
        async with tls_peer(note, authority.server_file("127.0.0.1")) as peer:
            clients = open_duo_clients(applications(authority, peer.port, *ikeys), 2)
            await turn_until(lambda: len(asked) == 20 and not any(client.n_pending for client in clients.values()))
            assert len({client.pool for client in clients.values()}) == 1
            await turn_until(lambda: peer.n_visits == WARM_CONNECTIONS)
            assert all(client.pool.counts.opening == 0 for client in clients.values())

    run(scenario())
    assert asked == ["/auth/v2/check"] * 20


def test_applications_that_are_refused_keep_no_other_one_from_its_check(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    n_asked = 0

    async def drop(visit: Visit) -> None:
        nonlocal n_asked
        await visit.request()
        n_asked += 1
        visit.close()

    async def scenario() -> None:
        async with tls_peer(drop, authority.server_file("127.0.0.1")) as peer:
            ikeys = [f"DI{number:018}" for number in range(9)]
            clients = open_duo_clients(applications(authority, peer.port, *ikeys), 2)
            await turn_until(lambda: n_asked == 2 * 9)  # each is tried once more
            await turn_until(lambda: not any(client.n_pending for client in clients.values()))

    run(scenario())


async def probed(tmp_path: Path, *calls: Ping | Check) -> list[tuple[int, str]]:
    """Return by which connection each of a probe's calls came, which are made one by one."""
    authority = Authority(tmp_path)
    seen: list[tuple[int, str]] = []

    async def note(visit: Visit) -> None:
        while True:
            seen.append((visit.number, (await visit.request()).split()[1]))
            visit.send(answer())

    async with tls_peer(note, authority.server_file("127.0.0.1")) as peer:
        (client,) = open_probe_clients(applications(authority, peer.port, IKEY)).values()
        for call in calls:
            if isinstance(call, Ping):
                await turn_until(lambda: client.pool.counts.idle == 0)
            await ask(client, call)
    return seen


def test_each_ping_of_the_supervisor_opens_a_connection(tmp_path: Path) -> None:
    """A kept one may be what somebody on the way has forgotten."""
    assert run(probed(tmp_path, Ping(), Ping())) == [(1, "/auth/v2/ping"), (2, "/auth/v2/ping")]


def test_its_check_takes_that_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.duo.clients.PROBE_IDLE_S", 60.0)  # however long this process pauses between the two
    assert run(probed(tmp_path, Ping(), Check())) == [(1, "/auth/v2/ping"), (1, "/auth/v2/check")]
