import pytest

from gateway.http1.connect import ConnectAnswer, ConnectError, connect_request, read_connect_answer


def test_request() -> None:
    assert connect_request("api-x.test", 443) == b"CONNECT api-x.test:443 HTTP/1.1\r\nHost: api-x.test:443\r\n\r\n"
    assert connect_request("::1", 443).startswith(b"CONNECT [::1]:443 ")


def test_answers_come_in_pieces() -> None:
    octets = b"HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\n"
    for size in range(len(octets)):
        assert read_connect_answer(octets[:size]) is None
    assert read_connect_answer(octets) == ConnectAnswer(200, "Connection established")
    assert read_connect_answer(b"HTTP/1.1 407\r\n\r\nsorry") == ConnectAnswer(407, "")


@pytest.mark.parametrize(
    "octets",
    [b"SSH", b"HTTP/2", b"HTTP/1.1 0x0\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n\x16\x03", b"HTTP/1.1 200 " + b"x" * 70_000],
)
def test_what_is_no_proxy(octets: bytes) -> None:
    with pytest.raises(ConnectError):
        read_connect_answer(octets)
