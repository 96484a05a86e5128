"""The octets of our requests: HTTP/1.1 (RFC 9112), everything but path, date, signature and parameters written once."""

import re
from typing import Final

_is_field_text = re.compile(r"[!-~](?:[ -~]*[!-~])?").fullmatch
_FORM: Final = "Content-Type: application/x-www-form-urlencoded\r\n"
_is_authority = re.compile(r"[A-Za-z0-9.:\[\]_-]+").fullmatch


def _end_of_head(body_size: int) -> bytes:
    return f"\r\nContent-Length: {body_size}\r\n\r\n".encode()


_ENDS: Final = [_end_of_head(body_size) for body_size in range(512)]  # nearly every form is shorter


class RequestTemplate:
    """Writes requests to one host.

    Path, date, authorization and parameters come from our own code, percent-encoded or in a fixed form, and are not
    checked again. What is the same for all requests to a path within a second is written once.
    """

    __slots__ = ("_fixed", "_heads")

    def __init__(self, authority: str, user_agent: str) -> None:
        """Prepare the constant parts.

        Args:
            authority: `host`, or `host:port` where the port is not 443: the Host header.
            user_agent: for Duo's log.

        Raises:
            ValueError: either would break the header.
        """
        if not _is_authority(authority) or not _is_field_text(user_agent):
            raise ValueError(f"not fit for a header: {authority!r} or {user_agent!r}")
        self._fixed = f"Host: {authority}\r\nUser-Agent: {user_agent}\r\nAccept: application/json\r\n"
        self._heads: dict[str, _Head] = {}

    def get(self, path: str, query: bytes, date: str, authorization: bytes) -> bytes:
        """Return a signed GET; `query` is encoded and may be empty."""
        fields = f" HTTP/1.1\r\n{self._fixed}Date: {date}\r\nAuthorization: "
        return b"".join((b"GET ", path.encode(), query and b"?" + query, fields.encode(), authorization, b"\r\n\r\n"))

    def unsigned_get(self, path: str, query: bytes = b"") -> bytes:
        """Return a GET without Date and Authorization."""
        return b"".join((b"GET ", path.encode(), query and b"?" + query, f" HTTP/1.1\r\n{self._fixed}\r\n".encode()))

    def post(self, path: str, body: bytes, date: str, authorization: bytes) -> bytes:
        """Return a signed POST of an encoded form."""
        head = self._heads.get(path)
        if head is None or head.date != date:
            head = self._heads[path] = _Head(
                date, f"POST {path} HTTP/1.1\r\n{self._fixed}{_FORM}Date: {date}\r\nAuthorization: ".encode()
            )
        size = len(body)
        end = _ENDS[size] if size < len(_ENDS) else _end_of_head(size)
        return head.octets + authorization + end + body


class _Head:
    """What stands in front of the authorization of all requests to a path that have this date."""

    __slots__ = ("date", "octets")

    def __init__(self, date: str, octets: bytes) -> None:
        self.date = date
        self.octets = octets
