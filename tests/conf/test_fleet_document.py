"""`docs/fleet.md` and the code are in step: rights, keys, states, times and words."""

import re
from pathlib import Path

import pytest

from gateway.cli import alerts
from gateway.config.fleet import FLEET_KEYS
from gateway.fleet import claiming, hosts, joins, outbox, patience, scripts
from gateway.fleetapi import host_records
from gateway.ipc.orders import LEAVE_TIMEOUT_S
from gateway.supervisor import reach, sharing_news
from gateway.supervisor.fleet_status import HostState

TEXT = (Path(__file__).parents[2] / "docs/fleet.md").read_text()


def rows_after(head: str) -> list[list[str]]:
    """The cells of the table that begins with this head."""
    table = TEXT.partition(f"{head}\n")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()[1:]]


def test_the_rights_are_those_that_are_needed():
    (line,) = re.findall("^user radgate .*$", TEXT, re.MULTILINE)
    rights = " ".join(f"+{command}" for command in scripts.COMMANDS)
    assert set(line.split()) == set(
        f"user radgate on >PASSWORD ~{scripts.KEYS} resetchannels &{scripts.CHANNELS} -@all {rights}".split()
    )


def test_the_keys_are_those_that_there_are_with_their_defaults():
    found = {row[0].strip("`"): row[1].strip("`") for row in rows_after("| key | default | meaning |")}
    assert set(found) == set(FLEET_KEYS)
    for key, default in FLEET_KEYS.items():
        assert not default or found[key] == default


def test_the_states_are_those_that_there_are():
    assert {row[0].strip("`") for row in rows_after("| state | meaning |")} == {state.value for state in HostState}


@pytest.mark.parametrize("row", rows_after("| what is said | what to do |"), ids=lambda row: row[0])
def test_what_is_said_is_said(row):
    words = re.sub(r" \(…\)| at host …|HOST … ", "", row[0].strip("`"))
    assert words in Path(alerts.__file__).read_text()


def test_the_times_are_those_of_the_code():
    assert f"After {hosts.LEASE_S:.0f} s of silence" in TEXT
    assert f"one that has not for {hosts.LEASE_S:.0f} s is silent" in TEXT
    assert hosts.BEAT_INTERVAL_S == 0.5
    assert f"asked at B within {claiming.GRACE_S:.0f} s after A has answered" in TEXT
    decided_s = int(outbox._DECIDED_LIFE) // 1000
    assert f"within {decided_s} s after A's answer" in TEXT
    assert f"{outbox.LIFE_S:.0f} s; once decided {decided_s} s" in TEXT
    assert rows_after("| key | content | life |")[1][2] == f"{host_records.LIFE_S} s"
    assert f"{1000 * patience.LEAST_S:.0f} to {1000 * patience.MOST_S:.0f} ms" in TEXT
    assert (patience.N_LATE, patience.N_IN_TIME) == (3, 3)
    assert f"to the others within {LEAVE_TIMEOUT_S:.0f} s" in TEXT
    assert f"what B has said last counts for {reach.HOLD_S:.0f} s" in TEXT
    assert f"once that has lasted for {sharing_news.STEADY_S:.0f} s" in TEXT
    assert f"after {joins.LONGEST_S:.0f} s in all" in TEXT
