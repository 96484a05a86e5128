import pytest

from gateway.http1.request import RequestTemplate


def test_post() -> None:
    template = RequestTemplate("api-x.test", "radgate/1 (100%)")
    assert template.post("/auth/v2/preauth", b"username=jdoe", "DATE", b"Basic abc") == (
        b"POST /auth/v2/preauth HTTP/1.1\r\n"
        b"Host: api-x.test\r\n"
        b"User-Agent: radgate/1 (100%)\r\n"
        b"Accept: application/json\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n"
        b"Date: DATE\r\n"
        b"Authorization: Basic abc\r\n"
        b"Content-Length: 13\r\n"
        b"\r\n"
        b"username=jdoe"
    )


@pytest.mark.parametrize("size", [0, 1, 511, 512, 10_000])
def test_forms_of_every_length_say_how_long_they_are(size: int) -> None:
    octets = RequestTemplate("api-x.test", "radgate").post("/a", b"x" * size, "DATE", b"Basic abc")
    head, _, body = octets.partition(b"\r\n\r\n")
    assert head.endswith(b"\r\nContent-Length: %d" % size)
    assert body == b"x" * size


def test_get_with_and_without_query() -> None:
    template = RequestTemplate("[::1]:8443", "radgate")
    assert template.get("/a", b"txid=1", "D", b"B").startswith(b"GET /a?txid=1 HTTP/1.1\r\nHost: [::1]:8443\r\n")
    assert template.get("/a", b"", "D", b"B").startswith(b"GET /a HTTP/1.1\r\n")
    assert b"Authorization" not in template.unsigned_get("/a")


@pytest.mark.parametrize(
    ("authority", "user_agent"), [("a b", "x"), ("a\r\nX: y", "x"), ("", "x"), ("host", "x\r\nY: z"), ("host", "")]
)
def test_what_would_break_the_header_is_refused(authority: str, user_agent: str) -> None:
    with pytest.raises(ValueError, match="not fit for a header"):
        RequestTemplate(authority, user_agent)
