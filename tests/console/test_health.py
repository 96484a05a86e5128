"""`/healthz`: 200 while every slot is served, or was until just now, and no application is in `secure` fail mode."""

import pytest

from gateway.console.health import STALE_AFTER_S, examine
from gateway.engine.slots import UNSERVED_AFTER_S
from tests.console.scene import IKEY, Gateway


def test_well():
    finding = examine(Gateway().status, 0.5)
    assert finding.http_status == 200
    assert finding.content == {"status": "ok", "reasons": []}


def test_a_restart_is_no_failure():
    gateway = Gateway()
    gateway.states = ["starting", "ready"]
    gateway.unserved_s = [UNSERVED_AFTER_S, 0.0]
    assert examine(gateway.status, 0.5).http_status == 200


@pytest.mark.parametrize("state", ["starting", "backoff", "ready"])
def test_a_slot_that_nobody_serves_is_one(state):
    """Of those that are ready a worker that hangs."""
    gateway = Gateway()
    gateway.states = [state, "ready"]
    gateway.unserved_s = [UNSERVED_AFTER_S + 1, 0.0]
    finding = examine(gateway.status, 0.5)
    assert finding.http_status == 503
    assert finding.problems == [f"nobody serves slot 0 ({state}) for 4 s: its users get no answer"]


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
    gateway.application = gateway.application._replace(failmode="secure")
    assert examine(gateway.status, 0.5).http_status == 200


def test_what_is_old_says_nothing():
    assert examine(None, 0.5).http_status == 503
    assert examine(Gateway().status, STALE_AFTER_S + 1).http_status == 503
