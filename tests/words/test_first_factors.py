"""What can happen at hosts of first factors is explained, in the code and in the documentation."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from gateway.statistics.layout import HOST_TROUBLES
from gateway.words.explanations import DOCUMENT
from gateway.words.first_factors import REPLY_DISCARDS, TROUBLES_OF, ReplyDiscard

TEXT = (Path(__file__).parents[2] / DOCUMENT).read_text()
SECTIONS = dict(re.findall(r"^### ([A-Z][^\n]*)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
WHERE = {"radius_client": "Home servers", "ad_client": "Domain controllers"}


def rows(section: str) -> list[str]:
    return [line.replace("`", "") for line in SECTIONS[section].splitlines()]


def row(word: str, texts: Iterable[str]) -> str:
    """Keys stand without their equals sign in the document."""
    plain = (re.sub(r"\b(host|port|secret|transport)=(?=[ ,;)]|$)", r"\1", text) for text in texts)
    return f"| {word} | {' | '.join(plain)} |"


@pytest.mark.parametrize("kind", TROUBLES_OF)
def test_each_trouble_of_a_kind_of_host_has_a_row_with_the_words_of_the_code(kind):
    for trouble, words in TROUBLES_OF[kind].items():
        assert row(trouble, words) in rows(WHERE[kind])


def test_all_of_them_are_counted():
    assert {trouble for troubles in TROUBLES_OF.values() for trouble in troubles} == set(HOST_TROUBLES)


def test_so_has_each_reason_to_believe_no_reply():
    assert list(REPLY_DISCARDS) == list(ReplyDiscard)
    for reason, words in REPLY_DISCARDS.items():
        assert row(reason, words) in rows("Home servers")
