"""Findings on a terminal: coloured where it can show that, plain lines where it cannot (NO_COLOR, a pipe)."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from rich.text import Text

from gateway.checks.findings import Finding, Severity, not_ok
from gateway.cli.terminal import plain_console, printable
from gateway.words.english import counted

_STYLES = {
    Severity.OK: "green",
    Severity.NOTE: "cyan",
    Severity.WARNING: "yellow",
    Severity.PROBLEM: "bold red",
    Severity.UNREACHABLE: "bold red",
}
_ADJECTIVES = (Severity.OK, Severity.UNREACHABLE)
_WIDTH = max(map(len, Severity)) + 2


@contextlib.contextmanager
def progress() -> Iterator[Callable[[int, int], None]]:
    """Show on standard error, if that is a terminal, how many of how many applications have been asked."""
    with plain_console(on_stderr=True).status("Looking at this machine …") as status:
        yield lambda n_done, n_all: status.update(f"Asking Duo: {n_done} of {n_all} applications have been asked …")


def print_problems(lines: Iterable[tuple[str, bool]], summary: str, *, is_usable: bool) -> None:
    """Print a file's problems, each with whether it is an error, and what they come to."""
    console = plain_console()
    for line, is_error in lines:
        console.print(Text(line, "red" if is_error else "yellow"), soft_wrap=True)
    console.print(Text(summary, "green" if is_usable else "bold red"), soft_wrap=True)


def print_findings(findings: list[Finding], *, is_quiet: bool = False) -> None:
    """Print the findings under their subjects, what to do below each, and at last how many there are of each kind.

    Args:
        findings: all that were made, which are counted.
        is_quiet: print only those that are not ok, and no empty lines.
    """
    console = plain_console()
    gap = "" if is_quiet else "\n"
    for line in _lines(not_ok(findings) if is_quiet else findings, gap):
        console.print(line, soft_wrap=True)
    console.print(Text(gap + _counted(findings)), soft_wrap=True)


def _lines(findings: list[Finding], gap: str) -> Iterator[Text]:
    subject = ""
    for finding in findings:
        if finding.subject != subject:
            subject = finding.subject
            yield Text(f"{gap}{subject}", "bold")
        word = (f"{finding.severity:<{_WIDTH}}", _STYLES[finding.severity])
        yield Text.assemble("  ", word, printable(f"{finding.step}: {finding.text}"))
        if finding.remedy:
            yield Text(" " * (_WIDTH + 2) + finding.remedy, "dim")


def _counted(findings: list[Finding]) -> str:
    counts = Counter(finding.severity for finding in findings)
    return "looked at: " + ", ".join(_many(counts[severity], severity) for severity in Severity if counts[severity])


def _many(number: int, severity: Severity) -> str:
    return f"{number} {severity}" if severity in _ADJECTIVES else counted(number, severity)
