"""A whole run on real sockets: Duo, gateway and load as processes, events, and the report."""

import re

import pytest

from bench.run import run_scenario
from bench.scenario import read_scenario

pytestmark = pytest.mark.integration

TINY = """
[scenario]
question = Does everything play together?

[radius_server_duo_only]
preauth = needed
failmode = secure

[directories]
sections = 3

[load]
phases = 100x3
mix = passcode=0.5 wrong_passcode=0.1 push=0.4
n_nas = 6
source_network = 127.64.0.0/24
retransmission = rfc5080
drain_s = 60

[duo]
approval = uniform:0.1,0.5

[events]
0.8 = strangers for=1 rate=100
1 = reload
1.2 = garbage for=1 rate=100
1.5 = fault kind=slow for=0.5 delay=0.1
2 = kill-worker

[expect]
lost = 5
"""


@pytest.fixture(scope="module")
def run():
    told = []
    run = run_scenario(read_scenario(TINY, "tiny.ini"), n_workers=1, tell=lambda *words: told.append(words))
    assert told[-1][1:] == (3.0, 3.0)
    return run


def test_every_login_is_answered_and_nobody_is_pushed_twice(run):
    assert run.is_ok, run.findings
    assert run.planned == 300
    assert run.outcomes["wrong_passcode"]["accept"] == 0
    assert 0 < run.duo["pushes"] <= 150


def test_every_event_is_marked_with_what_came_of_it(run):
    notes = {event.text: event.note for event in run.events}
    assert len(notes) == 5
    assert re.fullmatch(r"generation 2 served after [\d.]+ s", notes["reload"])
    assert re.fullmatch(r"the successor in slot 0 served after [\d.]+ s", notes["a worker is killed"])
    assert notes["100 random datagrams/s"].endswith("datagrams sent")


def test_the_gateways_own_counts_are_there(run):
    assert run.discards["unknown_client"] > 0
    assert sum(run.discards.values()) > run.discards["unknown_client"]
    assert run.reasons["duo_allowed"] > 0
    assert run.gateway_ms["p50"] > 0


def test_every_process_is_watched(run):
    assert {process.role for process in run.processes} == {"supervisor", "worker 0", "Duo", "load"}
    assert all(process.rss_max_bytes > 0 for process in run.processes)
    assert run.worker_us_per_login is not None
    assert run.looks


@pytest.mark.parametrize(
    ("who", "section"), [("home server", "[home_server]"), ("directory", "[ldap_directory]\ntransport = starttls")]
)
def test_a_password_is_checked_first_by_whom_the_scenario_names(who, section):
    text = TINY.partition("[events]")[0].replace("duo_only", "auto").replace("100x3", "100x0.2")
    text = text.replace("n_nas = 6", "password = correct horse\nn_nas = 6") + section
    run = run_scenario(read_scenario(text, "tiny.ini"), n_workers=1, tell=lambda *_: None)
    assert run.is_ok, run.findings
    assert run.reasons["duo_allowed"] > 0
    assert who in {process.role for process in run.processes}
