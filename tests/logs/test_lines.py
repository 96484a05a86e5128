"""Records as lines."""

import logging

import msgspec
import pytest

from gateway.logs.formatters import AuthEventFormatter, LineFormatter
from gateway.logs.lines import JsonLines, TextLines, Timestamps, one_line

INSTANT = 1795395404.123456


def record(message: str, level: int = logging.INFO, **fields) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "gateway.worker", "levelno": level, "msg": message, "created": INSTANT})
    made.fields = fields
    return made


def as_text(made: logging.LogRecord) -> str:
    return LineFormatter(TextLines()).format(made)


def as_json(made: logging.LogRecord) -> str:
    return LineFormatter(JsonLines()).format(made)


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_line_in_the_shape_that_is_grepped_for():
    line = as_text(
        record("(('10.0.0.1', 5), alice, 6): text", reply="Access-Reject", duration_ms=212, hint='say "no" = yes')
    )
    assert line == (
        "2026-11-23T00:56:44.123456+0000 [gateway.worker#info] (('10.0.0.1', 5), alice, 6): text "
        r'reply=Access-Reject duration_ms=212 hint="say \"no\" = yes"'
    )


@pytest.mark.parametrize(
    ("level", "name"), [(10, "debug"), (20, "info"), (30, "warn"), (40, "error"), (50, "critical")]
)
def test_levels_have_short_names(level, name):
    assert f"[gateway.worker#{name}]" in as_text(record("x", level))


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\x00b", "a\x1b[31mb", "a\u2028b", "a\x85b"])
def test_nothing_that_comes_from_outside_can_end_a_line_or_colour_a_terminal(text):
    for line in (
        as_text(record(text, key=text)),
        as_json(record(text, key=text)),
    ):
        assert "\n" not in line
        assert "\x1b" not in line
        assert "\x00" not in line
    assert one_line(text).isprintable()


def test_values_from_outside_cannot_forge_a_pair():
    assert (
        LineFormatter(TextLines())
        .format(record("x", user='a" reason=duo_allowed'))
        .endswith(r'user="a\" reason=duo_allowed"')
    )
    assert as_text(record("x", user="")).endswith('user=""')
    assert as_text(record("x", user="ユーザー")).endswith('user="ユーザー"')


def test_json_holds_the_same():
    line = msgspec.json.decode(as_json(record("text", logging.WARNING, reason="duo_denied", duration_ms=5)))
    assert line == {
        "timestamp": "2026-11-23T00:56:44.123456+0000",
        "level": "warn",
        "logger": "gateway.worker",
        "message": "text",
        "reason": "duo_denied",
        "duration_ms": 5,
    }


def test_a_traceback_stays_in_its_line():
    try:
        raise KeyError("boom")
    except KeyError:
        import sys

        made = record("failed", logging.ERROR)
        made.exc_info = sys.exc_info()
    line = as_text(made)
    assert "\n" not in line
    assert "KeyError" in line


def test_the_second_is_made_anew_when_it_changes():
    timestamps = Timestamps()
    assert timestamps.text(0.999999) == "1970-01-01T00:00:00.999999+0000"
    assert timestamps.text(1.0) == "1970-01-01T00:00:01.000000+0000"


def test_a_name_that_is_not_utf_8_is_a_line_all_the_same():
    assert msgspec.json.decode(as_json(record("x")))["message"] == "x"
    assert r"a\udc80b" in as_json(record("a\udc80b"))


def test_authevents_holds_objects_only():
    formatter = AuthEventFormatter("gateway.authevents")
    event = logging.makeLogRecord({"name": "gateway.authevents", "msg": '{"a": 1}'})
    other = logging.makeLogRecord({"name": "gateway.logs", "msg": "2 lines before this one", "created": INSTANT})
    assert formatter.format(event) == '{"a": 1}'
    assert msgspec.json.decode(formatter.format(other)) == {
        "timestamp": "2026-11-23T00:56:44Z",
        "event_type": "log",
        "msg": "2 lines before this one",
    }
