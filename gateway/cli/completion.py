"""`radgate completion`: the script by which a shell completes what is typed, made from the parsers of all commands."""

import argparse
from collections.abc import Iterator
from typing import Any

from gateway.cli.exits import Exit
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
  source <(radgate completion bash)      # for this shell alone

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

    parser: argparse.ArgumentParser = options.parser
    for option in _all_options(parser):
        if option.metavar in _PATHS:
            option.complete = shtab.FILE  # type: ignore[attr-defined]
    print(shtab.complete(parser, options.shell))
    return Exit.OK


def _all_options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for option in options_of(parser):
        yield option
        if isinstance(option.choices, dict):
            for command_parser in option.choices.values():
                yield from options_of(command_parser)
