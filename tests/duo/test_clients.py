"""What the log says of clocks, and the connections of probes."""

import logging
from pathlib import Path

import pytest

from gateway.duo.clients import (
    ClientLog,
    open_probe_clients,
)
from gateway.duoapi.calls import Check, Ping
from tests.config.files import IKEY, SHARED_SECRET, SKEY, parse
from tests.duo.test_client import ask
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


def test_each_ping_of_the_supervisor_opens_a_connection_and_its_check_takes_it(tmp_path: Path) -> None:
    """A kept one may be what somebody on the way has forgotten."""
    authority = Authority(tmp_path)
    ca_octets = Path(authority.ca_file).read_bytes()
    seen: list[tuple[int, str]] = []

    async def note(visit: Visit) -> None:
        while True:
            seen.append((visit.number, (await visit.request()).split()[1]))
            visit.send(answer())

    async def scenario() -> None:
        async with tls_peer(note, authority.server_file("127.0.0.1")) as peer:
            text = (
                f"[main]\nhttp_ca_certs_file={authority.ca_file}\n[radius_server_duo_only]\nikey={IKEY}\nskey={SKEY}\n"
                f"api_host=127.0.0.1:{peer.port}\nradius_ip_1=10.0.1.10\nradius_secret_1={SHARED_SECRET}\n"
            )
            (client,) = open_probe_clients(parse(text, {authority.ca_file: ca_octets})[0]).values()
            for _ in range(2):
                await ask(client, Ping())
                await ask(client, Check())
                await turn_until(lambda: client.connections.idle == 0)

    run(scenario())
    assert seen == [(1, "/auth/v2/ping"), (1, "/auth/v2/check"), (2, "/auth/v2/ping"), (2, "/auth/v2/check")]
