"""Which discards are worth a line."""

from gateway.engine import discard_notices as module
from gateway.engine.discard_notices import (
    DAY_S,
    INTERVAL_S,
    DiscardNotices,
    Notice,
    UnsignedNas,
)
from gateway.engine.nas import Nas
from gateway.radius.discards import DiscardReason
from tests.engine.scene import SECRET, Stage

UNKNOWN, WRONG = DiscardReason.UNKNOWN_CLIENT, DiscardReason.WRONG_SECRET
SOURCE = "192.0.2.10"


def nas() -> Nas:
    return Nas("radius_ip_1", Stage().section, SECRET)


def discard(
    notices: DiscardNotices, now: float, *, source: str = SOURCE, reason: DiscardReason = UNKNOWN, listener: int = 0
) -> Notice | None:
    return notices.discarded(reason, source, listener, None, now)


def sources(n_sources: int) -> list[str]:
    return [f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}" for number in range(n_sources)]


def test_the_first_of_a_kind_has_a_line_at_once():
    client = nas()
    assert DiscardNotices().discarded(WRONG, SOURCE, 3, client, 0.0) == Notice(WRONG, SOURCE, 3, client, 1)


def test_then_one_line_an_interval_with_the_number_left_out():
    notices = DiscardNotices()
    assert discard(notices, 0.0) is not None
    assert [discard(notices, float(second)) for second in range(1, 60)] == [None] * 59
    notice = discard(notices, INTERVAL_S)
    assert notice is not None
    assert notice.n_packets == 60
    assert discard(notices, INTERVAL_S + 1) is None
    notice = discard(notices, 2 * INTERVAL_S)
    assert notice is not None
    assert notice.n_packets == 2


def test_every_packet_is_in_a_line_or_waits_for_one():
    notices, told = DiscardNotices(), 0
    for number in range(1000):
        notice = discard(notices, number * 0.7)
        told += notice.n_packets if notice else 0
    notice = discard(notices, 10_000.0)
    assert notice is not None
    assert told + notice.n_packets == 1001


def test_kinds_sources_and_listeners_have_lines_of_their_own():
    notices = DiscardNotices()
    assert discard(notices, 0.0) is not None
    assert discard(notices, 0.0, reason=WRONG) is not None
    assert discard(notices, 0.0, source="192.0.2.11") is not None
    assert discard(notices, 0.0, listener=1) is not None
    assert discard(notices, 0.0, listener=1) is None


def test_too_many_sources_share_a_line_for_each_reason():
    notices = DiscardNotices()
    crowd = sources(module._MAX_SOURCES)
    assert all(discard(notices, 0.0, source=source) for source in crowd)
    assert discard(notices, 1.0, source="192.0.2.1") == Notice(UNKNOWN, "", 0, None, 1)
    assert discard(notices, 2.0, source="192.0.2.2") is None
    assert discard(notices, 3.0, source="192.0.2.3") is None
    assert discard(notices, 4.0, source="192.0.2.4", reason=WRONG) == Notice(WRONG, "", 0, None, 1)


def test_a_shared_line_names_no_client_although_the_last_packet_had_one():
    notices, client = DiscardNotices(), nas()
    for source in sources(module._MAX_SOURCES):
        discard(notices, 0.0, source=source)
    notice = notices.discarded(WRONG, "192.0.2.1", 0, client, 1.0)
    assert notice is not None
    assert (notice.source, notice.nas) == ("", None)


def test_a_source_that_is_remembered_keeps_its_own_line_in_a_crowd():
    notices = DiscardNotices()
    crowd = sources(module._MAX_SOURCES)
    for source in crowd:
        discard(notices, 0.0, source=source)
    notice = discard(notices, INTERVAL_S, source=crowd[0])
    assert notice is not None
    assert notice.source == crowd[0]


def test_after_the_crowd_has_gone_sources_are_told_apart_again():
    notices = DiscardNotices()
    for source in sources(module._MAX_SOURCES + 100):
        discard(notices, 0.0, source=source)
    notice = discard(notices, INTERVAL_S + 1.0, source="192.0.2.1")
    assert notice is not None
    assert notice.source == "192.0.2.1"


def test_a_flood_of_forged_sources_costs_bounded_memory_and_few_lines():
    notices, lines = DiscardNotices(), 0
    for number, source in enumerate(sources(50_000)):
        lines += discard(notices, number * 0.001, source=source) is not None
        assert len(notices._quiet) <= module._MAX_SOURCES + len(DiscardReason)
    assert lines <= module._MAX_SOURCES + 1


def test_a_full_table_is_tidied_once_a_second_at_most():
    """Walking it for every packet of a flood would cost more than the packets."""
    notices, tables = DiscardNotices(), []
    for source in sources(module._MAX_SOURCES):
        discard(notices, 0.0, source=source)
    for number in range(1000):
        discard(notices, 1.0 + number * 0.001, source=f"198.51.{number >> 8}.{number & 255}")
        if not tables or notices._quiet is not tables[-1]:
            tables.append(notices._quiet)
    assert len(tables) == 1


def test_a_client_that_does_not_sign_is_named_once_a_day_wherever_it_sends_from():
    notices, client, other = DiscardNotices(), nas(), nas()
    assert notices.unsigned(client, SOURCE, 0.0) == UnsignedNas(SOURCE, client)
    assert notices.unsigned(client, "192.0.2.11", 1.0) is None
    assert notices.unsigned(other, SOURCE, 1.0) == UnsignedNas(SOURCE, other)
    assert notices.unsigned(client, SOURCE, DAY_S - 1.0) is None
    assert notices.unsigned(client, SOURCE, DAY_S) == UnsignedNas(SOURCE, client)
