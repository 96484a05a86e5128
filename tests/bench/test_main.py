"""`python -m bench`: the help, and what it says where it cannot run."""

import subprocess
import sys

import pytest

from bench.__main__ import main
from bench.extra import how_to_install
from bench.report.record import write_run
from tests.bench.report.examples import a_run

WITHOUT_THE_EXTRA = """
import sys
sys.modules["numpy"] = sys.modules["matplotlib"] = sys.modules["duo_client"] = None
import runpy
runpy.run_module("{program}", run_name="__main__")
"""


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_without_a_command_the_questions_are_answered_by_commands(arguments, capsys):
    assert main(arguments) == 0
    assert capsys.readouterr().out.count("?\n") == 4


def without_the_extra(*arguments, program="bench.__main__", **options):
    code = WITHOUT_THE_EXTRA.format(program=program)
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


@pytest.mark.parametrize(
    ("program", "arguments", "said"),
    [
        ("bench.__main__", [], "?\n"),
        ("bench.__main__", ["list"], "passcode-limit"),
        ("bench.__main__", ["run", "--help"], "exit status:"),
        ("bench.__main__", ["tune", "--help"], "exit status:"),
        ("bench.__main__", ["compare", "--help"], "own-p99"),
        ("bench.__main__", ["peers", "--help"], "freeradius-rest"),
        ("bench.costs", ["--help"], "growth"),
        ("bench.peers", ["--help"], "freeradius-rest"),
        ("bench.radius_load", ["--help"], "--find-limit"),
        ("bench.lean_duo.measure", ["--help"], "--polls"),
        ("bench.demo", ["--help"], "--keep"),
    ],
)
def test_what_draws_nothing_works_without_the_extra(program, arguments, said):
    ended = without_the_extra(*arguments, program=program)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert said in ended.stdout


def test_two_runs_are_compared_without_the_extra(tmp_path):
    write_run(a_run(), tmp_path / "a.json")
    ended = without_the_extra("compare", tmp_path / "a.json", tmp_path / "a.json")
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("bench.__main__", ["run", "soak"]),
        ("bench.__main__", ["tune"]),
        ("bench.radius_load", ["--target", "127.0.0.1:9", "--secret-file", "/dev/null"]),
    ],
)
def test_what_needs_the_extra_says_how_to_install_it(program, arguments):
    ended = without_the_extra(*arguments, program=program)
    assert ended.returncode == 3
    (line,) = ended.stderr.splitlines()
    assert line.startswith("this needs ")
    assert "pip install '" in line
    assert line.endswith("[bench]'")


def test_a_source_tree_is_named_where_the_bench_comes_from_one(tmp_path, monkeypatch):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "pyproject.toml").touch()
    assert how_to_install(tmp_path) == f"{sys.executable} -m pip install 'radgate[bench]'"
    assert how_to_install(tmp_path / "tree") == f"{sys.executable} -m pip install '{tmp_path}/tree[bench]'"
    monkeypatch.chdir(tmp_path / "tree")
    assert how_to_install(tmp_path / "tree") == f"{sys.executable} -m pip install '.[bench]'"


def test_a_module_of_our_own_that_is_missing_is_a_mistake_of_ours(monkeypatch):
    monkeypatch.setitem(sys.modules, "bench.rounds", None)
    with pytest.raises(ModuleNotFoundError):
        main(["tune"])


def test_the_peers_name_themselves_as_they_were_called(capsys):
    with pytest.raises(SystemExit):
        main(["peers", "--help"])
    assert capsys.readouterr().out.startswith("usage: python -m bench peers ")


def test_an_interrupted_run_ends_as_a_shell_expects(monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("bench.commands.main", interrupted)
    assert main(["run", "soak"]) == 130
