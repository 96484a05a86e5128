"""The table and its JSON."""

import json

import pytest

from bench.peers.line_up import LINE_UP
from bench.peers.runs import Line, Run
from bench.peers.table import as_json, show

BY_NAME = {peer.name: peer for peer in LINE_UP}


def lines() -> list[Line]:
    return [
        Line(BY_NAME["radgate"], [{16: Run(9000.0, 100.0, 2.0, 0.99)}], [47.0], n_held=200),
        Line(BY_NAME["duo-client"], [{16: Run(500.0, 2000.0, 90.0, 0.99)}], [25.0], n_held=32),
        Line(BY_NAME["freeradius-users"], why_not="freeradius: install it"),
    ]


def test_table_has_a_line_for_each_peer(capsys: pytest.CaptureFixture[str]) -> None:
    show(lines(), 200, "what it means\n")
    printed = capsys.readouterr().out
    radgate, duo_client = (
        next(line for line in printed.splitlines() if name in line) for name in ("radgate  ", "Duo's")
    )
    assert [text in radgate for text in ("9,000", "99%", " 100 ", "1.00", "200 of 200")] == [True] * 5
    assert [text in duo_client for text in ("500", "2000", "20.00", "32 of 200")] == [True] * 4
    assert "what it means\nfreeradius-users: freeradius: install it\n" in printed


def test_json_has_every_run() -> None:
    radgate, duo_client, users = json.loads(json.dumps(as_json(lines())))
    assert radgate["rounds"] == [{"16": {"rate": 9000.0, "cpu_us": 100.0, "p99_ms": 2.0, "busy": 0.99}}]
    assert duo_client["figures"]["cpu_ratio"] == [20.0, 20.0, 20.0]
    assert duo_client["pushes_held"] == 32
    assert (users["figures"], users["why_not"]) == (None, "freeradius: install it")


def test_names_are_different() -> None:
    assert len(BY_NAME) == len(LINE_UP)
