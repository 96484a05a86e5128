"""`radgate explain`: what a word of the log means, and what to do about it."""

import argparse
import difflib
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gateway.cli.exits import Exit
from gateway.cli.files import shared_folder
from gateway.cli.parsers import add_command
from gateway.cli.terminal import as_json, printable
from gateway.words.ad_codes import AD_CODES
from gateway.words.explanations import DISCARDS, DOCUMENT, REASONS, TROUBLES, Explanation
from gateway.words.first_factors import (
    DIRECTORY_TROUBLES,
    HOME_SERVER_TROUBLES,
    HOST_STATES,
    REPLY_DISCARDS,
    HostTrouble,
)
from gateway.words.reasons import Reason

DESCRIPTION = """\
Say what a word of the log, the status page or a metric means, and what an administrator can do about it: the reason of
a login (reason=), why Active Directory refused its user (ad_code=), why a packet got no answer (discard=), or a trouble
on the way to Duo or to a host of a first factor. A word that several of these share is explained for each. Without a
word, list them all.
"""
EPILOG = """\
examples:
  radgate explain duo_denied
  radgate explain

exit status: 0 explained, 1 there is no such word.
"""
_PREFIXES = ("reason=", "ad_code=", "discard=", "kind=")


def _explained(table: Mapping[Any, HostTrouble]) -> dict[str, Explanation]:
    return {str(word): Explanation(each.happens, each.remedy) for word, each in table.items()}


_TABLES: dict[str, dict[str, Explanation]] = {
    "why a login ended": {str(word): each for word, each in REASONS.items()},
    "why Active Directory refused a user": AD_CODES,
    "why a packet got no answer": {str(word): each for word, each in DISCARDS.items()},
    "trouble on the way to Duo": {str(word): each for word, each in TROUBLES.items()},
    "trouble with a home server, of a section [radius_client]": _explained(HOME_SERVER_TROUBLES),
    "trouble with a host of a directory, of a section [ad_client]": _explained(DIRECTORY_TROUBLES),
    "how a host of a first factor is": _explained(HOST_STATES),
    "why a home server's reply is not believed": _explained(REPLY_DISCARDS),
}
_OF_FIRST_FACTORS = list(_TABLES)[4:]


class Meaning(NamedTuple):
    """A word, what kind of word it is, and what it means."""

    word: str
    kind: str
    explanation: Explanation


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = add_command(subparsers, common, "explain", "say what a word of the log means", DESCRIPTION, EPILOG)
    parser.add_argument("word", metavar="WORD", nargs="?", help="such as duo_denied; reason=duo_denied will do, too")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Explain a word, or list all."""
    known: dict[str, list[Meaning]] = {}
    for meaning in _meanings():
        known.setdefault(meaning.word, []).append(meaning)
    if options.word is None:
        _list(known, is_json=options.json)
        return Exit.OK
    word = _plain(options.word)
    if word not in known:
        near = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
        choice = f"did you mean {', '.join(near)}?" if near else "radgate explain lists them all"
        print(f"radgate: there is no word {printable(options.word)!r}; {choice}", file=sys.stderr)
        return Exit.NONE_FOUND
    first, *others = known[word]
    if options.json:
        print(as_json(_object(first) | ({"also": [_object(each) for each in others]} if others else {})))
    else:
        print(*map(_text, known[word]), sep="\n")
    return Exit.OK


def sentences(*texts: str) -> str:
    """Return texts of the table as sentences, empty ones left out."""
    return " ".join(f"{text[0].upper()}{text[1:]}." for text in texts if text)


def _plain(word: str) -> str:
    for prefix in _PREFIXES:
        word = word.removeprefix(prefix)
    return word.strip().lower().replace("-", "_")


def _meanings() -> Iterator[Meaning]:
    for kind, table in _TABLES.items():
        yield from (Meaning(word, kind, explanation) for word, explanation in table.items())


def _text(meaning: Meaning) -> str:
    happened, remedy = meaning.explanation
    lines = [f"{meaning.word} ({meaning.kind})", f"  {sentences(happened)}"]
    if remedy:
        lines.append(f"  do: {sentences(remedy)}")
    if (folder := shared_folder()) is not None:
        lines.append(f"  more: {folder / DOCUMENT}#{_anchor(meaning)}")
    return "\n".join(lines)


def _anchor(meaning: Meaning) -> str:
    """Return the heading under which the document has a word: of some kinds of words all stand in one table."""
    if meaning.kind in _OF_FIRST_FACTORS:
        return "first-factors"
    return Reason.FIRST_FACTOR_REJECTED if meaning.word in AD_CODES else meaning.word


def _object(meaning: Meaning) -> dict[str, str]:
    happened, remedy = meaning.explanation
    return {"word": str(meaning.word), "kind": meaning.kind, "happened": happened, "remedy": remedy}


def _list(known: Mapping[str, list[Meaning]], *, is_json: bool) -> None:
    if is_json:
        print(as_json([_object(meaning) for meanings in known.values() for meaning in meanings]))
        return
    width = max(map(len, known)) + 2
    for kind, table in _TABLES.items():
        print(sentences(kind))
        print(*(f"  {word:<{width}}{sentences(each.happened)}" for word, each in table.items()), sep="\n", end="\n\n")
