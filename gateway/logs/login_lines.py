"""Lines of finished logins, read again: both forms of `log_format`, as `worker/reports.py` writes them. Pure.

What else stands in a log, or before a line (syslog's or the journal's own words), is passed over.
"""

import json
import re
from datetime import datetime
from typing import Any, NamedTuple

from gateway.engine.person import account_of, person_of
from gateway.engine.replies import LABELS
from gateway.words.reasons import Outcome

_TEXT = re.compile(r"(?:^|\s)(\d{4}-\d\d-\d\dT[\d:.]+[+-]\d{4}) \[[\w.]+#\w+\] (?=\()")
_HEAD = re.compile(r"\(\('([^']*)', \d+\), (.*?), \d+\): (.*)")
_PAIR = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|\S*)')
_FIELDS = " reply="  # the first of them; what Duo said before may look like one, and so the last counts
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})")
_ALIAS = re.compile(r"user-\d{4,}")
_LONGEST_LINE = 16_384  # octets: four times the longest that a login can have
_HINTS_OF_ESCAPES = (b"\\x", b"\\u")
_NO_ASCII = re.compile(rb"[\x80-\xff]")


class LoggedLogin(NamedTuple):
    """A finished login, as its line tells of it; `fields` are the pairs of the line by name."""

    at: datetime
    client: str
    user_name: str
    account: str
    fields: dict[str, str]


class Wanted(NamedTuple):
    """Whose logins are wanted: one person's, in any spelling of the name, at some sections or at all (None), all or
    those alone that were refused.
    """

    user: str
    sections: frozenset[str] | None = None
    is_refused: bool = False

    @property
    def person(self) -> str:
        """The name without letter case and domain."""
        return person_of(account_of(self.user))

    def is_met_by(self, login: LoggedLogin) -> bool:
        """Whether this login is wanted."""
        if self.sections is not None and login.fields.get("server") not in self.sections:
            return False
        if self.is_refused and login.fields.get("reply") != LABELS[Outcome.REJECT]:
            return False
        names = {login.user_name, _unescaped(login.user_name)}  # CORP\xander is no escape, or is it
        return self.person in {person_of(account_of(name)) for name in names}


def candidates(octets: bytes, person: str) -> list[bytes]:
    """Return the lines that may be about a person: few of many, found faster than each could be parsed."""
    found: set[int] = set()
    lowered = octets.lower()
    needles = [max(person.encode().split() or [b""], key=len)] if person.isascii() else []
    for needle in (*needles, *_HINTS_OF_ESCAPES):
        at = lowered.find(needle)
        while at >= 0:
            found.add(lowered.rfind(b"\n", 0, at) + 1)
            end = lowered.find(b"\n", at)
            at = lowered.find(needle, end + 1) if end >= 0 else -1
    if not octets.isascii():
        found.update(octets.rfind(b"\n", 0, each.start()) + 1 for each in _NO_ASCII.finditer(octets))
    lines = (octets[start : start + _LONGEST_LINE].partition(b"\n")[0] for start in sorted(found))
    return [line for line in lines if len(line) < _LONGEST_LINE]


def parse_login(octets: bytes) -> LoggedLogin | None:
    """Return what the line of a finished login says; None for any other line."""
    line = octets.decode("utf-8", "replace")
    if line.startswith("{"):
        return _parse_object(line)
    begin = _TEXT.search(line)
    if begin is None:
        return None
    text, comma, pairs = line[begin.end() :].rpartition(_FIELDS)
    return _login(begin[1], text, _pairs("reply=" + pairs)) if comma else None


def is_anonymous(login: LoggedLogin) -> bool:
    """Whether the name is one of those that `radgate support --anonymous` writes in the place of names."""
    return _ALIAS.fullmatch(login.user_name) is not None


def _parse_object(line: str) -> LoggedLogin | None:
    try:
        fields: Any = json.loads(line)
    except ValueError:
        return None
    if not isinstance(fields, dict) or "reply" not in fields:
        return None
    texts = {str(name): str(value) for name, value in fields.items()}
    return _login(texts.pop("timestamp", ""), texts.pop("message", ""), texts)


def _login(at: str, text: str, fields: dict[str, str]) -> LoggedLogin | None:
    head = _HEAD.match(text)
    try:
        instant = datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%f%z")
    except ValueError:
        return None
    return LoggedLogin(instant, head[1], head[2], head[3], fields) if head is not None else None


def _pairs(text: str) -> dict[str, str]:
    return {name: _value(value) for name, value in _PAIR.findall(text)}


def _value(text: str) -> str:
    try:
        return str(json.loads(text)) if text.startswith('"') else text
    except ValueError:
        return text


def _unescaped(name: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), name)
