"""Duo away, in every way there is: fail mode decides, within `api_timeout`, and the line says so."""

import json
from itertools import count

import pytest

from tests.integration.shared import SharedSite
from tests.integration.site import Site
from tests.integration.test_console import until

pytestmark = pytest.mark.integration

N_WORKERS = 2
SECTIONS = [
    *[{"failmode": "safe", "api_timeout": 2}] * 15,
    *[{"failmode": "secure", "api_timeout": 2}] * 10,
    *[{"failmode": "safe"}] * 7,
    *[{"failmode": "secure"}] * 4,
]

FAULTS = [
    pytest.param({"kind": "refuse"}, "connect", id="refusing"),
    pytest.param({"kind": "black_hole"}, "timeout", id="hanging"),
    pytest.param({"kind": "slow", "delay_s": 30}, "timeout", id="slow"),
    pytest.param({"kind": "status_500"}, "http_status", id="status 500"),
    pytest.param({"kind": "broken_json"}, "bad_answer", id="broken JSON"),
    pytest.param({"kind": "captive_portal"}, "bad_answer", id="captive portal"),
    pytest.param({"kind": "drop"}, "closed", id="dropped connections"),
    pytest.param({"kind": "reset"}, "closed", id="reset connections"),
]


@pytest.mark.parametrize(("fault", "trouble"), FAULTS)
@pytest.mark.parametrize(("failmode", "code"), [("safe", 2), ("secure", 3)])
def test_fail_mode_decides_while_duo_is_away(shared: SharedSite, fault, trouble, failmode, code):
    nas = shared.start(failmode=failmode, api_timeout=2).nas()
    assert nas.login("alice", "123456").is_accept  # the connection is there, and healthy
    shared.simulator.fault(**fault)
    reply = nas.login("alice", "123456")
    assert reply.code == code
    assert "127.0.0.1" not in reply.message
    _, line = shared.log_lines()
    assert line.fields["reason"] == f"failmode_{failmode}"
    assert f"Duo is unavailable ({trouble}: " in line.text
    assert "[gateway.worker#warn]" in line.text
    assert int(line.fields["duration_ms"]) < 9_000  # without api_timeout=2 it would be 10 s


@pytest.mark.parametrize("failmode", ["safe", "secure"])
def test_a_rate_limit_of_duo_never_lets_anybody_in(shared: SharedSite, failmode):
    """Users can provoke it: it is no outage."""
    nas = shared.start(failmode=failmode, api_timeout=2).nas()
    shared.simulator.fault("rate_limit")
    assert nas.login("alice", "123456").code == 3
    (line,) = shared.log_lines()
    assert line.fields["reason"] == "overloaded"
    assert "(rate_limit: " in line.text


STALLS = [
    pytest.param({"kind": "refuse"}, 1, id="refusing"),
    pytest.param({"kind": "black_hole"}, 3, id="hanging"),
    pytest.param({"kind": "black_hole", "endpoint": "preauth"}, 1, id="one call hanging"),
    pytest.param({"kind": "slow", "delay_s": 1.2}, 1, id="slow"),
    pytest.param({"kind": "rate_limit", "calls": 1, "retry_after_s": 1}, 1, id="rate limit"),
    pytest.param({"kind": "drop"}, 1, id="dropped connections"),
]


@pytest.mark.parametrize("is_fresh", [False, True], ids=["with connections", "without"])
@pytest.mark.parametrize(("fault", "n_logins"), STALLS)
def test_waiting_for_duo_is_no_share_of_the_gateways_own(shared: SharedSite, site: Site, fault, n_logins, is_fresh):
    """However Duo keeps a login waiting, and whoever ends the wait: an answer, a time-out, fail mode."""
    if is_fresh:
        site.simulator.fault(**fault)
    asked = (site if is_fresh else shared).start(failmode="safe", api_timeout=2)
    nas = asked.nas()
    if not is_fresh:
        shared.simulator.fault(**fault)
    for number in range(n_logins):
        nas.send(f"user{number}", "123456")
    for _ in range(n_logins):
        nas.receive()
    status = json.loads(asked.radgate("status", "--json").stdout)
    histograms = status["histograms"]["servers"][asked.server]
    assert histograms["login"]["counts"][-1] == n_logins
    others_s = 0.25 * n_logins  # this machine is busy with other tests
    assert histograms["gateway"]["sum_s"] <= others_s


@pytest.mark.parametrize("kind", ["broken_json", "status_500", "captive_portal"])
def test_a_push_whose_answer_is_none_of_duos_lets_nobody_in(shared: SharedSite, kind):
    """It may be on the phone, and Duo is well."""
    nas = shared.start(failmode="safe").nas()
    shared.simulator.fault(kind, endpoint="auth", calls=1)
    assert nas.login("alice", "push").code == 3
    (line,) = shared.log_lines()
    assert line.fields["reason"] == "push_lost"
    assert nas.login("alice", "123456").is_accept


def test_duo_back_again_is_used_again(shared: SharedSite):
    nas = shared.start(failmode="secure", api_timeout=2).nas()
    shared.simulator.fault("refuse")
    assert not nas.login("alice", "123456").is_accept
    shared.simulator.heal()
    until(lambda: nas.login("alice", "123456").is_accept)  # on a slow machine fail mode had the time to begin


def test_wrong_keys_are_loud_and_leave_the_decision_to_fail_mode(site: Site):
    nas = site.start(failmode="secure", skey="0" * 40).nas()
    assert not nas.login("alice", "123456").is_accept
    until(lambda: "Duo did not pass the check of keys and clock" in site.log_text)  # a worker's, which checks by itself
    (line,) = site.log_lines()  # of the login: Duo refused it, or the check at the start, before it was asked
    assert line.fields["reason"] == "failmode_secure"
    assert "40103" in site.log_text
    assert "skey" in site.log_text


def test_a_certificate_that_nobody_trusts_is_no_duo(site: Site):
    nas = site.start(ca="system", failmode="secure").nas()
    assert not nas.login("alice", "123456").is_accept
    site.stop()
    # of the login, or of probes where fail mode has begun before it
    assert "certificate: " in site.log_text
    assert "certificate verify failed" in site.log_text
    assert "somebody may be in between" in site.log_text


@pytest.mark.parametrize("fault", ["chunked", "close_after", "close_idle"])
def test_what_is_merely_unusual_is_no_outage(shared: SharedSite, fault):
    nas = shared.start(failmode="secure").nas()
    shared.simulator.fault(fault, delay_s=0.2)
    for _ in range(5):
        assert nas.login("alice", "123456").is_accept
        assert nas.login("alice", "push").is_accept


def test_a_push_survives_a_short_outage_while_it_waits(shared: SharedSite):
    nas = shared.start(failmode="secure").nas()
    nas.send("trent", "push")
    (push,) = shared.simulator.pending()
    shared.simulator.fault("refuse")
    shared.simulator.heal()
    shared.simulator.decide(push)
    assert nas.receive().is_accept
    assert shared.simulator.get("/api/counts")["users"]["trent"]["push"] == 1


@pytest.mark.parametrize("kind", ["status_500", "captive_portal", "broken_json", "drop", "reset", "black_hole"])
def test_names_that_somebody_invents_open_no_door(shared: SharedSite, kind):
    """Duo is well for all others: they get its verdicts, whatever these names meet, and somebody is told."""
    nas = shared.start(failmode="safe", apart="all probes are answered").nas()  # none waits since another test
    somebody = shared.nas()
    assert nas.login("alice", "123456").is_accept
    shared.simulator.fault(kind, user="evil")
    for number in range(60):
        somebody.send(f"evil{number}", "000000")
        assert nas.login("alice", "000000").code == 3
    if kind != "black_hole":  # these names are known as such when their calls have timed out
        until(lambda: "Ping and check pass, but logins fail" in shared.log_text)
    assert nas.login("dave", "123456").is_accept  # after so many mistakes Duo has locked alice out
    assert "Fail mode begins" not in shared.log_text


def test_names_that_somebody_invents_hold_no_door_open(shared: SharedSite):
    """Each worker lets one login try when ping and check pass again, and here only such names come."""
    somebody = shared.start(failmode="safe").nas()
    shared.simulator.fault("status_500", user="evil")
    shared.simulator.fault("status_500", endpoint="/auth/v2/ping")
    numbers = count()

    def is_told(words: str) -> bool:
        for _ in range(4):
            somebody.login(f"evil{next(numbers)}", "000000")
        return words in shared.log_text

    until(lambda: is_told("Fail mode begins"))
    shared.simulator.fault("status_500", endpoint="/auth/v2/ping", calls=1)  # the last one
    until(lambda: is_told("Fail mode has ended"))
    assert "but logins fail and are decided one by one" in shared.log_text
    until(lambda: shared.nas().login("alice", "000000").code == 3)  # once her worker has heard of it
