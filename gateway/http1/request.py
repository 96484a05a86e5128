"""The octets of our requests: HTTP/1.1 (RFC 9112), everything but path, date, signature and parameters written once."""

import re

_is_field_text = re.compile(r"[!-~](?:[ -~]*[!-~])?").fullmatch
_is_authority = re.compile(r"[A-Za-z0-9.:\[\]_-]+").fullmatch


class RequestTemplate:
    """Writes requests to one host.

    Path, date, authorization and parameters come from our own code, percent-encoded or in a fixed form, and are not
    checked again.
    """

    __slots__ = ("_get", "_post", "_unsigned_get")

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
        fixed = f"Host: {authority}\r\nUser-Agent: {user_agent}\r\nAccept: application/json\r\n".replace("%", "%%")
        self._unsigned_get = f"GET %s%s HTTP/1.1\r\n{fixed}\r\n"
        signed = f"{fixed}Date: %s\r\nAuthorization: %s\r\n"
        self._get = f"GET %s%s HTTP/1.1\r\n{signed}\r\n"
        form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n"
        self._post = f"POST %s HTTP/1.1\r\n{signed}{form}\r\n%s"

    def get(self, path: str, query: str, date: str, authorization: str) -> bytes:
        """Return a signed GET; `query` is encoded and may be empty."""
        return (self._get % (path, query and "?" + query, date, authorization)).encode("ascii")

    def unsigned_get(self, path: str, query: str = "") -> bytes:
        """Return a GET without Date and Authorization."""
        return (self._unsigned_get % (path, query and "?" + query)).encode("ascii")

    def post(self, path: str, body: str, date: str, authorization: str) -> bytes:
        """Return a signed POST of an encoded form, which is ASCII."""
        return (self._post % (path, date, authorization, len(body), body)).encode("ascii")
