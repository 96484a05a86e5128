"""The names of users, found where logs have them."""

import logging
import re

import msgspec
import pytest

from gateway.config.redaction import Replacer
from gateway.logs.anonymity import name_users
from gateway.logs.lines import JsonLines, TextLines
from gateway.worker.reports import EventSection, auth_event, finished_line
from tests.worker.test_reports import finished

NAMES = [
    "y-ikeda",
    "Y-Ikeda",
    "al",
    r"CORP\bob",
    "carol@example.com",
    "John Smith",
    "ユーザー",
    'a"b',
    "x=1, 6): y",
    "-x",
]


def lines_of(name: str) -> bytes:
    """Return what the logs say of a login: text, JSON and authevents.log."""
    done = finished(user_name=name)
    text, fields = finished_line(done, 1)
    made = [form.line(0.0, logging.INFO, "gateway.worker", text, fields) for form in (TextLines(), JsonLines())]
    return "\n".join(
        [*made, msgspec.json.encode(auth_event(done, EventSection("DIXX", "duo_only_client"), "host")).decode(), ""]
    ).encode()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_found_in_every_spelling_and_gets_one_alias(name):
    text = lines_of(name)
    aliases = name_users([text])
    assert set(aliases.values()) == {b"user-0001"}
    replaced = Replacer(aliases, whole_words=True).replace(text)
    assert replaced.count(b"user-0001") == 3
    assert name.encode() not in replaced


def test_the_same_user_has_the_same_alias_in_all_files():
    aliases = name_users(
        [lines_of("alice") + lines_of("bob"), lines_of("BOB"), b"debug for username 'carol' x"], [b"dora"]
    )
    assert aliases == {
        b"alice": b"user-0001",
        b"bob": b"user-0002",
        b"BOB": b"user-0002",
        b"carol": b"user-0003",
        b"dora": b"user-0004",
    }


def test_a_login_without_a_name_is_not_a_user():
    assert not [each for each in name_users([lines_of("")]) if re.fullmatch(b"-", each)]
