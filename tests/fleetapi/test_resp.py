"""Redis' protocol: commands as they are written, answers as they come, and all else refused with little memory."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fleetapi.resp import MAX_ELEMENTS, AnswerReader, BadAnswerError, Refused, encode_command


def read(octets: bytes) -> list[object]:
    return AnswerReader().feed(octets)


def test_a_command_is_an_array_of_strings():
    assert encode_command([b"SET", b"", b"\r\n\0"]) == b"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$3\r\n\r\n\0\r\n"


@pytest.mark.parametrize(
    ("octets", "answer"),
    [
        (b":0\r\n", 0),
        (b":-9223372036854775808\r\n", -(2**63)),
        (b"+OK\r\n", b"OK"),
        (b"$-1\r\n", None),
        (b"*-1\r\n", None),
        (b"$0\r\n\r\n", b""),
        (b"$7\r\na\r\n$1\r\n\r\n", b"a\r\n$1\r\n"),
        (b"*0\r\n", []),
        (b"*3\r\n$4\r\nmine\r\n:1\r\n*1\r\n$-1\r\n", [b"mine", 1, [None]]),
        (b"-ERR no\r\n", Refused("ERR", "ERR no")),
        (b"-OOM command not allowed\r\n", Refused("OOM", "OOM command not allowed")),
        (b"*1\r\n-ERR within\r\n", [Refused("ERR", "ERR within")]),
        (b"-\r\n", Refused("ERR", "")),
        (b"-a\x1b[31m \xff\r\n", Refused("ERR", "a?[31m \ufffd")),
        (b"-ERR " + b"x" * 5000 + b"\r\n", Refused("ERR", "ERR " + "x" * 196)),
        (
            b"-ERR Error running script (call to f_12): @user_script:9: -OOM command not allowed when used memory\r\n",
            Refused(
                "OOM",
                "ERR Error running script (call to f_12): @user_script:9: -OOM command not allowed when used memory",
            ),
        ),
        (
            b"-@user_script: 14: -READONLY You can't write\r\n",
            Refused("READONLY", "@user_script: 14: -READONLY You can't write"),
        ),
        (
            b"-ERR Error running script (call to f_12): @user_script:9: -READONLY You can't write\r\n",
            Refused("READONLY", "ERR Error running script (call to f_12): @user_script:9: -READONLY You can't write"),
        ),
        (
            b"-ERR The user executing the script can't run this command or subcommand script: f_12\r\n",
            Refused("NOPERM", "ERR The user executing the script can't run this command or subcommand script: f_12"),
        ),
        (
            b"-ERR ACL failure in script: User radgate has no permissions to run the 'hset' command\r\n",
            Refused("NOPERM", "ERR ACL failure in script: User radgate has no permissions to run the 'hset' command"),
        ),
    ],
)
def test_an_answer_is_read(octets, answer):
    assert read(octets) == [answer]


@pytest.mark.parametrize(
    "octets",
    [
        b"\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
        b"%1\r\n+a\r\n:1\r\n",
        b"_\r\n",
        b"#t\r\n",
        b">2\r\n+a\r\n+b\r\n",
        b":\r\n",
        b":one\r\n",
        b":" + b"1" * 1000 + b"\r\n",
        b"$\r\n",
        b"$-2\r\n",
        b"*-2\r\n",
        b"$65537\r\n",
        b"$99999999999999999999\r\n",
        b"$2\r\nabcd\r\n",
        b"*4294967295\r\n",
        b"*257\r\n",
        b"*1\r\n" * 6 + b":1\r\n",
        b"*2\r\n*255\r\n",
        b"+" + b"x" * 70_000,
        b"x" * 70_000,
    ],
)
def test_what_is_no_answer_of_ours_is_refused(octets):
    with pytest.raises(BadAnswerError):
        read(octets)


def test_an_answer_of_one_digit_may_come_octet_by_octet():
    reader = AnswerReader()
    assert [reader.feed(bytes((octet,))) for octet in b":7\r\n:8\r\n"] == [[], [], [], [7], [], [], [], [8]]


def test_an_answer_without_an_end_is_refused_before_it_fills_the_memory():
    reader = AnswerReader()
    reader.feed(b"*200\r\n")
    piece = b"$60000\r\n" + bytes(60_000) + b"\r\n"
    assert reader.feed(piece) == reader.feed(piece) == []
    with pytest.raises(BadAnswerError):
        reader.feed(piece)


def test_an_array_may_have_as_many_elements_as_are_allowed():
    assert read(b"*%d\r\n" % MAX_ELEMENTS + b":1\r\n" * MAX_ELEMENTS) == [[1] * MAX_ELEMENTS]


leaves = st.one_of(st.integers(-(2**63), 2**63 - 1), st.binary(max_size=50), st.none())
answers = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4), max_leaves=12)


def encode(answer: object) -> bytes:
    match answer:
        case None:
            return b"$-1\r\n"
        case int():
            return b":%d\r\n" % answer
        case bytes():
            return b"$%d\r\n%b\r\n" % (len(answer), answer)
        case list():
            return b"*%d\r\n" % len(answer) + b"".join(map(encode, answer))
    raise AssertionError


def depth(answer: object) -> int:
    return 1 + max(map(depth, answer), default=0) if isinstance(answer, list) else 0


@given(st.lists(answers.filter(lambda answer: depth(answer) <= 4), max_size=6), st.data())
def test_answers_come_whole_however_they_are_cut(sent, data):
    octets = b"".join(map(encode, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    reader = AnswerReader()
    found = [
        each for begin, end in zip([0, *cuts], [*cuts, None], strict=True) for each in reader.feed(octets[begin:end])
    ]
    assert found == sent


@given(
    st.lists(st.one_of(st.binary(max_size=30), st.sampled_from([b"*", b"$", b":", b"-", b"+", b"1", b"9", b"\r\n"])))
)
def test_any_octets_are_answers_or_refused(pieces):
    reader = AnswerReader()
    with contextlib.suppress(BadAnswerError):
        for piece in pieces:
            reader.feed(piece)
