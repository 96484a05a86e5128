"""`python -m bench`: commands, files and exit status."""

import pytest

from bench import __main__ as command
from bench.processes import StartError
from bench.report.files import keep
from bench.report.record import Finding, Judgement, read_run
from bench.scenario import names
from tests.bench.report.examples import STEPS, a_run


@pytest.fixture
def pretend(monkeypatch):
    """Let runs be those of a list instead of real ones; return what was asked for."""
    asked = []

    def use(*runs):
        left = list(runs)

        def run_scenario(scenario, **details):
            asked.append((scenario.name, details["n_workers"], details["scale"]))
            return left.pop(0)

        monkeypatch.setattr(command, "run_scenario", run_scenario)
        return asked

    return use


def test_without_a_command_the_three_questions_are_answered_by_commands(capsys):
    assert command.main([]) == 0
    assert capsys.readouterr().out.count("?\n") == 3


def test_the_list_has_every_scenario(capsys):
    assert command.main(["list"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in names())


def test_a_run_writes_its_report_and_says_what_must_be_known(pretend, tmp_path, capsys):
    asked = pretend(a_run())
    assert command.main(["run", "worker-kill", "--workers", "2", "--scale", "0.5", "--out", str(tmp_path)]) == 0
    assert asked == [("worker-kill", 2, 0.5)]
    said = capsys.readouterr().out
    assert "Every login was answered (1,000)." in said
    assert "served after 0.25 s" in said
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".html"}
    (json_file,) = tmp_path.glob("*.json")
    assert read_run(json_file) == a_run()


def test_the_exit_status_tells_that_what_must_never_happen_has_happened(pretend, tmp_path):
    pretend(a_run(), a_run(findings=[Finding(Judgement.WRONG, "somebody was pushed twice.")]))
    assert command.main(["run", "worker-kill", "duo-outage", "--out", str(tmp_path)]) == 1


def test_two_runs_are_compared(tmp_path, capsys):
    first, _ = keep(a_run(), tmp_path / "first")
    second, _ = keep(a_run(workers=2, achieved_rate=150.0), tmp_path / "second")
    assert command.main(["compare", str(first), str(second)]) == 0
    said = capsys.readouterr().out
    assert "not the same workers: 1 and 2" in said
    assert "1.50" in said


def test_tuning_recommends_a_number_and_draws_the_curve(pretend, tmp_path, capsys):
    runs = [
        a_run(workers=workers, limit=limit, p99_bound_ms=100.0, steps=STEPS)
        for workers, limit in ((1, 500.0), (2, 510.0))
    ]
    asked = pretend(*runs)
    assert command.main(["tune", "--most", "2", "--out", str(tmp_path)]) == 0
    assert [n_workers for _, n_workers, _ in asked] == [1, 2]
    assert "\nworkers=1\n" in capsys.readouterr().out
    assert "<svg" in (tmp_path / "tune.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["run", "nothing"], "nothing: there is no such scenario"),
        (["compare", "a.json", "b.json"], "a.json: No such file or directory"),
    ],
)
def test_a_mistake_is_one_line_and_no_traceback(arguments, problem, capsys):
    assert command.main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(problem)


def test_programs_that_do_not_start_are_told_of(monkeypatch, capsys):
    def run_scenario(*_, **__):
        raise StartError("the gateway did not say 'radgate ready'")

    monkeypatch.setattr(command, "run_scenario", run_scenario)
    assert command.main(["run", "soak"]) == 3
    assert capsys.readouterr().err == "the run could not be made: the gateway did not say 'radgate ready'\n"
