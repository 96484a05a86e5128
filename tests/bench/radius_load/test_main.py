import json

import numpy as np
import pytest

from bench.radius_load.__main__ import main
from bench.radius_load.command import is_clean
from bench.radius_load.plan import NEVER, LoadPlan, phases_from_text
from bench.radius_load.result import LoadResult, Record
from tests.bench.radius_load.responder import SECRET, Responder, accept, duo, reject


@pytest.fixture
def secret_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    return file


def run(target: tuple[str, int], secret_file, *more: str) -> int:
    host, port = target
    return main(["--target", f"{host}:{port}", "--secret-file", str(secret_file), *more])


def test_a_clean_run_tells_its_figures_and_ends_with_0(secret_file, capsys):
    report = secret_file.with_name("report.json")
    with Responder(duo) as responder:
        status = run(
            responder.target, secret_file, "--rate", "100", "--duration", "0.3", "--mix", "passcode=0.5 push=0.5",
            "--n-nas", "4", "--drain-s", "30", "--json", str(report),
        )  # fmt: skip
    assert status == 0
    out = capsys.readouterr().out
    assert "answered          30, lost 0" in out
    assert "passcode: accept" in out
    told = json.loads(report.read_text())
    assert told["result"]["answered"] == 30
    assert told["plan"]["n_nas"] == 4
    assert SECRET not in out + report.read_text()


def test_a_wrong_outcome_ends_with_1(secret_file):
    with Responder(reject) as responder:
        assert run(responder.target, secret_file, "--phases", "50x0.2") == 1


@pytest.mark.parametrize("name", [*NEVER, "half_answered", "contradictions"])
def test_what_no_server_may_do_is_not_clean(name):
    nobody = (np.empty(0, kind) for kind in (float, float, float, np.uint8, np.uint8))
    plan = LoadPlan(targets=(("127.0.0.1", 9),), shared_secret=SECRET, phases=phases_from_text("1x1"))
    record = Record(*nobody)
    assert is_clean(LoadResult(plan, record, 0.0))
    record.counts[name] += 1
    assert not is_clean(LoadResult(plan, record, 0.0))


def test_a_mistake_is_one_line_and_2(secret_file, capsys):
    assert run(("127.0.0.1", 9), secret_file, "--mix", "passcode=3") == 2
    assert capsys.readouterr().err.startswith("radius_load: the shares of a mix")
    assert run(("127.0.0.1", 9), secret_file.with_name("no-such-file")) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_limit_is_told_with_its_steps(secret_file, capsys, monkeypatch):
    monkeypatch.setattr("bench.radius_load.limit.next_rate", lambda tried, first_rate, precision: not tried and 50.0)
    with Responder(accept) as responder:
        status = run(responder.target, secret_file, "--find-limit", "--duration", "0.2", "--drain-s", "30")
    *steps, last = capsys.readouterr().out.splitlines()
    assert 1 <= len(steps) <= 2  # what is not carried is tried once more
    assert all(step.startswith("        50/s  ") for step in steps)
    assert last.endswith("logins per second are carried")
    assert status in (0, 1)  # what this machine carries is not for a test to say
