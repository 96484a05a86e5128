"""What visitors ask of the kept logins, and what is no question."""

import pytest

from gateway.console.kept import Query
from gateway.console.queries import BadQueryError, parse_query


@pytest.mark.parametrize(
    ("parameters", "query"),
    [
        ({}, Query()),
        ({"q": "  ", "limit": "", "since": ""}, Query()),
        ({"q": " alice  duo_denied "}, Query(words=("alice", "duo_denied"))),
        (
            {"user": "alice", "server": "one", "reason": "duo_denied", "answer": "Access-Reject"},
            Query(user="alice", section="one", reason="duo_denied", reply="Access-Reject"),
        ),
        ({"since": "1800000000.5", "until": "1800000100"}, Query(since=1_800_000_000.5, until=1_800_000_100.0)),
        ({"before": "77", "limit": "200"}, Query(before=77, limit=200)),
    ],
)
def test_parameters(parameters, query):
    assert parse_query(parameters) == query


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"usr": "alice"}, "usr: is not known; there are q, user"),
        ({"limit": "0"}, "limit: write a whole number from 1 to 200"),
        ({"limit": "201"}, "limit: write"),
        ({"limit": "9" * 100}, "limit: write"),
        ({"limit": "²"}, "limit: write"),
        ({"before": "-1"}, "before: write"),
        ({"since": "nine"}, "since: write Unix seconds"),
        ({"until": "inf"}, "until: write Unix seconds"),
        ({"answer": "reject"}, "answer: write Access-Accept or Access-Reject or Access-Challenge or none"),
        ({"reason": "duo_deny"}, "reason: write duo_denied$"),
        ({"q": "a " * 9}, "q: write at most 8 words"),
        ({"user": "a" * 257}, "user: write at most 256 characters"),
    ],
)
def test_what_is_no_question_says_what_to_write(parameters, text):
    with pytest.raises(BadQueryError, match="^" + text.replace("(", r"\(")):
        parse_query(parameters)
