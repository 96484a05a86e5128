"""`radgate completion`: the script by which a shell completes what is typed, made from the parsers of all commands."""

import argparse
from collections.abc import Iterator
from typing import Any

from gateway.cli.exits import Exit
from gateway.cli.main import build_parser
from gateway.cli.parsers import add_command, options_of

SHELLS = ("bash", "zsh", "fish")
_PATHS = ("FILE", "PATH", "FILE.zip")

DESCRIPTION = """\
Print the script with which a shell completes commands, options and the names of files. Where each shell looks for it
stands below; a new shell knows it then.
"""
EPILOG = """\
examples:
  radgate completion bash > /etc/bash_completion.d/radgate
  radgate completion zsh > /usr/local/share/zsh/site-functions/_radgate
  radgate completion fish > /etc/fish/completions/radgate.fish
  source <(radgate completion bash)      # only for this shell

exit status: 0.
"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    text = "print a script with which a shell completes commands"
    parser = add_command(subparsers, common, "completion", text, DESCRIPTION, EPILOG)
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Print the script."""
    import shtab  # which no other command needs

    parser = build_parser()
    for command_parser in _parsers(parser):
        command_parser.description = None  # shtab takes its first line; the text for the list of commands fits into one
        for option in options_of(command_parser):
            if option.metavar in _PATHS:
                option.complete = shtab.FILE  # type: ignore[attr-defined]
    print(shtab.complete(parser, options.shell))
    return Exit.OK


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for option in options_of(parser):
        if isinstance(option.choices, dict):
            yield from option.choices.values()
