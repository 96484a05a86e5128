"""The comparison of a host by itself with one that shares its logins."""

import pytest

from bench.costs import fleet, pairs
from tests.bench.costs.bursts import SHORTER
from tests.fleet.redis_server import needs_store

pytestmark = [pytest.mark.integration, needs_store]


def test_a_claim_is_measured_in_each_window(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(pairs, "WARM_UP", 1)
    monkeypatch.setattr(fleet, "RUNS_FOR_ONE", 2)  # the one first, then the other
    ratios = fleet.show(tmp_path, 1, shorter=SHORTER)
    assert len(ratios) == 4
    assert min(ratio.median for ratio in ratios) > 0
    told = capsys.readouterr().out
    assert told.count("a claim: ") == 4
    assert "two calls, 64 in flight" in told
