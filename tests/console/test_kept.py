"""The logins that are kept: how they are found again, and that no directory pushes out another one's."""

from typing import Any

import pytest

from gateway.console.kept import KeptLogins, Query, RecentLogin
from tests.console.scene import record

NAMES = {"one": "Tokyo", "two": "Osaka"}


def kept_of(*logins: dict[str, Any], n_kept: int = 10_000) -> KeptLogins:
    kept = KeptLogins(n_kept)
    kept.add(RecentLogin(0, record(n, **changed)) for n, changed in enumerate(logins))
    return kept


def users(kept: KeptLogins, **wanted: Any) -> list[str]:
    return [each.record.user_name for each in kept.find(Query(**wanted), NAMES).logins]


SOME = (
    {"user_name": "alice", "section": "one", "client": "10.0.0.1"},
    {
        "user_name": "CORP\\Alice",
        "section": "two",
        "client": "10.0.0.2",
        "reply": "Access-Reject",
        "reason": "duo_denied",
    },
    {
        "user_name": "alice.b",
        "section": "one",
        "client": "10.0.0.2",
        "reply": "Access-Reject",
        "reason": "not_enrolled",
    },
    {"user_name": "bob", "section": "two", "client": "10.0.0.2", "reply": "none", "reason": "duo_timeout"},
)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["bob", "alice.b", "CORP\\Alice", "alice"]),
        ({"words": ("ALICE",)}, ["alice.b", "CORP\\Alice", "alice"]),
        ({"words": ("alice", "denied")}, ["CORP\\Alice"]),
        ({"words": ("tokyo",)}, ["alice.b", "alice"]),
        ({"words": ("osaka", "bob")}, ["bob"]),
        ({"words": ("two",)}, ["bob", "CORP\\Alice"]),
        ({"words": ("10.0.0.2",)}, ["bob", "alice.b", "CORP\\Alice"]),
        ({"words": ("zebra",)}, []),
        ({"user": "alice@corp.example"}, ["CORP\\Alice", "alice"]),
        ({"section": "one"}, ["alice.b", "alice"]),
        ({"section": "none such"}, []),
        ({"reason": "duo_denied"}, ["CORP\\Alice"]),
        ({"reply": "Access-Reject"}, ["alice.b", "CORP\\Alice"]),
        ({"since": record(2).at}, ["bob", "alice.b"]),
        ({"until": record(1).at}, ["CORP\\Alice", "alice"]),
        ({"section": "two", "since": record(1).at, "until": record(2).at}, ["CORP\\Alice"]),
        ({"before": 3}, ["CORP\\Alice", "alice"]),
        ({"limit": 1}, ["bob"]),
    ],
)
def test_logins_are_found_newest_first(wanted, found):
    assert users(kept_of(*SOME), **wanted) == found


def test_how_many_there_are_is_told_of_all_pages():
    page = kept_of(*SOME).find(Query(words=("alice",), before=3, limit=1), NAMES)
    assert ([each.number for each in page.logins], page.n_matching) == ([2], 3)


def test_a_busy_directory_takes_what_others_leave_and_no_more():
    kept = kept_of(*[{"section": "quiet"}] * 3, n_kept=10)
    kept.add(RecentLogin(0, record(n, section="busy")) for n in range(3, 1_000))
    assert users(kept, section="quiet") == ["user2", "user1", "user0"]
    assert users(kept, section="busy") == [f"user{n}" for n in range(999, 992, -1)]
    assert (len(kept), kept.n_found) == (10, 1_000)


def test_each_of_many_busy_directories_has_its_share():
    kept = KeptLogins(100)
    kept.add(RecentLogin(0, record(n, section=f"s{n % 10}")) for n in range(5_000))
    assert [len(users(kept, section=f"s{n}")) for n in range(10)] == [10] * 10


def test_clients_of_a_directory_the_busiest_first():
    first, second = kept_of(*SOME, {"section": "two", "client": "10.0.0.9"}).clients_of("two")
    assert first == ("10.0.0.2", 2, 1, record(3).at)
    assert second == ("10.0.0.9", 1, 0, record(4).at)
    assert kept_of().clients_of("two") == []


def test_what_many_logins_have_in_common_is_kept_once():
    kept = KeptLogins()
    texts = [f"a hint of {n} words" for n in (5, 5)]
    kept.add(RecentLogin(0, record(n, hint=text)) for n, text in enumerate(texts))
    one, other = kept.find(Query(), NAMES).logins
    assert texts[0] is not texts[1]
    assert one.record.hint is other.record.hint
