"""Records of the logging library as lines.

A record's fields are handed over as `extra={"fields": {...}}`.
"""

import logging
import time
from typing import Any

import msgspec

from gateway.logs.lines import Lines


class LineFormatter(logging.Formatter):
    """Writes records as `lines` do events."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def format(self, record: logging.LogRecord) -> str:
        """Return a record's line, without its end."""
        fields = _fields(record)
        if record.exc_info:
            fields = {**fields, "traceback": self.formatException(record.exc_info)}
        return self._lines.line(record.created, record.levelno, record.name, record.getMessage(), fields)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return getattr(record, "fields", None) or {}


class AuthEventFormatter(logging.Formatter):
    """The objects of `authevents.log`, which come as such; what else must be told there is an object too."""

    def __init__(self, events_logger: str) -> None:
        """Take the name of the logger that events come from."""
        super().__init__()
        self._events_logger = events_logger

    def format(self, record: logging.LogRecord) -> str:
        """Return a record's line, without its end."""
        message = record.getMessage()
        if record.name == self._events_logger:
            return message
        timestamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        return msgspec.json.encode({"timestamp": timestamp, "event_type": "log", "msg": message}).decode()
