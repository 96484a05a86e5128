"""`/healthz`: 200 while at least one worker serves and no application is in `secure` fail mode."""

import pytest

from gateway.console.health import STALE_AFTER_S, examine
from tests.console.scene import IKEY, Gateway


def test_well():
    finding = examine(Gateway().status, 0.5)
    assert finding.http_status == 200
    assert finding.content == {"status": "ok", "reasons": []}


def test_one_worker_is_enough():
    gateway = Gateway()
    gateway.states = ["backoff", "ready"]
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
