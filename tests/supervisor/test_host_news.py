"""What the log says of other hosts, once each."""

import logging

import msgspec
import pytest

from gateway.supervisor.host_news import HostNews
from tests.supervisor.fleet_scene import OTHER, RECORD, SILENT, fleet_of, shown

CHANGED = OTHER._replace(
    record=msgspec.structs.replace(RECORD, sections={**RECORD.sections, "radius_server_duo_only": "z"})
)


@pytest.fixture(autouse=True)
def _level(caplog):
    caplog.set_level(logging.INFO, "gateway.fleet")


@pytest.mark.parametrize(
    ("host", "text"),
    [
        (SILENT, "Host gw-b is silent: it does not beat any more, and has not said that it leaves"),
        (OTHER._replace(is_leaving=True), "Host gw-b leaves: it takes no more logins"),
    ],
)
def test_how_a_host_ends_is_said_once(host, text, caplog):
    news = HostNews()
    for each in (OTHER, host, host):
        news.tell(fleet_of(shown(each)))
    assert caplog.messages == [text]


def test_other_settings_are_said_once_and_so_is_their_end(caplog):
    news = HostNews()
    arriving = OTHER._replace(instance="c" * 16, record=None)
    for each in (CHANGED, CHANGED, arriving, CHANGED, OTHER, OTHER):
        news.tell(fleet_of(shown(each)))
    assert caplog.messages == [
        "Host gw-b has other settings for [radius_server_duo_only], or lacks it: logins there may end differently",
        "Host gw-b has the same settings for [radius_server_duo_only] again",
    ]


def test_a_host_that_is_upgraded_has_neither_other_settings_nor_the_same_again(caplog):
    news, upgraded = HostNews(), OTHER._replace(record=msgspec.structs.replace(RECORD, version="1.2.4"))
    for each in (CHANGED, upgraded, CHANGED):
        news.tell(fleet_of(shown(each)))
    assert len(caplog.messages) == 1


def test_a_stranger_may_be_of_this_fleet_or_of_another_one(caplog):
    HostNews().tell(fleet_of(strangers=1))
    (text,) = caplog.messages
    assert "if it is of this fleet, compare fleet_key_file; if not, give each fleet a store of its own" in text


@pytest.mark.parametrize("what", [{"strangers": 1}, {"same_names": ["gw-b"]}])
def test_what_is_wrong_among_all_ends_only_where_it_is_heard(what, caplog):
    news = HostNews()
    for changed in (what, {"up": False}, what, {}, {}):
        news.tell(fleet_of(**changed))
    assert len(caplog.messages) == 2
