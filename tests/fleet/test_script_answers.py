"""What the scripts answer, and what they never do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fleet.script_answers import (
    BadScriptAnswerError,
    Found,
    Mine,
    Took,
    read_claim,
    read_look,
    read_take,
    read_write,
)

OWNER = b"0123456789abcdef:fedcba9876543210"
RECORD = [OWNER, b"3", b"pushed", b"sealed", 1500]
FOUND = Found(OWNER.decode(), 3, "pushed", b"sealed", 1.5)

answers = st.recursive(
    st.none() | st.integers() | st.binary(max_size=40) | st.sampled_from([OWNER, b"1", b"pushed"]),
    lambda inner: st.lists(inner, max_size=6),
    max_leaves=10,
)


def test_what_scripts_answer():
    assert read_claim(2) == Mine(2)
    assert read_claim(RECORD) == read_look(RECORD) == FOUND
    assert read_look(None) is None
    assert read_take([1, 4, b"sealed", b"-200"]) == Took(4, b"sealed", -0.2)
    assert read_take([0, *RECORD]) == FOUND
    assert read_take(None) is None
    assert read_write(0)
    assert read_write(b"3")
    assert not read_write(-1)


@pytest.mark.parametrize(
    "answer",
    [
        [b"someone", b"3", b"pushed", b"sealed", 0],
        [OWNER, b"0", b"pushed", b"sealed", 0],
        [OWNER, b"9" * 30, b"pushed", b"sealed", 0],
        [OWNER, b"3", "é".encode(), b"sealed", 0],
        [OWNER, b"3", b"pushed", None, 0],
        [OWNER, b"3", b"pushed", b"sealed", [0]],
        [OWNER, b"3", b"pushed"],
        [OWNER, b"3_0", b"pushed", b"sealed", b"x"],
    ],
    ids=repr,
)
def test_what_is_no_record(answer: object):
    with pytest.raises(BadScriptAnswerError):
        read_look(answer)


@settings(max_examples=200)
@given(answers)
def test_any_answer_is_read_or_refused(answer: object):
    for read in (read_claim, read_look, read_take, read_write):
        try:
            read(answer)
        except BadScriptAnswerError:
            pass
