"""Former settings in a worker: made when a login needs them, and counted where the section of that name is."""

from gateway.config.settings import encode_settings
from gateway.ipc.memory import memfd
from gateway.ipc.orders import GenerationOrders
from gateway.statistics.layout import Measure
from gateway.worker.generations import GenerationParts, Generations
from tests.config.files import MINIMAL, parse
from tests.statistics.scene import FIRST, Row


def generations(row: Row, former_sections: str = "") -> Generations:
    """Those of a worker of generation 2, which may be asked for generation 1."""
    former = memfd("former", encode_settings(parse(MINIMAL + former_sections)[0]))
    own = GenerationParts(2, parse(MINIMAL)[0], row.writer)
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


def test_settings_that_are_not_there_are_none():
    assert generations(Row()).find(7) is None
