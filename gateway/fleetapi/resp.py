"""Redis' protocol, RESP2: words -> the octets of a command, octets -> answers.

What answers has limits here: it may be anybody. A parser in C would be faster (hiredis, 0.14 µs an answer), and takes
`*200000000` for an order to make a list of that length, which stops the loop for 0.7 s when it is freed.
"""

from collections.abc import Sequence
from typing import Final, final

from mypy_extensions import mypyc_attr

from gateway.values import Value

MAX_STRING: Final = 65_536  # octets
MAX_ANSWER: Final = 131_072  # octets
MAX_ELEMENTS: Final = 256  # of all arrays of one answer
MAX_DEPTH: Final = 4

_MAX_TEXT: Final = 200  # characters of what is said about a refusal
_MAX_DIGITS: Final = 20
_END: Final = b"\r\n"
_INTEGER: Final = 0x3A  # :
_STRING: Final = 0x24  # $
_ARRAY: Final = 0x2A  # *
_SIMPLE_STRING: Final = 0x2B  # +
_ERROR: Final = 0x2D  # -
_ZERO: Final = 0x30
_NOTHING: Final = b""
_N_SIZES: Final = 512
_WITHIN: Final = {
    "-OOM ": "OOM",
    "-READONLY ": "READONLY",
    "-NOPERM ": "NOPERM",
    "-MASTERDOWN ": "MASTERDOWN",
    "The user executing the script can't ": "NOPERM",  # Redis 6.0, 7.0
    "ACL failure in script: ": "NOPERM",  # Redis 7.2 and Valkey
}
"""What stands in an error that a script has met -> the code of that."""
_SIZES: Final = [b"\r\n$%d\r\n" % size for size in range(_N_SIZES)]
"""The end of a word, and the size of the next one."""


class BadAnswerError(ValueError):
    """What came is no answer that this gateway takes; after it nothing else can be read."""


@final
@mypyc_attr(acyclic=True)
class Refused(Value):
    """The store did not do it, or is not known to have done it.

    Attributes:
        code: the store's first word, `READONLY`, `OOM`; or one of ours (`NOT_CONNECTED` and the others of this module).
        text: for the administrator, one printable line without secrets.
    """

    __slots__ = ("code", "text")

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = text


NOT_CONNECTED: Final = "NOTCONNECTED"
"""It was not sent."""
TOO_MANY: Final = "TOOMANY"
"""It was not sent: too much is under way already."""
CONNECTION_LOST: Final = "CONNECTIONLOST"
"""It was sent, and nobody knows whether it was done."""

NOT_ANSWERED: Final = (NOT_CONNECTED, TOO_MANY, CONNECTION_LOST)
"""The codes of ours: the store has not said a word."""

Answer = object
"""int, bytes (simple strings, too), None, a list of answers, or `Refused`."""

_INCOMPLETE: Final = object()


def encode_command(words: Sequence[bytes]) -> bytes:
    """Return the octets of a command."""
    return encode_words(b"*%d" % len(words), words)


def encode_words(begin: bytes, words: Sequence[bytes]) -> bytes:
    """Return the octets of a command whose first ones are known, up to a line's end and without it."""
    pieces = [begin]
    for word in words:
        pieces.append(size_of(word))
        pieces.append(word)
    pieces.append(_END)
    return b"".join(pieces)


def size_of(word: bytes) -> bytes:
    """Return what stands before a word: the end of the one before, and its size."""
    size = len(word)
    return _SIZES[size] if size < _N_SIZES else b"\r\n$%d\r\n" % size


def printable(text: str) -> str:
    """Return what the store has said as it may be shown: on one line, and nothing that moves a terminal."""
    return "".join([character if character.isprintable() else "?" for character in text])


class AnswerReader:
    """Cuts what comes on a connection into answers."""

    __slots__ = ("_at", "_n_elements", "_octets")

    def __init__(self) -> None:
        self._octets = _NOTHING  # an answer that has begun
        self._at = 0
        self._n_elements = 0

    def feed(self, octets: bytes) -> list[Answer]:
        """Return the answers that are whole now, in their order.

        Raises:
            BadAnswerError: something else came.
        """
        if self._octets:
            octets = self._octets + octets
        self._octets = octets
        answers: list[Answer] = []
        end = begin = self._at = 0
        size = len(octets)
        while begin < size:
            self._n_elements = 0
            answer = self._read(0)
            if answer is _INCOMPLETE:
                if size - begin > MAX_ANSWER:
                    raise BadAnswerError("an answer that is too long")
                break
            answers.append(answer)
            begin = end = self._at
        self._octets = octets[end:] if end < size else _NOTHING
        return answers

    def _read(self, depth: int) -> Answer:
        """Read what begins at `_at`, and stand behind it."""
        octets, begin = self._octets, self._at
        kind = octets[begin]
        behind = begin + 4
        if kind == _INTEGER and len(octets) >= behind and octets[begin + 2 : behind] == _END:  # a digit, as nearly all
            self._at = behind
            return _integer(octets[begin + 1 : begin + 2])
        end = octets.find(_END, begin)
        if end < 0:
            if len(octets) - begin > MAX_STRING:
                raise BadAnswerError("a line that is too long")
            return _INCOMPLETE
        self._at = end + 2
        if kind == _INTEGER:
            return _integer(octets[begin + 1 : end])
        if kind == _STRING:
            return self._read_string(_integer(octets[begin + 1 : end]))
        if kind == _ARRAY:
            return self._read_array(_integer(octets[begin + 1 : end]), depth)
        if kind == _SIMPLE_STRING:
            return octets[begin + 1 : end]
        if kind == _ERROR:
            return _refused(octets[begin + 1 : end])
        raise BadAnswerError("what is no Redis protocol, version 2")

    def _read_string(self, size: int) -> Answer:
        if size < 0:
            _check_null(size)
            return None
        if size > MAX_STRING:
            raise BadAnswerError("a string that is too long")
        begin = self._at
        end = begin + size
        if len(self._octets) < end + 2:
            return _INCOMPLETE
        if self._octets[end : end + 2] != _END:
            raise BadAnswerError("a string without its end")
        self._at = end + 2
        return self._octets[begin:end]

    def _read_array(self, size: int, depth: int) -> Answer:
        if size < 0:
            _check_null(size)
            return None
        self._n_elements += size
        if self._n_elements > MAX_ELEMENTS or depth == MAX_DEPTH:
            raise BadAnswerError("an array that is too long or too deep")
        elements: list[Answer] = []
        for _ in range(size):
            if self._at >= len(self._octets):
                return _INCOMPLETE
            element = self._read(depth + 1)
            if element is _INCOMPLETE:
                return _INCOMPLETE
            elements.append(element)
        return elements


def _integer(digits: bytes) -> int:
    if len(digits) == 1 and 0 <= digits[0] - _ZERO <= 9:
        return digits[0] - _ZERO
    if len(digits) > _MAX_DIGITS:
        raise BadAnswerError("a number that is too long")
    try:
        return int(digits)
    except ValueError as error:
        raise BadAnswerError("a number that is none") from error


def _check_null(size: int) -> None:
    if size != -1:
        raise BadAnswerError("a negative length")


def _refused(line: bytes) -> Refused:
    """Read an error. What a script met stands within its text.

    `ERR Error running script …: -OOM …`, or `@user_script: 14: -READONLY …` where the script itself has answered it. A
    right that its user lacks is told without a code: `ERR The user executing the script can't run this command …`.
    """
    text = line[: 4 * _MAX_TEXT].decode("utf-8", "replace")
    code, _, rest = text.partition(" ")
    if code == "ERR" or not code.isalnum():
        code = next((found for within, found in _WITHIN.items() if within in rest), code)
    return Refused(code[:32] if code.isalnum() else "ERR", printable(text)[:_MAX_TEXT])
