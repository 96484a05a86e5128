"""What the debug log tells of a first factor: who is asked and who has answered, and never a word of either."""

import pytest

from gateway.engine.first_factor import Accepted, Challenged, CheckFirstFactor, Refused
from gateway.radius.hidden import Hop
from gateway.radius.shared_secret import SharedSecret
from gateway.worker.narration import describe_answer, describe_question

HOST = "10.0.0.5:1812"
HOP = Hop(SharedSecret(b"secret"), bytes(16))


def test_who_is_asked_about_and_no_password():
    question = CheckFirstFactor(b"alice", b"correct horse", b"\x19\x03c")
    assert describe_question(question) == "whether the credentials of 'alice' are right"
    assert "'M\u00fcller'" in describe_question(CheckFirstFactor("M\u00fcller".encode(), b"secret"))
    assert "\\xff" in describe_question(CheckFirstFactor(b"\xff", b"secret"))


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (Accepted(b"\x19\x05key", HOST, HOP), "accepted"),
        (Refused("first_factor_rejected", "wrong: correct horse", b"", HOST), "refused"),
        (Challenged(b"state", HOST, b""), "challenged"),
    ],
)
def test_who_has_answered_and_nothing_of_what_it_said(answer, word):
    assert describe_answer(answer) == f"The first factor says: {word} ({HOST})"


def test_that_nobody_was_asked():
    said = describe_answer(Refused("user_not_found", "no name", b"", ""))
    assert said == "The first factor says: refused (nobody was asked)"
