"""Reading requests from octets."""

import pytest

from bench.lean_duo.request import MAX_SIZE, RequestError, read_request

POST = b"POST /auth/v2/auth HTTP/1.1\r\nHost: duo\r\nContent-Length: 10\r\n\r\nuser=a%20b"
GET = b"GET /auth/v2/auth_status?txid=17 HTTP/1.1\r\nHost: duo\r\n\r\n"


def test_a_post_has_its_form_in_the_body() -> None:
    request = read_request(POST)
    assert request is not None
    assert (request.method, request.path, request.size) == ("POST", "/auth/v2/auth", len(POST))
    assert request.parameters() == {"user": "a b"}


def test_a_get_has_its_form_in_the_query() -> None:
    request = read_request(GET)
    assert request is not None
    assert (request.path, request.parameters()) == ("/auth/v2/auth_status", {"txid": "17"})


@pytest.mark.parametrize("whole", [POST, GET])
def test_it_waits_until_the_request_is_whole(whole: bytes) -> None:
    assert all(read_request(whole[:size]) is None for size in range(len(whole)))


def test_what_follows_is_left_alone() -> None:
    request = read_request(POST + GET)
    assert request is not None
    assert request.size == len(POST)


def test_header_names_in_any_letter_case() -> None:
    request = read_request(POST.replace(b"Content-Length", b"content-length"))
    assert request is not None
    assert request.text == "user=a%20b"
    assert (request.header("host"), request.header("Date")) == ("duo", "")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", {}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=x+y&%62=%E3%83%A6", {"a": "x y", "b": "ユ"}),
        ("a=&b", {"a": "", "b": ""}),
        ("a==1", {"a": "=1"}),
    ],
)
def test_forms(text: str, meant: dict[str, str]) -> None:
    request = read_request(f"GET /?{text} HTTP/1.1\r\n\r\n".encode())
    assert request is not None
    assert request.parameters() == meant


@pytest.mark.parametrize(
    "octets",
    [
        b"x" * (MAX_SIZE + 1),
        b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n\xff",
        b"\x16\x03\r\n\r\n",
        b"GET /\r\n\r\n",
    ],
)
def test_what_is_no_request_is_told_apart(octets: bytes) -> None:
    with pytest.raises(RequestError):
        read_request(octets)
