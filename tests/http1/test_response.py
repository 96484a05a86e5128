"""Reading answers: framing, bounds, and whether the connection may be used again."""

import pytest

from gateway.http1.response import MAX_BODY_SIZE, Response, ResponseError, ResponseFault, ResponseReader

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


Seen = tuple[int, bytes, bool, str]  # status, body, whether the connection may be used again, Retry-After


def read(*parts: bytes) -> Seen | None:
    reader = ResponseReader()
    response = None
    for part in parts:
        assert response is None
        response = reader.feed(part)
    return seen(response)


def seen(response: Response | None) -> Seen | None:
    if response is None:
        return None
    return response.http_status, response.body, response.is_reusable, response.retry_after()


def fault_of(*parts: bytes, at_end: bool = False) -> ResponseFault:
    with pytest.raises(ResponseError) as caught:
        _read_to_the_end(parts, at_end)
    return caught.value.fault


def _read_to_the_end(parts: tuple[bytes, ...], at_end: bool) -> None:
    reader = ResponseReader()
    for part in parts:
        assert reader.feed(part) is None
    if at_end:
        reader.feed_eof()


@pytest.mark.parametrize(
    ("octets", "body", "is_reusable"),
    [
        (PLAIN, b"hi", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n", b"hi", True),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: close\r\n\r\nhi", b"hi", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"hi", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi", b"hi", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN, b"hi", True),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + PLAIN, b"hi", True),
        (PLAIN + b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno", b"hi", False),
        (PLAIN + b"garbage", b"hi", False),
    ],
)
def test_whole_answers_in_one_piece_and_octet_by_octet(octets: bytes, body: bytes, is_reusable: bool) -> None:
    assert read(octets) == (200, body, is_reusable, "")
    if octets.startswith(PLAIN) and len(octets) > len(PLAIN):
        return
    assert read(*(octets[at : at + 1] for at in range(len(octets)))) == (200, body, is_reusable, "")


def test_answers_follow_one_another() -> None:
    reader = ResponseReader()
    slow = b"HTTP/1.1 429 Slow\r\nretry-AFTER: 3\r\nContent-Length: 0\r\n\r\n"
    assert seen(reader.feed(PLAIN)) == (200, b"hi", True, "")
    assert seen(reader.feed(slow)) == (429, b"", True, "3")
    assert seen(reader.feed(b"HTTP/1.1 204 None\r\n\r\n")) == (204, b"", True, "")
    assert reader.feed(PLAIN[:-1]) is None
    assert seen(reader.feed(PLAIN[-1:])) == (200, b"hi", True, "")


def test_body_that_ends_with_the_connection() -> None:
    reader = ResponseReader()
    assert reader.feed(b"HTTP/1.1 200 OK\r\n\r\nall ") is None
    assert reader.feed(b"of it") is None
    assert seen(reader.feed_eof()) == (200, b"all of it", False, "")


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
def test_answer_cut_off(octets: bytes) -> None:
    assert fault_of(octets, at_end=True) is ResponseFault.CUT_OFF


@pytest.mark.parametrize(
    "octets",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
def test_what_is_not_http(octets: bytes) -> None:
    assert fault_of(octets) is ResponseFault.NOT_HTTP


def test_bounds() -> None:
    announced = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_SIZE + 1)
    assert fault_of(announced, b"x" * MAX_BODY_SIZE, b"x") is ResponseFault.BODY_TOO_LONG
    many = b"".join(b"X-%d: y\r\n" % number for number in range(10_000))
    assert fault_of(b"HTTP/1.1 200 OK\r\n", many) is ResponseFault.HEAD_TOO_LONG
    assert fault_of(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 70_000) is ResponseFault.HEAD_TOO_LONG
    assert fault_of(*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 3_000) is ResponseFault.HEAD_TOO_LONG


def test_fields_of_an_interim_answer_are_not_those_of_the_answer() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n"
    assert read(interim + b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n") == (429, b"", True, "")
    reader = ResponseReader()
    assert reader.feed(b"HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhi") is None
    assert seen(reader.feed_eof()) == (200, b"hi", False, "")


def test_what_looks_like_a_field_in_a_body_is_none() -> None:
    reader = ResponseReader()
    assert reader.feed(b"HTTP/1.1 200 OK\r\n\r\n\r\nContent-Length: 3\r\n") is None
    assert seen(reader.feed_eof()) == (200, b"\r\nContent-Length: 3\r\n", False, "")
    answer = b"HTTP/1.1 429 Slow\r\nContent-Length: 18\r\n\r\n\r\nRetry-After: 9\r\n"
    assert read(answer) == (429, b"\r\nRetry-After: 9\r\n", True, "")


def test_when_an_answer_was_sent_is_read_from_its_own_head() -> None:
    date = b"Mon, 23 Nov 2026 09:00:00 GMT"
    early = b"HTTP/1.1 103 Early Hints\r\nDate: Tue, 24 Nov 2026 09:00:00 GMT\r\n\r\n"
    for octets in (early + PLAIN.replace(b"\r\n", b"\r\ndate:  " + date + b" \r\n", 1), early + PLAIN):
        response = ResponseReader().feed(octets)
        assert response is not None
        assert response.date() == (date.decode() if date in octets else "")
