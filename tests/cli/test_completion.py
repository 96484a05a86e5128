"""`radgate completion`: what a shell does with it."""

import os
import re
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

# What zsh offers is what it gives to compadd; a zsh in a terminal of its own is asked, for zsh completes nowhere else.
ASK_ZSH = r"""
zmodload zsh/zpty
zpty terminal zsh -f -i
zpty -w terminal "fpath=(${0:h} \$fpath); autoload -U compinit && compinit -D -u
compadd() {
    local -a offered
    [[ \$* = *-[OAD]* ]] || { builtin compadd -O offered \"\$@\"; print -r -- '<'':'\$offered'>' }
    builtin compadd \"\$@\"
}
tell_end() { print -r -- E''ND }; zle -N tell_end; bindkey ^X tell_end"
for typed; do
    zpty -w -n terminal $'\x15'"$typed"$'\t\x18'
    zpty -r terminal said '*END*'
    print -r -- "$said"
done
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


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")
def test_zsh_completes_commands_options_choices_and_files(tmp_path, capsys):
    def completed(*typed: str) -> list[list[str]]:
        command = ["zsh", "-f", "-c", ASK_ZSH, str(script), *(f"radgate {each}" for each in typed)]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
        return [" ".join(re.findall("<:(.*?)>", each)).split() for each in said.split("END")]

    script = tmp_path / "_radgate"
    script.write_text(run_main(capsys, "completion", "zsh")[1])
    (tmp_path / "authproxy.cfg").touch()
    file = f"{tmp_path}/auth"
    commands, options, shells, files, _ = completed("sta", "status --", "completion z", f"check --config {file}")
    assert commands == ["start", "status"]
    assert {"--watch", "--json"} <= set(options)
    assert shells == ["zsh"]
    assert files == ["authproxy.cfg"]


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish")
def test_fish_completes_commands_options_choices_and_files(tmp_path, capsys):
    def completed(*typed: str) -> list[list[str]]:
        asked = ["source $argv[1]", *(f"complete -C 'radgate {each}'; echo ." for each in typed)]
        command = ["fish", "--no-config", "-c", "; ".join(asked), str(script)]
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment).stdout
        return [[line.partition("\t")[0] for line in each.splitlines()] for each in said.split(".\n")]

    script = tmp_path / "radgate.fish"
    script.write_text(run_main(capsys, "completion", "fish")[1])
    (tmp_path / "authproxy.cfg").touch()
    file = f"{tmp_path}/auth"
    commands, options, shells, files, _ = completed("sta", "status --", "completion z", f"check --config {file}")
    assert commands == ["start", "status"]
    assert {"--watch", "--json"} <= set(options)
    assert shells == ["zsh"]
    assert files == [f"{tmp_path}/authproxy.cfg"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_is_in_the_script(shell, capsys):
    _, out, _ = run_main(capsys, "completion", shell)
    for command in build_parser().commands:
        assert command in out


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_a_command_is_described_by_its_line_of_the_list_of_all(shell, capsys):
    """The first line of what its --help says is part of a sentence."""
    _, out, _ = run_main(capsys, "completion", shell)
    assert "find every problem of the configuration file" in out.lower()
    assert "and print each with its line" not in out


def test_another_shell_is_refused_with_the_known_ones(capsys):
    with pytest.raises(SystemExit):
        run_main(capsys, "completion", "cmd")
    assert "bash" in capsys.readouterr().err
