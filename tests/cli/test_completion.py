"""`radgate completion`: what a shell does with it."""

import shutil
import subprocess

import pytest

from gateway.cli.main import build_parser
from tests.cli.files import run_main

ASK_BASH = """
source "$0"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMP_TYPE=9
_shtab_radgate && echo "${COMPREPLY[@]}"
"""


def completed(script: str, *words: str) -> list[str]:
    command = ["bash", "--norc", "-c", ASK_BASH, script, "radgate", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()


@pytest.fixture
def bash(tmp_path, capsys) -> str:
    status, out, _ = run_main(capsys, "completion", "bash")
    assert status == 0
    (tmp_path / "completion").write_text(out)
    return str(tmp_path / "completion")


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
class TestBash:
    def test_a_command_is_completed(self, bash):
        assert completed(bash, "sta") == ["start", "status"]
        assert completed(bash, "stat") == ["status"]

    def test_so_are_the_options_of_a_command_and_what_an_argument_can_be(self, bash):
        assert {"--watch", "--json"} <= set(completed(bash, "status", "--"))
        assert completed(bash, "completion", "z") == ["zsh"]

    def test_a_file_is_completed_where_one_is_meant(self, bash, tmp_path):
        (tmp_path / "authproxy.cfg").touch()
        assert completed(bash, "check", "--config", f"{tmp_path}/auth") == [f"{tmp_path}/authproxy.cfg"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_is_in_the_script(shell, capsys):
    _, out, _ = run_main(capsys, "completion", shell)
    for command in build_parser().commands:
        assert command in out


def test_another_shell_is_refused_with_the_known_ones(capsys):
    with pytest.raises(SystemExit):
        run_main(capsys, "completion", "cmd")
    assert "bash" in capsys.readouterr().err
