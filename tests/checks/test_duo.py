"""The walk to Duo, step by step, against the simulated Duo and against peers that are none."""

import re
import socket
from pathlib import Path
from typing import Any

import pytest

from bench.processes import SimulatorProcess
from gateway.checks import duo
from gateway.checks.duo import applications_of, examine_application
from gateway.checks.findings import Finding, Severity
from gateway.config.settings import ApplicationSettings, Secret
from tests.https.authority import Authority
from tests.https.peer import (
    Script,
    Visit,
    answer,
    run,
    tls_peer,
)

WRONG_SKEY = "0123456789012345678901234567890123456789"


def application(simulator: SimulatorProcess, **changes: object) -> ApplicationSettings:
    host, _, port = simulator.api_host.partition(":")
    values: dict[str, Any] = {
        "api_host": host,
        "api_port": int(port),
        "ikey": simulator.ikey,
        "secret_key": Secret(simulator.secret_key.encode()),
        "ca_certs_file": simulator.ca,
    }
    return ApplicationSettings(**{**values, **changes})


def walk(settings: ApplicationSettings) -> list[Finding]:
    return run(examine_application(settings))


def last(findings: list[Finding]) -> tuple[str, Severity]:
    return findings[-1].step, findings[-1].severity


def test_every_step_is_told_in_its_order(simulator):
    findings = walk(application(simulator))
    assert [finding.step for finding in findings] == [
        *("dns", "tcp", "tls", "certificate", "root", "ping", "clock", "keys"),
    ]
    severities = {finding.step: finding.severity for finding in findings}
    assert severities.pop("certificate") is severities.pop("root") is Severity.WARNING  # the simulator's last 30 days
    assert set(severities.values()) == {Severity.OK}
    assert {finding.subject for finding in findings} == {f"application {simulator.ikey} at {simulator.api_host}"}


@pytest.mark.parametrize(
    ("fault", "step", "words"),
    [
        ({"kind": "refuse"}, "tcp", "connection refused"),
        ({"kind": "black_hole"}, "tls", "within 0.3 s"),
        ({"kind": "black_hole", "endpoint": "ping"}, "ping", "within 0.3 s"),
        ({"kind": "captive_portal"}, "ping", "a web page"),
        ({"kind": "status_500"}, "ping", "HTTP 500"),
        ({"kind": "status_500", "endpoint": "check"}, "keys", "HTTP 500"),
        ({"kind": "broken_json", "endpoint": "check"}, "keys", ""),
        ({"kind": "drop", "endpoint": "ping"}, "ping", ""),
    ],
)
def test_a_duo_that_cannot_be_reached_ends_the_walk_at_that_step(simulator, monkeypatch, fault, step, words):
    monkeypatch.setattr(duo, "STEP_TIMEOUT_S", 0.3)
    simulator.fault(**fault)
    finding = walk(application(simulator))[-1]
    assert (finding.step, finding.severity) == (step, Severity.UNREACHABLE)
    assert words in finding.text
    assert finding.remedy


def test_a_clock_that_is_off_is_a_warning_and_the_walk_goes_on(simulator):
    simulator.fault("clock_skew", skew_s=-3600)
    findings = {finding.step: finding for finding in walk(application(simulator))}
    assert findings["clock"].severity is Severity.WARNING
    assert re.search(r"3(600|59\d) s ahead of Duo's", findings["clock"].text)  # an answer may have taken a while
    assert "NTP" in findings["clock"].remedy
    assert findings["keys"].severity is Severity.OK


@pytest.mark.parametrize(
    ("changes", "key"),
    [({"secret_key": Secret(WRONG_SKEY.encode())}, "skey"), ({"ikey": "DIXXXXXXXXXXXXXXXXXX"}, "ikey")],
)
def test_keys_that_duo_refuses_are_a_problem_of_the_file(simulator, changes, key):
    findings = walk(application(simulator, **changes))
    assert last(findings) == ("keys", Severity.PROBLEM)
    assert key in findings[-1].text
    assert WRONG_SKEY not in repr(findings)
    assert simulator.secret_key not in repr(findings)


def test_an_application_for_the_older_api_passes_too(simulator):
    of_each_kind = {each["kind"]: each for each in simulator.applications}
    assert len(of_each_kind) > 1
    for each in of_each_kind.values():
        findings = walk(application(simulator, ikey=each["ikey"], secret_key=Secret(each["skey"].encode())))
        assert last(findings) == ("keys", Severity.OK)


def test_a_name_that_does_not_exist_is_told_by_name():
    settings = ApplicationSettings(api_host="nowhere.invalid", ikey="DIXXXXXXXXXXXXXXXXXX", secret_key=Secret(b"x"))
    (finding,) = walk(settings)
    assert (finding.step, finding.severity) == ("dns", Severity.UNREACHABLE)
    assert "nowhere.invalid" in finding.text


def test_roots_that_do_not_lead_to_duo_are_named(simulator):
    findings = walk(application(simulator, ca_certs_file=None))
    assert last(findings) == ("tls", Severity.UNREACHABLE)
    assert "certificate verify failed" in findings[-1].text
    assert "http_ca_certs_file" in findings[-1].remedy


def test_roots_that_cannot_be_loaded_are_a_problem(simulator, tmp_path: Path):
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
    findings = walk(application(simulator, ca_certs_file=str(broken)))
    assert last(findings) == ("tls", Severity.PROBLEM)
    assert str(broken) in findings[-1].text


def walk_to(script: Script, authority: Authority, **certificate: Any) -> list[Finding]:
    """Return what is found at a peer that does what a script says."""

    async def scenario() -> list[Finding]:
        async with tls_peer(script, authority.server_file("127.0.0.1", **certificate)) as peer:
            return await examine_application(
                ApplicationSettings(
                    api_host="127.0.0.1",
                    api_port=peer.port,
                    ikey="DIXXXXXXXXXXXXXXXXXX",
                    secret_key=Secret(b"x"),
                    ca_certs_file=authority.ca_file,
                )
            )

    return run(scenario())


def test_a_certificate_that_has_ended_is_told(tmp_path: Path):
    findings = walk_to(Visit.until_client_leaves, Authority(tmp_path), is_expired=True)
    assert last(findings) == ("tls", Severity.UNREACHABLE)
    assert "certificate has expired" in findings[-1].text


class TestProxy:
    def walk_through(self, simulator: SimulatorProcess, answer_octets: bytes) -> list[Finding]:
        host, _, port = simulator.api_host.partition(":")

        async def tunnel(visit: Visit) -> None:
            await visit.request()
            visit.send(answer_octets)
            await visit.hand_on(host, int(port))

        async def scenario() -> list[Finding]:
            async with tls_peer(tunnel, None) as peer:
                settings = application(simulator, http_proxy_host="127.0.0.1", http_proxy_port=peer.port)
                return await examine_application(settings)

        return run(scenario())

    def test_the_walk_goes_through_the_proxy_of_the_file(self, simulator):
        findings = self.walk_through(simulator, b"HTTP/1.1 200 Connection established\r\n\r\n")
        assert [finding.step for finding in findings][:3] == ["dns", "proxy", "tls"]
        assert "the proxy 127.0.0.1" in findings[0].text
        assert last(findings) == ("keys", Severity.OK)

    def test_a_proxy_that_refuses_is_a_step_of_its_own(self, simulator):
        findings = self.walk_through(simulator, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        assert last(findings) == ("proxy", Severity.UNREACHABLE)
        assert "403" in findings[-1].text
        assert "http_proxy_host" in findings[-1].remedy

    def test_one_that_is_down_is_what_must_be_reached_and_not_duo(self, simulator):
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))  # and does not listen
            port = bound.getsockname()[1]
            settings = application(simulator, http_proxy_host="127.0.0.1", http_proxy_port=port)
            findings = run(examine_application(settings))
        assert last(findings) == ("proxy", Severity.UNREACHABLE)
        assert f"proxy 127.0.0.1:{port}: connection refused" in findings[-1].text
        assert "see whether the proxy of http_proxy_host and http_proxy_port runs" in findings[-1].remedy

    def test_one_that_wants_a_user_name_is_told_apart(self, simulator):
        findings = self.walk_through(
            simulator, b"HTTP/1.1 407 Nope\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Basic\r\n\r\n"
        )
        assert last(findings) == ("proxy", Severity.UNREACHABLE)
        assert "asks for a user name and password (407 Nope), which radgate does not send" in findings[-1].text


def test_what_answers_in_words_that_are_not_duos_is_no_duo(tmp_path: Path):
    async def refuse(visit: Visit) -> None:
        await visit.request()
        visit.send(answer('{"stat":"FAIL","message":"\\u001b[2Jgo away"}', "404 Not Found"))

    assert last(walk_to(refuse, Authority(tmp_path))) == ("ping", Severity.UNREACHABLE)


def test_an_application_of_two_sections_is_asked_once(simulator):
    one, other = application(simulator), application(simulator, ikey="DIXXXXXXXXXXXXXXXXXX")
    assert applications_of([one, other, one]) == [one, other]


NEXT = Secret(b"9876543210987654321098765432109876543210")


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        (["skey"], [("keys", Severity.OK), ("next key", Severity.NOTE)]),
        (["skey", "next"], [("keys", Severity.OK), ("next key", Severity.OK)]),
        (["next"], [("keys", Severity.WARNING)]),
        (["neither"], [("keys", Severity.PROBLEM)]),
    ],
)
def test_of_two_secret_keys_each_is_told_of(simulator, taken, told):
    keys = {"skey": simulator.secret_key, "next": NEXT.octets.decode(), "neither": WRONG_SKEY}
    simulator.set_keys(*(keys[each] for each in taken))
    try:
        findings = walk(application(simulator, next_secret_key=NEXT))
    finally:
        simulator.set_keys(simulator.secret_key)
    assert [(each.step, each.severity) for each in findings if each.step.endswith(("keys", "key"))] == told
    assert not any(key in str(findings) for key in keys.values())
