"""`radgate`: parse the arguments, run the command, return its exit status."""

import argparse
import io
import os
import sys
from collections.abc import Sequence

from gateway import __version__
from gateway.cli import (
    check,
    completion,
    explain,
    files,
    fleet_key,
    init,
    login,
    protect,
    reload,
    restart,
    run,
    start,
    status,
    stop,
    support,
    upgrade,
    version,
    why,
)
from gateway.cli.exits import Exit
from gateway.cli.parsers import Parser
from gateway.config.problems import ConfigError, Problem
from gateway.supervisor.control_client import ControlError, NotRunning

DEFAULT_CONFIG = "/etc/radgate/authproxy.cfg"
COMMANDS = (
    *(init, run, start, stop, restart, reload, upgrade, status, check, login, why, explain, protect),
    *(fleet_key, support, files, completion, version),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the console script's entry point."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what the terminal cannot show must not end the command
    options = build_parser().parse_args(arguments)
    options.config = getattr(options, "config", None) or os.environ.get("RADGATE_CONFIG") or DEFAULT_CONFIG
    try:
        if options.config == check.STDIN and not getattr(options, "reads_stdin", False):
            raise ConfigError([Problem("", "", "standard input is read by radgate check alone; name a file")], "-")
        return int(options.command(options))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return Exit.CONFIGURATION
    except ControlError as error:
        print(f"radgate: {error}", file=sys.stderr)
        return Exit.NOT_RUNNING if isinstance(error, NotRunning) else Exit.NO_ANSWER
    except UnicodeDecodeError as error:
        text = f"what was typed is no text in this terminal's encoding, {error.encoding}; try with LC_ALL=C.UTF-8"
        print(f"radgate: {text}", file=sys.stderr)
        return Exit.CONFIGURATION
    except (KeyboardInterrupt, EOFError):
        return 130
    except BrokenPipeError:
        # Whoever read our output has had enough; the interpreter must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK


def build_parser() -> Parser:
    """Return the parser of all commands; `--config` may stand before or after the command."""
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
        commands=tuple(command.__name__.rpartition(".")[2].replace("_", "-") for command in COMMANDS),
    )
    parser.set_defaults(parser=parser)
    parser.add_argument("--version", action="version", version=f"radgate {__version__}")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(subparsers, common)
    return parser
