"""`radgate check`: every problem of a configuration file at once; with `--connect` also of all that it names."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from gateway.checks.findings import Finding, Severity, not_ok
from gateway.cli.exits import Exit
from gateway.cli.parsers import STDIN, add_command
from gateway.cli.streams import say
from gateway.cli.terminal import as_json, printable, typed
from gateway.config.effective import Effective, Origin, effective_keys
from gateway.config.including import read_sources
from gateway.config.listening import in_words, listening_addresses
from gateway.config.problems import ConfigError, Problem, in_order
from gateway.config.reading import locate, read_settings
from gateway.config.settings import Settings
from gateway.config.surroundings import MAX_FILE_SIZE, PRIVATE_MODE, FileContent, read_configuration, surroundings_of
from gateway.supervisor.form import hot_path
from gateway.supervisor.obstacles import find_doubts, find_obstacles
from gateway.words.english import counted

_ORIGINS = {Origin.MAIN: "from [main]", Origin.DEFAULT: "default"}

DESCRIPTION = """Find every problem of the configuration file, and print each with its line and
what to write instead: what it says wrongly, and what this machine or its user
could not start with. With --connect also look at all that the file names, and
change nothing: each Duo application (name, connection, certificates, clock,
keys), each host of a first factor, the store that hosts share, each address to
listen on, and this machine's limits. A running gateway is not disturbed. With
--quiet only what is not ok is printed, and a line that counts all.

With --without-secrets files of secrets that are not here, and secrets that are
encrypted with a key that is not here, get notes; this machine is not looked at.
With --show print what holds for each section, secrets hidden."""
EPILOG = """examples:
  radgate check --config authproxy.cfg --connect
  radgate check --config authproxy.cfg --connect --quiet
  radgate check --config /tmp/new.cfg --as /etc/radgate/authproxy.cfg
  ansible-vault view authproxy.cfg | radgate check --config - --as /etc/radgate/authproxy.cfg
  radgate check --config authproxy.cfg --without-secrets      # where CI has no secrets

exit status: 0 usable (warnings do not matter, unless --strict), 2 the file or
this machine must be changed, 4 Duo, a first factor or the store cannot be
reached"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    text = "find every problem of the configuration file"
    parser = add_command(subparsers, common, "check", text, DESCRIPTION, EPILOG)
    secrets = parser.add_mutually_exclusive_group()
    secrets.add_argument("--connect", action="store_true", help="also ask Duo, and look at this machine")
    secrets.add_argument("--without-secrets", action="store_true", help="for a machine that does not have the secrets")
    parser.add_argument("--quiet", action="store_true", help="with --connect: leave out what is found to be ok")
    parser.add_argument(
        "--as",
        dest="target",
        metavar="PATH",
        help="check the file as if it were at PATH: relative paths in it begin in that folder",
    )
    parser.add_argument("--strict", action="store_true", help="count warnings as errors")
    parser.add_argument(
        "--show", action="store_true", help="also print the values in force, defaults too, without secrets"
    )
    parser.add_argument("--json", action="store_true", help="print the problems as JSON")
    parser.set_defaults(command=command, reads_stdin=True)


def command(options: argparse.Namespace) -> int:
    """Print the problems; the status says whether `run` would start."""
    if options.quiet and not options.connect:
        print("radgate: --quiet needs --connect", file=sys.stderr)
        return Exit.CONFIGURATION
    settings, problems, effective = _read(options)
    is_usable = settings is not None and not any(problem.is_error for problem in problems)
    findings = _examine(settings) if options.connect and settings is not None else None
    is_content = is_usable and not (options.strict and any(problem.is_warning for problem in problems))
    if options.json:
        shown = not_ok(findings) if options.quiet and findings is not None else findings
        say(as_json(_as_json(_name(options), problems, is_content, shown, effective)))
    else:
        _print_effective(effective or [])
        _print(options, settings if is_usable else None, problems, is_content, findings)
    if not is_content:
        return Exit.CONFIGURATION
    return _exit_status(findings or [], options.strict)


def _read(options: argparse.Namespace) -> tuple[Settings | None, list[Problem], list[Effective] | None]:
    """Return what the file says, unless it has errors, all problems, this machine's with it too, and what to show."""
    path = options.target or options.config
    try:
        content = _content(options)
        settings, problems = read_settings(path, content, has_secrets=not options.without_secrets)
    except ConfigError as error:
        return None, error.problems, None
    files = [each.content.octets for each in read_sources(content, surroundings_of(settings.path)).files]
    effective = list(effective_keys(files, settings)) if options.show else None
    found = [] if options.without_secrets else [*find_obstacles(settings), *find_doubts(settings)]
    return settings, in_order([*problems, *locate(found, path, content)]), effective


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


def _as_json(
    path: str,
    problems: list[Problem],
    is_usable: bool,
    findings: list[Finding] | None,
    effective: list[Effective] | None,
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "file": typed(path),
        "usable": is_usable,
        "hot_path": hot_path()._asdict(),
        "problems": [
            {
                "file": problem.place.file or typed(path),
                "line": problem.place.line or None,
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
    if effective is not None:
        found["settings"] = [{**each._asdict(), "value": typed(each.value)} for each in effective]
    return found


def _print_effective(effective: list[Effective]) -> None:
    section = ""
    for each in effective:
        if each.section != section:
            section = each.section
            print(f"[{section}]")
        origin = "" if each.origin is Origin.FILE else f"  ({_ORIGINS[each.origin]})"
        print(printable(f"  {each.key}={each.value}{origin}"))


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
    if problems or not (options.quiet and is_usable):
        print_problems(lines, _summary(_name(options), settings, problems, is_usable), is_usable=is_usable)
    if findings is not None:
        print_findings(findings, is_quiet=options.quiet)


def _summary(path: str, settings: Settings | None, problems: list[Problem], is_usable: bool) -> str:
    n_errors = sum(problem.is_error for problem in problems)
    n_warnings = sum(problem.is_warning for problem in problems)
    found = f"{counted(n_errors, 'error')}, {counted(n_warnings, 'warning')}"
    if n_notes := len(problems) - n_errors - n_warnings:
        found += f", {counted(n_notes, 'note')}"
    if settings is None:
        return f"{path}: {found}; the gateway would not start"
    if not is_usable:
        return f"{path}: {found}; warnings count as errors (--strict)"
    where = in_words(listening_addresses(settings), "udp ")
    served = counted(len(settings.servers), "server section")
    return f"{path}: {found if problems else 'no problems'}; {served} on {where}"
