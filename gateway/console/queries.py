"""What a visitor asks of the kept logins: the parameters of `/logins.json`, within bounds. Pure."""

import difflib
import math
from collections.abc import Mapping, Sequence

from gateway.console.kept import DEFAULT_LIMIT, Query
from gateway.engine.replies import LABELS, NO_REPLY
from gateway.words.reasons import Reason

MAX_LIMIT = 200
_MAX_WORDS = 8
_MAX_TEXT = 256  # characters
ANSWERS = (*LABELS.values(), NO_REPLY)
PARAMETERS = ("q", "user", "server", "reason", "answer", "since", "until", "before", "limit")


class BadQueryError(ValueError):
    """A parameter is not what it must be; the text says which, and what to write instead."""


def parse_query(parameters: Mapping[str, str]) -> Query:
    """Return what is asked for; parameters that are empty ask for nothing.

    Raises:
        BadQueryError: one cannot be understood, or is not known.
    """
    for name, text in parameters.items():
        if name not in PARAMETERS:
            raise BadQueryError(f"{name[:40]}: is not known; there are {', '.join(PARAMETERS)}")
        if len(text) > _MAX_TEXT:
            raise BadQueryError(f"{name}: write at most {_MAX_TEXT} characters")
    given = {name: text.strip() for name, text in parameters.items() if text.strip()}
    words = tuple(given.get("q", "").split())
    if len(words) > _MAX_WORDS:
        raise BadQueryError(f"q: write at most {_MAX_WORDS} words")
    return Query(
        words,
        given.get("user", ""),
        given.get("server", ""),
        _word("reason", given, tuple(Reason)),
        _word("answer", given, ANSWERS),
        _instant("since", given),
        _instant("until", given),
        _whole("before", given["before"], 2**53) if "before" in given else None,
        _whole("limit", given["limit"], MAX_LIMIT) if "limit" in given else DEFAULT_LIMIT,
    )


def _word(name: str, given: Mapping[str, str], known: Sequence[str]) -> str:
    word = given.get(name, "")
    if word and word not in known:
        near = difflib.get_close_matches(word, known)
        raise BadQueryError(f"{name}: write {' or '.join(near or known)}")
    return word


def _instant(name: str, given: Mapping[str, str]) -> float | None:
    if name not in given:
        return None
    try:
        instant = float(given[name])
    except ValueError:
        instant = math.nan
    if not math.isfinite(instant):
        raise BadQueryError(f"{name}: write Unix seconds")
    return instant


def _whole(name: str, text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and 1 <= int(text) <= most):
        raise BadQueryError(f"{name}: write a whole number from 1 to {most}")
    return int(text)
