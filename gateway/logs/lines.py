"""Log records as lines, in the shape that is grepped for today: time, `[namespace#level]`, text, then `key=value`
pairs.

A record's fields are handed over as `extra={"fields": {...}}`. Values come from the network too: whatever could break
a line is escaped.
"""

import logging
import time
from typing import Any

import orjson

_LEVELS = {"WARNING": "warn"}


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
        return f"{self._until_second}.{int((instant - second) * 1_000_000):06d}{self._zone}"


class TextFormatter(logging.Formatter):
    """`2026-11-22T09:00:00.123456+0000 [gateway.worker#info] text key=value key="a value"`."""

    def __init__(self) -> None:
        super().__init__()
        self._timestamps = Timestamps()

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        level = _LEVELS.get(record.levelname) or record.levelname.lower()
        line = f"{self._timestamps.text(record.created)} [{record.name}#{level}] {one_line(record.getMessage())}"
        for key, value in _fields(record).items():
            line += f" {key}={_value(value)}"
        if record.exc_info:
            line += f" traceback={_value(self.formatException(record.exc_info))}"
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `timestamp`, `level`, `logger`, `message`, and the record's fields."""

    def __init__(self) -> None:
        super().__init__()
        self._timestamps = Timestamps()

    def format(self, record: logging.LogRecord) -> str:
        """Return the object, without the line's end."""
        line: dict[str, Any] = {
            "timestamp": self._timestamps.text(record.created),
            "level": _LEVELS.get(record.levelname) or record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return getattr(record, "fields", None) or {}


def _value(value: object) -> str:
    """Return a value as it stands behind `key=`: bare if it is one plain word, else in double quotes."""
    text = str(value)
    if text and text.isascii() and text.isprintable() and not any(sign in text for sign in ' "=\\'):
        return text
    return orjson.dumps(one_line(text)).decode()


def one_line(text: str) -> str:
    """Return the text with everything escaped that could end the line or confuse a terminal."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
