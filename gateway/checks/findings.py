"""What an examination found, one thing at a time."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How much a finding matters; the value stands in front of it."""

    OK = "ok"
    NOTE = "note"  # as configured, and worth knowing
    WARNING = "warning"
    PROBLEM = "problem"  # of the file or of this machine: somebody must change it
    UNREACHABLE = "unreachable"  # Duo or another server, or the way to it


class Finding(NamedTuple):
    """One thing that was looked at: what was seen, and what to do about it, free of secrets.

    Attributes:
        subject: what it is about: an application, a listener, a section, this machine.
        step: what was looked at, in a word or two: `dns`, `certificate`, `log_dir`.
    """

    subject: str
    step: str
    severity: Severity
    text: str
    remedy: str = ""


def not_ok(findings: Iterable[Finding]) -> list[Finding]:
    """Return those that say more than that all is well."""
    return [finding for finding in findings if finding.severity is not Severity.OK]
