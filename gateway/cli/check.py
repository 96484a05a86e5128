"""`radgate check`: every problem of a configuration file at once; with `--connect` also of all that it names."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from gateway.checks.findings import Finding, Severity
from gateway.cli.exits import Exit
from gateway.cli.terminal import as_json, typed
from gateway.config.ini import parse_ini
from gateway.config.listening import listening_addresses
from gateway.config.problems import ConfigError, Problem
from gateway.config.reading import read_settings
from gateway.config.settings import Settings
from gateway.supervisor.access import find_obstacle
from gateway.supervisor.identity import UnknownIdentity, find_identity

_DESCRIPTION = """Find every problem of the configuration file, and print each with its line and
what to write instead. With --connect also look at all that the file names, and
change nothing: each Duo application (name, connection, certificates, clock,
keys), each address to listen on, and this machine's limits. A running gateway
is not disturbed."""
_EXAMPLE = """example:
  radgate check --config authproxy.cfg --connect

exit status: 0 usable (warnings do not matter, unless --strict), 2 the file or
this machine must be changed, 4 Duo cannot be reached"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "check",
        parents=[common],
        help="find every problem of the configuration file",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--connect", action="store_true", help="also ask Duo, and look at this machine")
    parser.add_argument("--strict", action="store_true", help="count warnings as errors")
    parser.add_argument("--json", action="store_true", help="print the problems as JSON")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Print the problems; the status says whether `run` would start."""
    settings, problems = _read(options.config)
    if settings is not None and (obstacle := _obstacle(options.config, settings)):
        settings, problems = None, [*problems, obstacle]
    is_usable = settings is not None and not (options.strict and problems)
    findings = _examine(settings) if options.connect and settings is not None else None
    if options.json:
        print(as_json(_as_json(options.config, problems, is_usable, findings)))
    else:
        _print(options, settings, problems, is_usable, findings)
    if not is_usable:
        return Exit.CONFIGURATION
    return _exit_status(findings or [], options.strict)


def _read(path: str) -> tuple[Settings | None, list[Problem]]:
    try:
        return read_settings(path)
    except ConfigError as error:
        return None, error.problems


def _obstacle(path: str, settings: Settings) -> Problem | None:
    """Return what is closed to the user of `[gateway]`, if we may know: root alone can ask for somebody else."""
    try:
        text = find_obstacle(settings, find_identity(settings.gateway.user, settings.gateway.group))
    except UnknownIdentity:
        return None
    key = "user" if settings.gateway.user else "group"
    return Problem("gateway", key, text, _line_of(path, "gateway", key)) if text else None


def _line_of(path: str, section: str, key: str) -> int:
    sections = parse_ini(Path(path).read_bytes())[0]
    return next((each.entries[key].line for each in sections if each.name == section and key in each.entries), 0)


def _examine(settings: Settings) -> list[Finding]:
    # What these load is needed here alone, and would make every command, and the gateway itself, start later.
    from gateway.checks.examination import examine
    from gateway.cli.findings import progress

    with progress() as on_progress:
        return asyncio.run(examine(settings, on_progress))


def _exit_status(findings: list[Finding], is_strict: bool) -> int:
    severities = {finding.severity for finding in findings}
    if Severity.PROBLEM in severities or (is_strict and Severity.WARNING in severities):
        return Exit.CONFIGURATION
    return Exit.NO_ANSWER if Severity.UNREACHABLE in severities else Exit.OK


def _as_json(path: str, problems: list[Problem], is_usable: bool, findings: list[Finding] | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "file": typed(path),
        "usable": is_usable,
        "problems": [
            {
                "line": problem.line or None,
                "section": problem.section or None,
                "key": problem.key or None,
                "severity": problem.severity.value,
                "text": typed(problem.text),
            }
            for problem in problems
        ],
    }
    if findings is not None:
        found["findings"] = [finding._asdict() for finding in findings]
    return found


def _print(
    options: argparse.Namespace,
    settings: Settings | None,
    problems: list[Problem],
    is_usable: bool,
    findings: list[Finding] | None,
) -> None:
    from gateway.cli.findings import print_findings, print_problems

    lines = [(problem.render(options.config), problem.is_error) for problem in problems]
    print_problems(lines, _summary(options.config, settings, problems, is_usable), is_usable=is_usable)
    if findings is not None:
        print_findings(findings)


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
