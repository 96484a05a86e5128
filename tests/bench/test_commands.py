"""The commands of `python -m bench`: what they write and say, and their exit status."""

import pytest

from bench import commands, rounds
from bench.processes import StartError
from bench.report.files import keep
from bench.report.record import Finding, Judgement, ProcessFigures, read_run, write_run
from bench.scenario import names
from tests.bench.report.examples import STEPS, a_run

pytestmark = pytest.mark.usefixtures("drawn_once")


@pytest.fixture
def pretend(monkeypatch):
    """Let runs be those of a list instead of real ones; return what was asked for."""
    asked = []

    def use(*runs):
        left = list(runs)

        def run_scenario(scenario, **details):
            asked.append((scenario.name, details["n_workers"], details["scale"]))
            return left.pop(0)

        monkeypatch.setattr(rounds, "run_scenario", run_scenario)
        return asked

    return use


def test_the_list_has_every_scenario(capsys):
    assert commands.main(["list"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in names())
    assert "soak               30 min " in said


def test_a_run_writes_its_report_and_says_what_must_be_known(pretend, tmp_path, capsys):
    asked = pretend(a_run())
    assert commands.main(["run", "worker-kill", "--workers", "2", "--scale", "0.5", "--out", str(tmp_path)]) == 0
    assert asked == [("worker-kill", 2, 0.5)]
    said = capsys.readouterr().out
    assert said.startswith("This takes about 28 s.\n")
    assert "Every login was answered (1,000)." in said
    assert "served after 0.25 s" in said
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".html"}
    (json_file,) = tmp_path.glob("*.json")
    assert read_run(json_file) == a_run()


def test_the_exit_status_tells_that_what_must_never_happen_has_happened(pretend, tmp_path):
    pretend(a_run(), a_run(findings=[Finding(Judgement.WRONG, "somebody was pushed twice.")]))
    assert commands.main(["run", "worker-kill", "duo-outage", "--out", str(tmp_path)]) == 1


def test_two_runs_are_compared(tmp_path, capsys):
    first, _ = keep(a_run(), tmp_path / "first")
    second, _ = keep(a_run(workers=2, achieved_rate=150.0), tmp_path / "second")
    assert commands.main(["compare", str(first), str(second)]) == 0
    said = capsys.readouterr().out
    assert "not the same workers: 1 and 2" in said
    assert "1.50" in said


def test_tuning_recommends_a_number_and_draws_the_curve(pretend, tmp_path, capsys):
    busy = ProcessFigures("worker 0", 1, 10.0, 0.95, 0.0, 0, 0)
    runs = [
        a_run(workers=workers, limit=limit, offered_rate=limit, p99_bound_ms=100.0, steps=STEPS, processes=[busy])
        for workers, limit in ((1, 500.0), (2, 510.0))
    ]
    asked = pretend(*runs)
    assert commands.main(["tune", "--most", "2", "--out", str(tmp_path)]) == 0
    assert [n_workers for _, n_workers, _ in asked] == [1, 2]
    assert "\nworkers=1\n" in capsys.readouterr().out
    assert "<svg" in (tmp_path / "tune.html").read_text()


def test_tuning_recommends_nothing_where_the_figures_contradict_each_other(pretend, tmp_path, capsys):
    """As in a short run beside others: a Duo that gives 5,750 was no limit for one worker at 1,688."""
    pretend(
        *(
            a_run(workers=workers, limit=limit, offered_rate=limit, steps=STEPS)
            for workers, limit in ((1, 1688.0), (2, 5750.0))
        )
    )
    assert commands.main(["tune", "--most", "2", "--scale", "0.1", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "\nworkers: not known\n" in said
    assert "1 worker: 1,688 logins/s" in said
    page = (tmp_path / "tune.html").read_text()
    assert "nothing is recommended" in page
    assert "workers=" not in said + page


@pytest.mark.parametrize(
    ("condition", "status", "said"),
    [
        ("p99 > 50ms", 0, ""),
        ("p99 > 2ms", 1, "worker-kill: p99 > 2ms: it was 3 ms"),
        ("limit < 5000/s", 1, "worker-kill: limit < 5000/s: cannot be told, for a run has no limit"),
    ],
)
def test_a_run_fails_on_a_condition(pretend, tmp_path, capsys, condition, status, said):
    pretend(a_run())
    assert commands.main(["run", "worker-kill", "--out", str(tmp_path), "--fail-if", condition]) == status
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "condition", "status", "said"),
    [
        (
            {"worker_us_per_login": 1800.0},
            "cpu > 110%",
            1,
            "it was 1,800 µs, and 1,500 µs in the first run",
        ),
        ({"worker_us_per_login": 1600.0}, "cpu > 110%", 0, ""),
        ({"worker_us_per_login": 1600.0}, "cpu > 1.55 ms", 1, "cpu > 1.55 ms: it was 1,600 µs"),
        ({"workers": 2}, "cpu > 110%", 1, "not the same workers"),
        ({"workers": 2}, "lost > 0", 0, ""),
        ({"scenario": "soak"}, "cpu > 110%", 1, "not the same scenario"),
    ],
)
def test_a_comparison_fails_on_a_condition(tmp_path, capsys, changes, condition, status, said):
    write_run(a_run(), tmp_path / "first.json")
    write_run(a_run(**changes), tmp_path / "second.json")
    runs = [str(tmp_path / name) for name in ("first.json", "second.json")]
    assert commands.main(["compare", *runs, "--fail-if", condition]) == status
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["run", "soak", "--fail-if", "p99 is bad"], "write a figure, < or >, and a number with its unit"),
        (["run", "soak", "--fail-if", "cpu > 110%"], "for a % there must be two runs"),
    ],
)
def test_a_condition_that_cannot_be_held_is_a_wrong_argument(arguments, problem, capsys):
    with pytest.raises(SystemExit) as caught:
        commands.main(arguments)
    assert caught.value.code == 2
    assert problem in capsys.readouterr().err


def test_tuning_says_what_must_never_happen_and_has_happened(pretend, tmp_path, capsys):
    findings = [Finding(Judgement.GOOD, "Nobody was lost."), Finding(Judgement.WRONG, "3 of the logins were lost.")]
    pretend(a_run(limit=500.0, p99_bound_ms=100.0, steps=STEPS, findings=findings))
    assert commands.main(["tune", "--most", "1", "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "3 of the logins were lost." in said
    assert "Nobody was lost." not in said


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["run", "nothing"], "nothing: there is no such scenario"),
        (["compare", "a.json", "b.json"], "a.json: No such file or directory"),
    ],
)
def test_a_mistake_is_one_line_and_no_traceback(arguments, problem, capsys):
    assert commands.main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(problem)


def test_programs_that_do_not_start_are_told_of(monkeypatch, capsys):
    def run_scenario(*_, **__):
        raise StartError("the gateway did not say 'radgate ready'")

    monkeypatch.setattr(rounds, "run_scenario", run_scenario)
    assert commands.main(["run", "soak"]) == 3
    assert capsys.readouterr().err == "the run could not be made: the gateway did not say 'radgate ready'\n"


@pytest.mark.parametrize("scale", ["0", "-1", "nan", "1e308", "1e-300", "long"])
def test_a_scale_that_cannot_be_meant_is_refused(scale, capsys):
    with pytest.raises(SystemExit) as caught:
        commands.main(["run", "soak", f"--scale={scale}"])
    assert caught.value.code == 2
    assert "write a number from 0.001 to 1000" in capsys.readouterr().err


def test_a_mistake_of_our_own_is_no_wrong_argument(monkeypatch):
    def run_scenario(*_, **__):
        raise ValueError("non-broadcastable output operand")

    monkeypatch.setattr(rounds, "run_scenario", run_scenario)
    with pytest.raises(ValueError, match="non-broadcastable"):
        commands.main(["run", "soak"])
