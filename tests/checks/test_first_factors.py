"""Whether home servers are there: scripted ones, and a real one."""

from pathlib import Path
from typing import Any

import pytest

from bench.processes import free_udp_port
from gateway.checks import first_factors
from gateway.checks.findings import Finding, Severity
from gateway.checks.first_factors import examine_first_factors
from gateway.config.settings import DuoOnlyClient, HomeServerSettings, RadiusClient, Secret, StatusServer
from gateway.radius.dictionary import Code
from tests.firstfactor.home.freeradius import home_server, needs_freeradius
from tests.firstfactor.home.peer import SECRET, accept, be_silent, peers
from tests.https.peer import in_loop, run

ANOTHER_SECRET = b"anotherSecretOfThem"
PATIENT_S = 20.0


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_factors, "TRY_S", 0.02)


async def examine(*ports: int, secret: bytes = SECRET, host: str = "127.0.0.1", **more: Any) -> list[Finding]:
    homes = tuple(HomeServerSettings(host=host, port=port, shared_secret=Secret(secret)) for port in ports)
    client = RadiusClient(section="radius_client", homes=homes, **more)
    return await examine_first_factors([DuoOnlyClient(section="duo_only_client"), client])


@in_loop
async def test_one_that_answers_is_asked_by_status_server_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_factors, "TRY_S", PATIENT_S)
    with peers(accept) as (peer,):
        (finding,) = await examine(peer.home.port)
        assert [packet.code for packet in peer.packets] == [Code.STATUS_SERVER]
    assert (finding.severity, finding.subject) == (
        Severity.OK,
        f"home server 127.0.0.1:{peer.home.port} of [radius_client]",
    )


@in_loop
async def test_each_host_has_findings_of_its_own_in_the_order_of_the_file() -> None:
    with peers(be_silent, accept) as (silent, other):
        findings = await examine(silent.home.port, other.home.port)
        assert len(silent.packets) == first_factors.N_TRIES
    assert [finding.severity for finding in findings] == [Severity.WARNING, Severity.OK]  # NPS is silent and good
    silence = findings[0]
    assert silence.text == "it does not answer a Status-Server; whether it answers logins is not known"
    for words in ("no firewall drops UDP", "this machine is a client there with this very secret", "status_server=no"):
        assert words in silence.remedy


@in_loop
async def test_silence_is_expected_of_one_that_knows_no_status_server() -> None:
    with peers(be_silent) as (peer,):
        (finding,) = await examine(peer.home.port, status_server=StatusServer.NO)
    assert finding.severity is Severity.NOTE


@in_loop
async def test_a_closed_port_is_told_from_silence() -> None:
    (finding,) = await examine(free_udp_port(), status_server=StatusServer.NO)
    assert finding.severity is Severity.UNREACHABLE
    assert finding.text.startswith("nothing listens at its port")


@in_loop
async def test_answers_of_another_secret_are_a_problem_of_the_file() -> None:
    with peers(accept) as (peer,):
        (finding,) = await examine(peer.home.port, secret=ANOTHER_SECRET)
    assert finding.severity is Severity.PROBLEM
    assert "another secret" in finding.text
    assert ANOTHER_SECRET.decode() not in str(finding)


@in_loop
async def test_a_name_is_looked_up_and_one_that_there_is_not_is_told() -> None:
    (finding,) = await examine(1812, host="a..b")
    assert (finding.step, finding.severity) == ("dns", Severity.UNREACHABLE)
    found, _ = await examine(free_udp_port(), host="localhost")
    assert (found.step, found.severity) == ("dns", Severity.OK)


@needs_freeradius
@pytest.mark.integration
def test_freeradius_answers_its_clients_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_factors, "TRY_S", PATIENT_S)
    with home_server(tmp_path) as port:
        (right,) = run(examine(port))
        monkeypatch.setattr(first_factors, "TRY_S", 0.1)
        (wrong,) = run(examine(port, secret=ANOTHER_SECRET))
    assert [right.severity, wrong.severity] == [Severity.OK, Severity.WARNING]
    assert "this very secret" in wrong.remedy
