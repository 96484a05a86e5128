"""The comparison of a plain gateway with one that has more of something."""

import pytest

from bench.costs import growth
from bench.costs.growth import Size, clients_of, measure

pytestmark = pytest.mark.integration


def test_clients_are_dealt_to_the_sections_and_the_last_one_is_the_bench():
    sections = clients_of(Size(n_sections=3, n_clients=7))
    assert [len(clients) for clients in sections] == [3, 3, 1]
    assert sections[-1] == ["127.0.0.1"]


def test_all_four_are_measured_and_their_ratios_told(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(growth, "measure", lambda *_: ([10.0], [11.0]))
    assert [ratio.median for ratio in growth.show(tmp_path, 1)] == [1.1] * 4
    told = capsys.readouterr().out.splitlines()
    assert [line.partition("  ")[0].split()[-1] for line in told] == ["1", "clients", "pending", "before"]
    assert all("1.10 times as much" in line for line in told)


def test_both_gateways_are_measured_while_pushes_are_pending(monkeypatch, tmp_path):
    monkeypatch.setattr(growth, "WARM_UP", 1)
    plain, grown = measure(tmp_path, Size(n_sections=2, n_clients=4, n_pending=10), n_logins=50, n_runs=2)
    assert len(plain) == len(grown) == 2
    assert min(plain + grown) > 0
