"""The table and its JSON."""

import json

import pytest

from bench.peers.command import NOTES
from bench.peers.line_up import LINE_UP
from bench.peers.runs import Line, Run
from bench.peers.table import as_json, show

BY_NAME = {peer.name: peer for peer in LINE_UP}


def lines() -> list[Line]:
    return [
        Line(BY_NAME["radgate"], [{16: Run(9000.0, 100.0, 2.0, 0.99)}], [47.0], n_held=200),
        Line(BY_NAME["duo-client"], [{16: Run(500.0, 2000.0, 90.0, 0.99)}], [25.0], n_held=32),
        Line(BY_NAME["freeradius-rest"], [{16: Run(8000.0, 125.0, 90.0, 0.99)}], [25.0], n_held=16),
        Line(BY_NAME["freeradius-users"], why_not="freeradius: install it"),
    ]


def printed(capsys: pytest.CaptureFixture[str], shown: list[Line]) -> list[str]:
    show(shown, "what it means\n")
    return capsys.readouterr().out.splitlines()


def test_the_ratios_come_first_and_first_that_to_freeradius_with_as_many_calls(
    capsys: pytest.CaptureFixture[str],
) -> None:
    head, freeradius, duo_client, *_ = printed(capsys, lines())
    assert head.startswith("radgate: CPU of a login, by that of a peer")
    assert freeradius.split() == ["FreeRADIUS,", "rlm_rest", "one", "call", "0.80", "[0.80", "to", "0.80]"]
    assert duo_client.endswith("one call      0.05  [0.05 to 0.05]")


def test_there_are_no_ratios_without_the_gateway(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, lines()[1:])[1].split()[:2] == ["peer", "calls"]


def test_table_has_a_line_for_each_peer(capsys: pytest.CaptureFixture[str]) -> None:
    table = printed(capsys, lines())[4:]
    radgate, duo_client = (next(line.split() for line in table if name in line) for name in ("radgate  ", "Duo's"))
    assert radgate == ["radgate", "1", "16", "9,000", "99%", "100", "2.0", "47", "200"]
    assert duo_client == ["Duo's", "Python", "1", "16", "500", "99%", "2000", "90.0", "25", "32"]
    assert table[-2:] == ["what it means", "freeradius-users: freeradius: install it"]


def test_all_fits_into_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [{128: Run(rate, cpu, p99, 0.99)} for rate, cpu, p99 in ((13_000, 1451, 147.9), (15_900, 1516, 90.0))]
    shown = [Line(peer, runs, [147.0, 148.0], n_held=200) for peer in LINE_UP]
    everything = printed(capsys, shown)
    assert max(map(len, everything)) <= 80
    assert not any("…" in line for line in everything)
    assert sum("13,000–15,900" in line for line in everything) == len(LINE_UP)


def test_the_notes_fit_into_a_narrow_terminal() -> None:
    assert max(map(len, NOTES.splitlines())) <= 80


def test_json_has_every_run() -> None:
    radgate, duo_client, _, users = json.loads(json.dumps(as_json(lines())))
    assert radgate["rounds"] == [{"16": {"rate": 9000.0, "cpu_us": 100.0, "p99_ms": 2.0, "busy": 0.99}}]
    assert duo_client["figures"]["cpu_ratio"] == [0.05, 0.05, 0.05]
    assert duo_client["pushes_held"] == 32
    assert (users["figures"], users["why_not"]) == (None, "freeradius: install it")


def test_names_are_different() -> None:
    assert len(BY_NAME) == len(LINE_UP)
