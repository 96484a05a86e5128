"""Every word of the log is explained, in the code and at the same place in the documentation."""

import re
from pathlib import Path

import pytest

from gateway.radius.discards import DiscardReason
from gateway.unavailable import Trouble
from gateway.words import explanations
from gateway.words.explanations import (
    DISCARDS,
    REASONS,
    TROUBLES,
)
from gateway.words.reasons import Reason

DOCUMENT = (Path(__file__).parents[2] / explanations.DOCUMENT).read_text()
WORDS = [str(word) for words in (Reason, DiscardReason, Trouble) for word in words]
SECTIONS = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", DOCUMENT, re.MULTILINE | re.DOTALL))
EXPLANATIONS = {str(word): text for table in (REASONS, DISCARDS, TROUBLES) for word, text in table.items()}
NOTHING_TO_DO = {Reason.DUO_ALLOWED}


def test_no_word_means_two_things():
    assert len(set(WORDS)) == len(WORDS)


def test_every_word_is_explained_and_no_other():
    assert set(EXPLANATIONS) == set(WORDS)


@pytest.mark.parametrize("word", WORDS)
def test_an_explanation_says_what_happened_and_what_to_do(word):
    happened, remedy = EXPLANATIONS[word]
    assert len(happened) > 10
    assert not (happened + remedy).endswith(".")
    assert bool(remedy) is (word not in NOTHING_TO_DO)


def test_the_document_has_a_section_for_each_word_and_no_other():
    """The heading's anchor is the word itself: `docs/troubleshooting.md#duo_denied`."""
    assert sorted(SECTIONS) == sorted(WORDS)


@pytest.mark.parametrize("reason", [Reason.DUO_REFUSED_CALL, Reason.NO_CAPABLE_DEVICE])
def test_who_has_only_a_hardware_token_is_told_what_to_type(reason):
    assert "only device is a hardware token types" in REASONS[reason].remedy
    assert "secret,PASSCODE" in REASONS[reason].remedy


@pytest.mark.parametrize("word", WORDS)
def test_a_section_of_the_document_begins_with_the_words_of_the_code(word):
    happened, remedy = EXPLANATIONS[word]
    said = " ".join(SECTIONS[word].split())
    sentences = [f"{text[0].upper()}{text[1:]}." for text in (happened, remedy) if text]
    assert said.replace("`", "").startswith(" ".join(sentences))


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(#([\w-]+)\)", DOCUMENT))))
def test_links_within_the_document_lead_somewhere(link):
    headings = [
        re.sub(r"[^\w -]", "", text.lower()).strip().replace(" ", "-")
        for text in re.findall("^#+ (.*)", DOCUMENT, re.MULTILINE)
    ]
    assert link in headings
