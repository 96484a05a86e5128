"""`python -m bench`: the help, and what it says where it cannot run."""

import subprocess
import sys

import pytest

from bench.__main__ import main

WITHOUT_THE_EXTRA = """
import sys
sys.modules["numpy"] = sys.modules["matplotlib"] = sys.modules["duo_client"] = None
import runpy
runpy.run_module("{program}", run_name="__main__")
"""


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_without_a_command_the_three_questions_are_answered_by_commands(arguments, capsys):
    assert main(arguments) == 0
    assert capsys.readouterr().out.count("?\n") == 3


def without_the_extra(*arguments, program="bench.__main__"):
    code = WITHOUT_THE_EXTRA.format(program=program)
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)


def test_without_the_extra_there_is_help_and_it_is_said_what_to_install():
    assert without_the_extra().stdout.count("?\n") == 3
    for ended in (
        without_the_extra("list"),
        without_the_extra("peers"),
        without_the_extra(program="bench.costs"),
        without_the_extra(program="bench.peers"),
    ):
        assert ended.returncode == 3
        (line,) = ended.stderr.splitlines()
        assert line.endswith(": pip install 'radgate[bench]'")


def test_a_module_of_our_own_that_is_missing_is_a_mistake_of_ours(monkeypatch):
    monkeypatch.setitem(sys.modules, "bench.tune", None)
    monkeypatch.delitem(sys.modules, "bench.commands", raising=False)
    monkeypatch.delattr("bench.commands", raising=False)
    monkeypatch.delattr("bench.tune", raising=False)
    with pytest.raises(ModuleNotFoundError):
        main(["list"])


def test_the_peers_name_themselves_as_they_were_called(capsys):
    with pytest.raises(SystemExit):
        main(["peers", "--help"])
    assert capsys.readouterr().out.startswith("usage: python -m bench peers ")


def test_an_interrupted_run_ends_as_a_shell_expects(monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("bench.commands.main", interrupted)
    assert main(["run", "soak"]) == 130
