"""Reading requests: HTTP/1.1 as far as clients of an API use it, a Content-Length and no chunks."""

from typing import NamedTuple
from urllib.parse import parse_qsl, unquote_plus

MAX_SIZE = 65_536  # octets of a request; Duo's have a few hundred


class RequestError(Exception):
    """What came cannot be read as a request, and the connection is of no more use."""


class Request(NamedTuple):
    """One whole request. `text` is the form: the query of a GET, the body of a POST; `size` counts all its octets."""

    method: str
    path: str
    text: str
    head: bytes
    size: int

    def parameters(self) -> dict[str, str]:
        """Return the form, decoded; a name that is there twice has its last value."""
        text = self.text
        try:
            pairs = dict([pair.split("=", 1) for pair in text.split("&")]) if text else {}
        except ValueError:  # something without a "="
            return dict(parse_qsl(text, keep_blank_values=True))
        if "%" in text or "+" in text:
            return {unquote_plus(name): unquote_plus(value) for name, value in pairs.items()}
        return pairs

    def header(self, name: str) -> str:
        """Return the value of a header, empty where there is none; for rare needs."""
        wanted = name.lower()
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == wanted:
                return value.strip()
        return ""


def read_request(octets: bytes) -> Request | None:
    """Return the request that `octets` begin with, or None while it is not whole.

    Raises:
        RequestError: it is too long, or no request.
    """
    end = octets.find(b"\r\n\r\n")
    if end < 0:
        if len(octets) > MAX_SIZE:
            raise RequestError("a head without an end")
        return None
    head = octets[:end]
    size = end + 4 + _content_length(head)
    if size > MAX_SIZE:
        raise RequestError("too long")
    if len(octets) < size:
        return None
    try:
        method, target, _ = head[: head.find(b"\r\n")].decode("ascii").split(" ")
        path, _, query = target.partition("?")
        return Request(method, path, query if method == "GET" else octets[end + 4 : size].decode(), head, size)
    except ValueError as error:  # UnicodeDecodeError is one
        raise RequestError("no request") from error


def _content_length(head: bytes) -> int:
    at = head.find(b"\r\nContent-Length:")
    if at < 0:
        at = head.lower().find(b"\r\ncontent-length:")
    if at < 0:
        return 0
    digits = head[at + 17 :].split(b"\r\n", 1)[0].strip()
    if not digits.isdigit():
        raise RequestError("Content-Length is no number")
    return int(digits[:9])
