"""Two installations by turns, and what one costs by the other."""

import sys

import pytest

from bench.costs import command, growth, pairs
from bench.processes import StartError
from bench.spread import Spread
from tests.bench.costs.bursts import SHORTER


@pytest.mark.integration
def test_both_installations_are_measured_with_few_and_with_many_in_flight(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(pairs, "WARM_UP", 1)
    monkeypatch.setattr(pairs, "RUNS_FOR_ONE", 2)  # the one first, then the other
    ratios = pairs.show(tmp_path, 1, (sys.executable, sys.executable), shorter=SHORTER)
    before, after, *told = capsys.readouterr().out.splitlines()
    assert before.startswith(f"before: {sys.executable}: radgate ")
    assert after.startswith(f"after:  {sys.executable}: radgate ")
    assert [line.partition("  ")[0] for line in told] == [
        "one call, 1 in flight",
        "one call, 64 in flight",
        "two calls, 1 in flight",
        "two calls, 64 in flight",
    ]
    assert all(0 < ratio.low <= ratio.median <= ratio.high for ratio in ratios)


@pytest.mark.parametrize(("at_most", "status"), [([], 0), (["--at-most", "0.65"], 0), (["--at-most", "0.6"], 1)])
def test_a_ratio_above_what_is_wanted_is_a_status(monkeypatch, capsys, at_most, status):
    monkeypatch.setattr(pairs, "show", lambda *_: [Spread(0.65, 0.6, 0.7), Spread(0.5, 0.5, 0.5)])
    monkeypatch.setattr(command, "leave_first_core", lambda: None)
    assert command.main(["pairs", "--before", sys.executable, *at_most]) == status
    assert capsys.readouterr().err == ("1 of 2 ratios are above 0.6\n" if status else "")


def test_growth_has_ratios_too(monkeypatch, capsys):
    monkeypatch.setattr(growth, "show", lambda *_: [Spread(1.06, 1.0, 1.1)])
    monkeypatch.setattr(command, "leave_first_core", lambda: None)
    assert command.main(["growth", "--at-most", "1.05"]) == 1
    assert capsys.readouterr().err == "1 of 1 ratios are above 1.05\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pairs"], "pairs needs --before VENV"),
        (["logins", "--before", sys.prefix], "and nothing else does"),
        (["--at-most", "1"], "only growth, pairs, fleet, first-factor, slow-first-factor, directory have ratios"),
        (["pairs", "--before", "/nonexistent"], "'/nonexistent': there is no bin/python"),
    ],
)
def test_arguments_that_mean_nothing(capsys, arguments, said):
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_an_environment_of_the_right_folder_is_one_with_a_python(tmp_path, capsys):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    options = command._options(["pairs", "--before", str(tmp_path)])
    assert (options.before, options.after) == (str(tmp_path / "bin" / "python"), sys.executable)


def test_an_installation_without_radgate_is_named(tmp_path):
    (python := tmp_path / "python").write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(StartError, match=f"there is no radgate in {python}"):
        pairs.told_by(str(python))
