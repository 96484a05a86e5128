"""Reading the answers on one connection: octets in, whole responses out, everything bounded.

`httptools` (llhttp) does the parsing, in its strict mode. This module adds what it leaves to its caller: bounds,
interim (1xx) answers, bodies that end with the connection, and whether the connection may carry another request.

The parser is not asked for header fields: with the ten or so lines of a real service handing them over takes as long as
parsing them. Those that are rarely wanted are looked for in the octets of the head, which an answer keeps.
"""

import re
from collections.abc import Sequence
from enum import Enum
from typing import Final, final

import httptools
from mypy_extensions import mypyc_attr

from gateway.values import Value

MAX_BODY_SIZE: Final = 1_048_576  # octets; Duo's answers have a few hundred
MAX_HEAD_SIZE: Final = 65_536  # octets before the body begins
MAX_SIZE: Final = MAX_HEAD_SIZE + 2 * MAX_BODY_SIZE  # octets of a whole answer, as they come


_INTERIM: Final = b"HTTP/1.1 1"
_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"(?im)^(?:content-length|transfer-encoding):(.*)$")
_RETRY_AFTER: Final = re.compile(rb"(?im)^retry-after:(.*)$")
_DATE: Final = re.compile(rb"(?im)^date:(.*)$")


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Response(Value):
    """One whole answer.

    Attributes:
        is_reusable: whether the connection may carry another request after it.
        head: what came up to the piece in which the head ends, all of that piece.
    """

    __slots__ = ("body", "head", "http_status", "is_reusable")

    def __init__(self, http_status: int, body: bytes, is_reusable: bool, head: Sequence[bytes] = ()) -> None:
        self.http_status = http_status
        self.body = body
        self.is_reusable = is_reusable
        self.head = head

    def retry_after(self) -> str:
        """Return that field, empty where there is none; so do the others."""
        return _field(self.head, _RETRY_AFTER) or ""

    def date(self) -> str:
        """Return when it was sent, by the sender's clock."""
        return _field(self.head, _DATE) or ""


class ResponseFault(Enum):
    """What was wrong with an answer; the value is a text for the administrator."""

    NOT_HTTP = "the answer is not HTTP"
    BODY_TOO_LONG = "the answer's body is longer than 1 MiB"
    HEAD_TOO_LONG = "the answer's header is too long"
    NOT_ASKED = "something came that belongs to no request"
    CUT_OFF = "the connection ended within the answer"


class ResponseError(Exception):
    """What came cannot be read as an answer, and the connection is of no more use."""

    def __init__(self, fault: ResponseFault) -> None:
        super().__init__(fault)
        self.fault = fault


class ResponseReader:
    """Reads the answers on one connection, one after the other, each to a request sent before."""

    __slots__ = (
        "_body",
        "_body_size",
        "_fault",
        "_has_ended",
        "_has_extra",
        "_head",
        "_head_size",
        "_http_status",
        "_keeps_alive",
        "_parser",
        "_size",
    )

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._begin()

    def feed(self, octets: bytes) -> Response | None:
        """Return the answer that `octets` complete, or None while it is not whole.

        Octets after the answer make it not reusable, whatever they are: nobody asked for them.

        Raises:
            ResponseError: read nothing more from this connection.
        """
        self._size += len(octets)
        if self._http_status < 200:
            self._head_size += len(octets)
            self._head.append(octets)
        try:
            self._parser.feed_data(octets)
        except httptools.HttpParserUpgrade as error:
            raise ResponseError(ResponseFault.NOT_HTTP) from error
        except httptools.HttpParserError as error:
            if not self._has_ended:
                raise ResponseError(self._fault or ResponseFault.NOT_HTTP) from error
            self._has_extra = True
        if self._has_ended:
            return self._finish()
        if self._size > MAX_SIZE:  # chunks have extensions and trailers, too
            raise ResponseError(ResponseFault.BODY_TOO_LONG)
        if self._http_status < 200 and self._head_size > MAX_HEAD_SIZE:
            raise ResponseError(ResponseFault.HEAD_TOO_LONG)
        return None

    def feed_eof(self) -> Response:
        """Return the answer whose body ends with the connection.

        Raises:
            ResponseError: the answer was not whole, or had not begun.
        """
        if self._http_status < 200 or _field(self._head, _LENGTH) is not None:
            raise ResponseError(ResponseFault.CUT_OFF)
        return self._finish()

    def _finish(self) -> Response:
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        response = Response(self._http_status, body, self._keeps_alive and not self._has_extra, self._head)
        self._begin()
        return response

    def _begin(self) -> None:
        self._head: list[bytes] = []  # what has come, up to the piece in which the head ends
        self._head_size = 0
        self._size = 0
        self._http_status = 0  # until the head is whole; below 200 the answer itself is yet to come
        self._has_ended = False
        self._has_extra = False
        self._keeps_alive = False
        self._body: list[bytes] = []
        self._body_size = 0
        self._fault: ResponseFault | None = None

    # What httptools calls. An exception raised here reaches `feed` as HttpParserCallbackError, an HttpParserError.

    def on_message_begin(self) -> None:
        """A message begins: after an interim one in its place, after the answer unasked."""
        if self._has_ended:
            self._has_extra = True
        else:
            self._http_status = 0

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if self._has_ended:
            return
        self._http_status = self._parser.get_status_code()

    def on_body(self, octets: bytes) -> None:
        """Keep a part of the body."""
        if self._has_ended:
            return
        self._body_size += len(octets)
        if self._body_size > MAX_BODY_SIZE:
            self._stop(ResponseFault.BODY_TOO_LONG)
        self._body.append(octets)

    def on_message_complete(self) -> None:
        """The message is whole; an interim one (1xx) only announces the answer."""
        if self._http_status >= 200 and not self._has_ended:
            self._has_ended = True
            self._keeps_alive = self._parser.should_keep_alive()

    def _stop(self, fault: ResponseFault) -> None:
        self._fault = fault
        raise ResponseError(fault)


def _field(pieces: Sequence[bytes], wanted: "re.Pattern[bytes]") -> str | None:
    """Return a field of an answer's head, None where there is none."""
    head = b"".join(pieces)
    while head.startswith(_INTERIM):
        head = head.partition(_END_OF_HEAD)[2]
    field = wanted.search(head.partition(_END_OF_HEAD)[0])
    return None if field is None else field[1].decode("ascii", "replace").strip()
