"""How commands are declared: what each does and its exit statuses in `--help`, and a hint at a mistyped one."""

import argparse
import difflib
import re
from typing import Any, NoReturn

STDIN = "-"  # in the place of a file

_WRONG_COMMAND = re.compile(r"argument COMMAND: invalid choice: '([^']*)'")


class Parser(argparse.ArgumentParser):
    """A parser that tells a mistyped command which one may be meant."""

    def __init__(self, *arguments: Any, commands: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.commands = commands

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        if wrong := _WRONG_COMMAND.match(message):
            meant = difflib.get_close_matches(wrong[1], self.commands, n=1)
            choice = f"did you mean {meant[0]}?" if meant else f"there are {', '.join(self.commands)}"
            message = f"there is no command {wrong[1]!r}; {choice}"
        if message.endswith("required: COMMAND"):
            message = f"name a command: {', '.join(self.commands)}; radgate --help says what each does"
        super().error(message)


def add_command(
    subparsers: Any, common: argparse.ArgumentParser, name: str, text: str, description: str, epilog: str
) -> argparse.ArgumentParser:
    """Declare a command with a line for the list of all, what it does, and examples and exit statuses at the end."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        parents=[common],
        help=text,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def options_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return what a parser takes, in the order of its help; argparse has no public name for the list."""
    return parser._actions  # noqa: SLF001
