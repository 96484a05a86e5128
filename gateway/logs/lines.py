"""Events as lines, in the shape that is grepped for today: time, `[namespace#level]`, text, then `key=value` pairs.

Values come from the network too: whatever could break a line is escaped.
"""

import codecs
import json
import logging
import re
import time
from typing import Any, Final, Protocol

import msgspec

_LEVELS: Final = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warn",
    logging.ERROR: "error",
    logging.CRITICAL: "critical",
}
codecs.lookup("unicode_escape")  # imported now: later there may be no descriptor left to do it with
_PLAIN: Final = re.compile(r"[!#-<>-\[\]-~]+")  # printable ASCII without blank, double quote, equals sign and backslash
_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


class Timestamps:
    """Instants as ISO 8601 text with microseconds and the local zone; the second's text is made once a second."""

    def __init__(self) -> None:
        self._second = -1
        self._until_second = self._zone = ""

    def text(self, instant: float) -> str:
        """Return `2026-11-22T09:00:00.123456+0000` for Unix seconds."""
        second = int(instant)
        if second != self._second:
            local = time.localtime(second)
            self._second = second
            self._until_second, self._zone = time.strftime("%Y-%m-%dT%H:%M:%S", local), time.strftime("%z", local)
        microsecond = str(1_000_000 + int((instant - second) * 1_000_000))
        return f"{self._until_second}.{microsecond[1:]}{self._zone}"


class Lines(Protocol):
    """A way to write events."""

    def line(self, created: float, level: int, name: str, text: str, fields: dict[str, Any]) -> str:
        """Return the line of an event, without its end.

        Args:
            created: Unix seconds.
            level: as the logging library numbers them.
            name: of the logger.
            text: what happened.
            fields: what is known of it by name.
        """


class TextLines:
    """`2026-11-22T09:00:00.123456+0000 [gateway.worker#info] text key=value key="a value"`."""

    def __init__(self) -> None:
        self._timestamps = Timestamps()

    def line(self, created: float, level: int, name: str, text: str, fields: dict[str, Any]) -> str:
        """Return the line of an event, without its end."""
        return f"{self.stamp(created)}{origin(level, name)}{one_line(text)}{pairs(fields)}"

    def stamp(self, created: float) -> str:
        """Return what a line begins with."""
        return self._timestamps.text(created)


class JsonLines:
    """One JSON object a line: `timestamp`, `level`, `logger`, `message`, and the event's fields."""

    def __init__(self) -> None:
        self._timestamps = Timestamps()

    def line(self, created: float, level: int, name: str, text: str, fields: dict[str, Any]) -> str:
        """Return the object of an event, without the line's end."""
        content: dict[str, Any] = {
            "timestamp": self._timestamps.text(created),
            "level": _LEVELS[level],
            "logger": name,
            "message": text,
            **fields,
        }
        try:
            return _encode(content).decode()
        except ValueError:  # a file's name that is not UTF-8
            return json.dumps(content, default=str)


def origin(level: int, name: str) -> str:
    """Return what a line has behind its instant."""
    return f" [{name}#{_LEVELS[level]}] "


def pairs(fields: dict[str, Any]) -> str:
    """Return ` key=value` for each field, the value bare if it is one plain word, else in double quotes."""
    return "".join([f" {key}={_value(str(value))}" for key, value in fields.items()])


def _value(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else msgspec.json.encode(one_line(text)).decode()


def one_line(text: str) -> str:
    """Return the text with everything escaped that could end the line or confuse a terminal."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
