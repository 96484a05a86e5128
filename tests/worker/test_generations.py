"""Former settings in a worker: made when a login needs them, and counted where the section of that name is."""

import os

import msgspec
import pytest

from gateway.config.settings import FleetSettings, encode_settings
from gateway.ipc.memory import memfd
from gateway.ipc.orders import GenerationOrders
from gateway.statistics.layout import Measure
from gateway.worker.generations import GenerationParts, Generations
from gateway.worker.wiring import FLEET
from tests.config.files import MINIMAL, parse
from tests.statistics.scene import FIRST, Row

KEY = bytes(32)


def generations(row: Row, former_sections: str = "") -> Generations:
    """Those of a worker of generation 2, which may be asked for generation 1."""
    former = memfd("former", encode_settings(parse(MINIMAL + former_sections)[0]))
    own = GenerationParts(2, parse(MINIMAL)[0], KEY, row.writer)
    return Generations(own, [GenerationOrders(1, former)], row.writer)


def test_logins_of_a_former_section_are_counted_where_the_present_one_is():
    row = Row()
    former = generations(row).find(1)
    assert former is not None
    section = former.sections[FIRST]
    assert section.generation == 1
    section.counters.began()
    assert row.totals.gauges[Measure.PENDING, FIRST] == 1


def test_those_of_a_section_that_is_gone_are_counted_nowhere():
    row = Row()
    gone = MINIMAL.replace(f"[{FIRST}]", "[radius_server_duo_only9]").replace("[main]", "")
    former = generations(row, gone + "port=1899\n").find(1)
    assert former is not None
    former.sections["radius_server_duo_only9"].counters.began()
    assert not row.totals.gauges


def test_logins_of_a_former_fleet_ask_nobody_where_there_is_none_any_more():
    """They are held, and lost; there is nobody by the name of the fleet to ask."""
    fleet = FleetSettings(engine="redis://127.0.0.1", keys=())
    with_fleet = msgspec.structs.replace(parse(MINIMAL)[0], fleet=fleet)
    for own, expected in ((parse(MINIMAL)[0], ""), (with_fleet, FLEET)):
        former = GenerationOrders(1, memfd("former", encode_settings(with_fleet)))
        found = Generations(GenerationParts(2, own, KEY), [former]).find(1)
        assert found is not None
        assert [each.policy.fleet for each in found.sections.values()] == [expected]


def test_settings_that_are_not_there_are_none():
    assert generations(Row()).find(7) is None


def test_so_are_those_whose_descriptor_is_closed_or_something_else(caplog: pytest.LogCaptureFixture):
    own = GenerationParts(3, parse(MINIMAL)[0], KEY)
    pipe, closed = os.pipe()
    os.close(closed)
    found = Generations(own, [GenerationOrders(1, pipe), GenerationOrders(2, closed)])
    assert (found.find(1), found.find(2)) == (None, None)
    os.close(pipe)
    for number in (1, 2):
        assert f"Settings of generation {number} cannot be read: OSError" in caplog.text
