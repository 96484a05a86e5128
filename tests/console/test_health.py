"""`/healthz` and `/livez`: what a balancer is told, and what would have the gateway started anew."""

import pytest

from gateway.console.health import HUNG_AFTER_S, STALE_AFTER_S, Health, examine, examine_life
from gateway.ipc.console_channel import UNSERVED_AFTER_S
from gateway.unavailable import Trouble
from tests.console.scene import CLIENT, HOME, IKEY, NAME, OTHER_HOME, SECTION, Gateway


def test_well():
    finding = examine(Gateway().status, 0.5)
    assert finding.http_status == 200
    assert finding.content == {"status": "ok", "reasons": []}


def test_a_restart_is_no_failure():
    gateway = Gateway()
    gateway.states = ["starting", "ready"]
    gateway.unserved_s = [UNSERVED_AFTER_S, 0.0]
    assert examine(gateway.status, 0.5).http_status == 200


@pytest.mark.parametrize(("state", "why"), [("starting", "starting"), ("backoff", "backoff"), ("ready", "hangs")])
def test_a_slot_that_nobody_serves_is_one(state, why):
    """Of those that are ready a worker that hangs."""
    gateway = Gateway()
    gateway.states = [state, "ready"]
    gateway.unserved_s = [UNSERVED_AFTER_S + 1, 0.0]
    finding = examine(gateway.status, 0.5)
    assert finding.http_status == 503
    assert finding.problems == [f"nobody serves slot 0 ({why}) for 4 s: its users get no answer"]


def test_a_slot_of_a_generation_that_leaves_is_none():
    gateway = Gateway()
    gateway.unserved_s, gateway.generations = [75.0, 0.0], [0, 1]
    assert examine(gateway.status, 0.5).http_status == 200


@pytest.mark.parametrize("state", ["starting", "draining", "backoff", "empty"])
def test_no_worker_serves(state):
    gateway = Gateway()
    gateway.states = [state, state]
    assert examine(gateway.status, 0.5) == (["no worker serves"],)


@pytest.mark.parametrize(("failmode", "http_status"), [("safe", 200), ("secure", 503), ("safe, secure", 503)])
def test_fail_mode_is_failing_only_where_it_rejects(failmode, http_status):
    gateway = Gateway()
    gateway.fails(failmode)
    finding = examine(gateway.status, 0.5)
    assert finding.http_status == http_status
    assert all(IKEY in problem for problem in finding.problems)


def test_failmode_secure_alone_is_no_failure():
    gateway = Gateway()
    gateway.application = gateway.application._replace(fail_mode="secure")
    assert examine(gateway.status, 0.5).http_status == 200


def test_what_is_old_says_nothing():
    assert examine(None, 0.5).http_status == 503
    assert examine(Gateway().status, STALE_AFTER_S + 1).http_status == 503


def test_a_supervisor_that_hangs_needs_a_restart_and_nothing_less_does():
    assert examine_life(STALE_AFTER_S + 1).http_status == 200
    assert examine_life(HUNG_AFTER_S + 1) == ([f"the supervisor has not answered for {HUNG_AFTER_S + 1:.0f} s"],)


def of_fleet(gateway: Gateway, *more: str, leaving: bool = False, isolated: tuple[str, ...] = ()) -> Health:
    """Examine a host of a fleet; `more` are Duo applications beside its own."""
    status = gateway.status
    others = [{**status["applications"][0], "application": name, "sections": ["other"]} for name in more]
    applications = [{**status["applications"][0], "sections": [SECTION]}, *others]
    fleet = {"leaving": leaving, "isolated": list(isolated)}
    return examine({**status, "applications": applications, "fleet": fleet}, 0.5)


def test_a_host_that_leaves_or_is_isolated_sends_logins_to_others():
    assert of_fleet(Gateway()).http_status == 200
    assert of_fleet(Gateway(), leaving=True) == (["this host leaves: it takes no more logins"],)
    isolated = of_fleet(Gateway(), isolated=(NAME,))
    assert isolated.http_status == 503
    silence = f"nobody is answered at [{SECTION}] (when_isolated=silent)"
    assert isolated.problems == [f"this host cannot reach {NAME} and another one can, so {silence}"]


@pytest.mark.parametrize("failmode", ["safe", "secure"])
def test_a_host_that_still_reaches_another_application_serves_that(failmode):
    """Two hosts of which each reaches what the other does not would both be taken out by a balancer."""
    gateway = Gateway()
    gateway.fails(failmode)
    status = gateway.status
    status["applications"].append({**status["applications"][0], "application": "b", "failmode_active": False})
    status["fleet"] = {"leaving": False, "isolated": [NAME]}
    assert examine(status, 0.5) == ([],)


def test_who_is_isolated_of_every_application_serves_nobody():
    assert len(of_fleet(Gateway(), "other", isolated=(NAME, "other")).problems) == 2
    assert of_fleet(Gateway(), "other", isolated=(NAME, "former")).http_status == 200


@pytest.mark.parametrize(
    ("is_other_down", "is_watched", "sections", "http_status"),
    [
        (True, True, (SECTION,), 503),
        (False, True, (SECTION,), 200),
        (True, True, (), 200),
        (True, False, (SECTION,), 200),  # a balancer would send no login that could tell that one is back
    ],
)
def test_no_section_has_a_first_factor_left(is_other_down, is_watched, sections, http_status):
    gateway = Gateway()
    gateway.asks_first()
    gateway.first_factors = [gateway.first_factors[0]._replace(sections=sections, is_watched=is_watched)]
    if is_other_down:
        gateway.rows[0].first_factors[CLIENT].hosts[OTHER_HOME].show(51.0, 52.0, Trouble.CONNECT)
    finding = examine(gateway.status, 0.5)
    assert finding.http_status == http_status
    if http_status == 503:
        text = f"no host of [{CLIENT}] answers ({HOME}, {OTHER_HOME}): all logins are rejected"
        assert finding.problems == [text]
