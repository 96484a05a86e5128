"""What the log says of the fleet's store, once each."""

import logging

import pytest

from gateway.supervisor.sharing import Sharing
from gateway.supervisor.sharing_news import STEADY_S, SharingNews

SHARED = Sharing("")
FULL = Sharing("it is full")
THERE = "The fleet's store is there; logins are shared with other hosts"


@pytest.fixture(autouse=True)
def _level(caplog):
    caplog.set_level(logging.INFO, "gateway.fleet")


def tell(*steps: tuple[Sharing, float]) -> None:
    news = SharingNews()
    for sharing, now in steps:
        news.tell(sharing, now)


def test_that_they_are_shared_is_said_at_once_after_a_start(caplog):
    tell((SHARED, 1.0), (SHARED, 2.0))
    assert caplog.messages == [THERE]


def test_why_they_are_not_is_said_once_and_so_is_that_they_are_again(caplog):
    tell((SHARED, 1.0), (FULL, 2.0), (FULL, 3.0), (SHARED, 4.0), (SHARED, 4.0 + STEADY_S), (SHARED, 20.0), (FULL, 21.0))
    away = "The fleet's store cannot be used: it is full; this host decides alone"
    assert caplog.messages == [THERE, away, THERE, away]


def test_another_reason_is_another_line(caplog):
    tell((FULL, 1.0), (Sharing("connection refused"), 2.0), (FULL, 3.0))
    assert [each.split(": ")[1].split(";")[0] for each in caplog.messages] == ["it is full", "connection refused"]


def test_a_reason_that_the_store_words_in_several_ways_has_one_line(caplog):
    tell((Sharing("it is full (OOM command not allowed)"), 1.0), (Sharing("it is full (OOM, script: a4f7da6d)"), 2.0))
    assert len(caplog.messages) == 1


def test_how_long_a_silent_store_was_waited_for_makes_no_other_reason(caplog):
    """What DNS takes is off that time, and is another one each time."""
    tell(*[(Sharing(f"no answer from 10.0.0.5:6379 within {tenths / 10:.1f} s"), float(tenths)) for tenths in (20, 18)])
    assert len(caplog.messages) == 1


def test_a_store_that_comes_and_goes_is_told_of_no_further(caplog):
    tell(*[(FULL if second % 2 else SHARED, float(second)) for second in range(1, 60)])
    assert len(caplog.messages) == 1


def test_who_of_its_workers_is_alone_is_said_once_however_many_they_become(caplog):
    tell(*[(Sharing("the store is late", n_alone, 8), float(n_alone)) for n_alone in range(2, 9)])
    assert caplog.messages == ["Logins are not shared by 2 of 8 workers: the store is late; these workers decide alone"]


def test_reasons_without_end_fill_no_log(caplog):
    tell(*[(Sharing(str(number)), float(number)) for number in range(100)])
    assert len(caplog.messages) == 16
