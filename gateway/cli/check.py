"""`radgate check`: every problem of a configuration file at once; with `--connect` also of all that it names."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from gateway.checks.findings import Finding, Severity
from gateway.cli.exits import Exit
from gateway.cli.parsers import add_command
from gateway.cli.terminal import as_json, typed
from gateway.config.listening import listening_addresses
from gateway.config.problems import ConfigError, Problem, in_order
from gateway.config.reading import locate, read_settings
from gateway.config.settings import Settings
from gateway.config.surroundings import MAX_FILE_SIZE, PRIVATE_MODE, FileContent, read_configuration
from gateway.supervisor.form import hot_path
from gateway.supervisor.obstacles import find_obstacles
from gateway.words.english import counted

STDIN = "-"

DESCRIPTION = """Find every problem of the configuration file, and print each with its line and
what to write instead: what it says wrongly, and what this machine or its user
could not start with. With --connect also look at all that the file names, and
change nothing: each Duo application (name, connection, certificates, clock,
keys), the store that hosts share, each address to listen on, and this machine's
limits. A running gateway is not disturbed."""
EPILOG = """examples:
  radgate check --config authproxy.cfg --connect
  radgate check --config /tmp/new.cfg --as /etc/radgate/authproxy.cfg
  ansible-vault view authproxy.cfg | radgate check --config - --as /etc/radgate/authproxy.cfg

exit status: 0 usable (warnings do not matter, unless --strict), 2 the file or
this machine must be changed, 4 Duo or the store cannot be reached"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    text = "find every problem of the configuration file"
    parser = add_command(subparsers, common, "check", text, DESCRIPTION, EPILOG)
    parser.add_argument("--connect", action="store_true", help="also ask Duo, and look at this machine")
    parser.add_argument(
        "--as",
        dest="target",
        metavar="PATH",
        help="check it as if it stood there: relative paths in it begin in that folder",
    )
    parser.add_argument("--strict", action="store_true", help="count warnings as errors")
    parser.add_argument("--json", action="store_true", help="print the problems as JSON")
    parser.set_defaults(command=command, reads_stdin=True)


def command(options: argparse.Namespace) -> int:
    """Print the problems; the status says whether `run` would start."""
    settings, problems = _read(options)
    is_usable = settings is not None and not any(problem.is_error for problem in problems)
    findings = _examine(settings) if options.connect and settings is not None else None
    is_content = is_usable and not (options.strict and problems)
    if options.json:
        print(as_json(_as_json(_name(options), problems, is_content, findings)))
    else:
        _print(options, settings if is_usable else None, problems, is_content, findings)
    if not is_content:
        return Exit.CONFIGURATION
    return _exit_status(findings or [], options.strict)


def _read(options: argparse.Namespace) -> tuple[Settings | None, list[Problem]]:
    """Return what the file says, unless it has errors, and all problems, this machine's with it too."""
    path = options.target or options.config
    try:
        content = _content(options)
        settings, problems = read_settings(path, content)
    except ConfigError as error:
        return None, error.problems
    return settings, in_order([*problems, *locate(find_obstacles(settings), path, content)])


def _content(options: argparse.Namespace) -> FileContent:
    """Return what is to be checked; a copy, or what comes through a pipe, may be readable by whom it likes."""
    if options.config == STDIN:
        return FileContent(sys.stdin.buffer.read(MAX_FILE_SIZE), PRIVATE_MODE)
    content = read_configuration(str(Path(options.config).absolute()))
    return content._replace(mode=PRIVATE_MODE) if options.target else content


def _name(options: argparse.Namespace) -> str:
    """Return how the file is called: as it was typed."""
    return "<stdin>" if options.config == STDIN else str(options.config)


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
        "hot_path": hot_path()._asdict(),
        "problems": [
            {
                "file": problem.file or typed(path),
                "line": int(problem.line) or None,
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

    lines = [(problem.render(_name(options)), problem.is_error) for problem in problems]
    if findings is None and (note := hot_path().note):
        lines.append((note, False))
    print_problems(lines, _summary(_name(options), settings, problems, is_usable), is_usable=is_usable)
    if findings is not None:
        print_findings(findings)


def _summary(path: str, settings: Settings | None, problems: list[Problem], is_usable: bool) -> str:
    n_errors = sum(problem.is_error for problem in problems)
    found = f"{counted(n_errors, 'error')}, {counted(len(problems) - n_errors, 'warning')}"
    if settings is None:
        return f"{path}: {found}; the gateway would not start"
    if not is_usable:
        return f"{path}: {found}; warnings count as errors (--strict)"
    where = ", ".join(f"udp {address}" for address in listening_addresses(settings))
    served = counted(len(settings.servers), "server section")
    return f"{path}: {found if problems else 'no problems'}; {served} on {where}"
