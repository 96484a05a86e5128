"""`radgate check`: every problem of a configuration file at once."""

import argparse
import sys
from typing import Any

import orjson

from gateway.cli.exits import Exit
from gateway.config.listening import listening_addresses
from gateway.config.problems import ConfigError, Problem
from gateway.config.reading import read_settings
from gateway.config.settings import Settings


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("check", parents=[common], help="find every problem of the configuration file")
    parser.add_argument("--strict", action="store_true", help="count warnings as errors")
    parser.add_argument("--json", action="store_true", help="print the problems as JSON")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Print the problems; the status says whether `run` would start."""
    settings, problems = _read(options.config)
    is_usable = settings is not None and not (options.strict and problems)
    if options.json:
        sys.stdout.write(orjson.dumps(_as_json(options.config, problems, is_usable)).decode() + "\n")
    else:
        for problem in problems:
            print(problem.render(options.config))
        print(_summary(options.config, settings, problems, is_usable))
    return Exit.OK if is_usable else Exit.CONFIGURATION


def _read(path: str) -> tuple[Settings | None, list[Problem]]:
    try:
        return read_settings(path)
    except ConfigError as error:
        return None, error.problems


def _as_json(path: str, problems: list[Problem], is_usable: bool) -> dict[str, Any]:
    return {
        "file": path.encode(errors="surrogateescape").decode(errors="replace"),
        "usable": is_usable,
        "problems": [
            {
                "line": problem.line or None,
                "section": problem.section or None,
                "key": problem.key or None,
                "severity": problem.severity.value,
                "text": problem.text,
            }
            for problem in problems
        ],
    }


def _summary(path: str, settings: Settings | None, problems: list[Problem], is_usable: bool) -> str:
    n_errors = sum(problem.is_error for problem in problems)
    counted = f"{_count(n_errors, 'error')}, {_count(len(problems) - n_errors, 'warning')}"
    if settings is None:
        return f"{path}: {counted}; the gateway would not start"
    if not is_usable:
        return f"{path}: {counted}; warnings count as errors (--strict)"
    where = ", ".join(f"udp {address}" for address in listening_addresses(settings))
    served = _count(len(settings.servers), "server section")
    return f"{path}: {counted if problems else 'no problems'}; {served} on {where}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
