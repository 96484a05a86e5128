"""`radgate`: parse the arguments, run the command, return its exit status."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from gateway import __version__
from gateway.cli.exits import Exit
from gateway.cli.parsers import STDIN, Parser
from gateway.cli.streams import open_streams, tell, why_unwritten, write_no_more
from gateway.config.problems import ConfigError, Problem
from gateway.supervisor.control_client import ControlError, NotRunning

DEFAULT_CONFIG = "/etc/radgate/authproxy.cfg"
COMMANDS = (
    *("init", "run", "start", "stop", "restart", "reload", "upgrade", "status", "check", "login", "why", "explain"),
    *("protect", "fleet-key", "support", "files", "completion", "version"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the console script's entry point."""
    closed = open_streams()
    try:
        return _said(closed, sys.argv[1:] if arguments is None else arguments)
    except BrokenPipeError:  # whoever read our output has had enough
        write_no_more(sys.stdout)
        return Exit.OK
    except OSError as error:
        why = why_unwritten(error)
        if not why:
            raise
        write_no_more(sys.stdout)
        tell(f"radgate: cannot write to standard output: {why}")
        return Exit.CANNOT_WRITE


def _said(closed: list[int], arguments: Sequence[str]) -> int:
    """Run it, and write all that it says: the interpreter would do that when nobody can hear of errors any more."""
    try:
        return _run(closed, arguments)
    finally:
        _flush()


def _flush() -> None:
    """Write what is left; that whoever reads it has had enough changes no exit status."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        write_no_more(sys.stdout)


def _run(closed: list[int], arguments: Sequence[str]) -> int:
    options = parse(arguments)
    options.closed = closed
    options.config = getattr(options, "config", None) or os.environ.get("RADGATE_CONFIG") or DEFAULT_CONFIG
    try:
        if options.config == STDIN and not getattr(options, "reads_stdin", False):
            raise _cannot_find("-", "only radgate check reads standard input; name a file")
        if not os.path.isabs(options.config) and not _has_folder():  # noqa: PTH117 -- pathlib takes its time to load
            raise _cannot_find(
                options.config, "the current directory does not exist any more; cd elsewhere, or write the whole path"
            )
        return int(options.command(options))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return Exit.CONFIGURATION
    except ControlError as error:
        print(f"radgate: {error}", file=sys.stderr)
        if not isinstance(error, NotRunning):
            return Exit.NO_ANSWER
        if doubt := _doubt_of_place(options.config):
            print(f"radgate: {doubt}", file=sys.stderr)
        return Exit.NOT_RUNNING
    except UnicodeDecodeError as error:
        text = f"what was typed is no text in this terminal's encoding, {error.encoding}; try with LC_ALL=C.UTF-8"
        print(f"radgate: {text}", file=sys.stderr)
        return Exit.CONFIGURATION
    except (KeyboardInterrupt, EOFError):
        return 130


def _cannot_find(config: str, text: str) -> ConfigError:
    return ConfigError([Problem("", "", text)], config)


def _has_folder() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 -- as above
    except FileNotFoundError:
        return False
    return True


def _doubt_of_place(config: str) -> str:
    """Return why a gateway may run elsewhere: its file has errors by now, and says nothing of where. Else empty."""
    # All that reads a file would make every command start later.
    from gateway.config.control_address import names_run_dir
    from gateway.config.reading import read_settings

    try:
        if names_run_dir(config):
            return ""
        read_settings(config, has_secrets=False)
    except ConfigError as error:
        first = next(problem for problem in error.problems if problem.is_error)
        return f"the default run_dir was asked, for the file names none; first error: {first.render(config)}"
    return ""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options; where a command is named first no other is loaded: together they take a third of a second."""
    first = arguments[:1]
    return build_parser(first if first and first[0] in COMMANDS else COMMANDS).parse_args(arguments)


def build_parser(declared: Sequence[str] = COMMANDS) -> Parser:
    """Return the parser of these commands; `--config` may stand before or after the command."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help=f"the configuration file (default: $RADGATE_CONFIG, else {DEFAULT_CONFIG})",
    )
    parser = Parser(
        prog="radgate",
        description="A RADIUS gateway to Duo that reads authproxy.cfg unchanged.",
        parents=[common],
        commands=COMMANDS,
    )
    parser.add_argument("--version", action="version", version=f"radgate {__version__}")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name in declared:
        importlib.import_module(f"gateway.cli.{name.replace('-', '_')}").add_parser(subparsers, common)
    return parser
