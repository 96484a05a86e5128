"""What a worker remembers of its challenges: for as long as a token can be opened, and no more than it has room for."""

import pytest

from gateway.duoapi.calls import PASSCODE, PHONE, PUSH
from gateway.engine.challenges.kept import Kept
from gateway.engine.challenges.memory import ChallengeMemory, UnixClock
from gateway.engine.challenges.records import (
    ChallengeRecord,
    is_challenge,
    kept_record,
    packed_challenge,
    unpacked_challenge,
    used_record,
)
from gateway.engine.challenges.used import AGAIN_S
from gateway.engine.passed_on import PassedOn
from gateway.engine.records import UNREADABLE
from gateway.engine.sent_replies import packed_reply, unpacked_reply
from gateway.engine.typed_factor import TypedFactor

AHEAD = 1_700_000_000.0
UNTIL = int(AHEAD) + 300
KEPT = Kept(PassedOn(b"\x19\x05key", "home", bytes(16)), b"theirs", "home")


def memory(most: int = 3) -> ChallengeMemory:
    return ChallengeMemory(UnixClock(AHEAD), most)


def test_the_clock_is_the_monotonic_one_and_what_was_told():
    assert UnixClock(AHEAD).at(5.0) == AHEAD + 5


def test_what_is_kept_is_taken_once():
    found = memory()
    found.keep(b"a", KEPT, UNTIL, 0.0)
    assert (found.take(b"a"), found.take(b"a"), found.take(b"b")) == (KEPT, None, None)


def test_what_has_expired_is_forgotten_with_the_next_one():
    found = memory()
    found.keep(b"a", KEPT, UNTIL, 0.0)
    found.keep(b"b", KEPT, UNTIL + 300, 300.0)
    assert (found.take(b"a"), found.take(b"b")) == (None, KEPT)


def test_for_one_too_many_the_one_that_expires_first_is_forgotten():
    found = memory()
    for name, until in ((b"a", UNTIL + 2), (b"b", UNTIL), (b"c", UNTIL + 1), (b"d", UNTIL + 3)):
        found.keep(name, KEPT, until, 0.0)
    assert [found.take(name) is not None for name in (b"a", b"b", b"c", b"d")] == [True, False, True, True]


def test_what_was_taken_has_no_room_any_more():
    """A home server's rounds of EAP, each answered at once, while a person reads a menu."""
    found = memory()
    found.keep(b"menu", KEPT, UNTIL, 0.0)
    for number in range(20):
        found.keep(b"round %d" % number, KEPT, UNTIL + number, 0.0)
        assert found.take(b"round %d" % number) is KEPT
    assert found.take(b"menu") is KEPT


def test_what_was_taken_does_not_keep_the_next_ones_from_their_order():
    found = memory()
    found.keep(b"menu", KEPT, UNTIL + 50, 0.0)
    for number in range(20):
        found.keep(b"round", KEPT, UNTIL + number, 0.0)
        found.take(b"round")
    for name, until in ((b"a", UNTIL + 52), (b"b", UNTIL + 51), (b"c", UNTIL + 53)):
        found.keep(name, KEPT, until, 0.0)
    assert [found.take(name) is not None for name in (b"menu", b"a", b"b", b"c")] == [False, True, True, True]


def test_nothing_of_it_is_shown():
    found = memory()
    found.keep(b"a", KEPT, UNTIL, 0.0)
    assert repr(found) == "<ChallengeMemory kept=1 used=0>"
    assert "theirs" not in repr(KEPT)
    assert "key" not in repr(KEPT)


class TestSuccession:
    """What one worker notes, another takes up."""

    def told(self, found: ChallengeMemory) -> list[ChallengeRecord]:
        records: list[ChallengeRecord] = []
        found.note = lambda record, _life_s: records.append(record)
        return records

    def test_what_is_kept_and_what_was_used_is_noted_before_all_else(self):
        found = memory()
        records = self.told(found)
        found.keep(b"a", KEPT, UNTIL, 0.0)
        assert found.use(b"a", UNTIL, 1.0)
        assert not found.use(b"a", UNTIL, 1.0)
        assert [(each.name, each.until, each.is_used) for each in records] == [
            (b"a", UNTIL, False),
            (b"a", UNTIL, True),
        ]

    def test_a_successor_has_what_is_kept(self):
        before, after = memory(), memory()
        records = self.told(before)
        before.keep(b"a", KEPT, UNTIL, 0.0)
        for record in records:
            after.adopt(unpacked_challenge(packed_challenge(record)), 1.0)
        assert after.take(b"a") == KEPT

    def test_it_takes_no_token_that_was_used_in_whatever_order_it_hears(self):
        before = memory()
        records = self.told(before)
        before.keep(b"a", KEPT, UNTIL, 0.0)
        before.use(b"a", UNTIL, 1.0)
        for heard in (records, records[::-1], records * 2):
            after = memory()
            for record in heard:
                after.adopt(record, 1.0)
            assert not after.use(b"a", UNTIL, 2.0)
            assert after.take(b"a") is None

    def test_the_packet_that_used_it_may_come_again_once_and_has_what_is_kept(self):
        before = memory()
        records = self.told(before)
        before.keep(b"a", KEPT, UNTIL, 0.0)
        assert before.use(b"a", UNTIL, 1.0, b"packet")
        assert not before.use(b"a", UNTIL, 1.0, b"packet")
        after = memory()
        for record in records:
            after.adopt(unpacked_challenge(packed_challenge(record)), 2.0)
        assert after.use(b"a", UNTIL, 3.0, b"packet")
        assert after.take(b"a") == KEPT
        assert not after.use(b"a", UNTIL, 3.0, b"packet")

    @pytest.mark.parametrize(
        ("packet", "adopted_at", "used_at"),
        [(b"other", 2.0, 3.0), (b"", 2.0, 3.0), (b"packet", 2.0, 1.0 + AGAIN_S), (b"packet", 1.0 + AGAIN_S, 2.0)],
    )
    def test_no_other_packet_may_and_not_for_long(self, packet, adopted_at, used_at):
        after = memory()
        after.adopt(used_record(b"a", UNTIL, b"packet", int(AHEAD) + 1), adopted_at)
        assert not after.use(b"a", UNTIL, used_at, packet)

    def test_a_version_that_knows_no_packets_lets_none_come_again(self):
        after = memory()
        after.adopt(used_record(b"a", UNTIL), 1.0)
        assert not after.use(b"a", UNTIL, 1.0, b"")

    def test_it_notes_each_thing_once_for_its_own_successor(self):
        before, after = memory(), memory()
        records, again = self.told(before), self.told(after)
        before.keep(b"a", KEPT, UNTIL, 0.0)
        before.keep(b"b", KEPT, UNTIL, 0.0)
        before.use(b"a", UNTIL, 1.0)
        for record in records * 2:
            after.adopt(record, 1.0)
        assert again == records

    def test_what_has_expired_is_not_taken_up(self):
        after = memory()
        records = self.told(after)
        after.adopt(used_record(b"a", UNTIL), 300.0)
        assert records == []


class TestRecords:
    @pytest.mark.parametrize("typed", [None, TypedFactor(PUSH), TypedFactor(PHONE, 2)])
    def test_a_factor_word_goes_along(self, typed):
        kept = Kept(None, b"theirs", "home", typed)
        record = kept_record(b"a", UNTIL, kept)
        assert record is not None
        assert unpacked_challenge(packed_challenge(record)).kept == kept

    def test_what_was_typed_is_not_written_down(self):
        """Its answer meets a token without what was kept for it, which is refused."""
        assert kept_record(b"a", UNTIL, Kept(None, b"theirs", "home", TypedFactor(PASSCODE, 0, "123456"))) is None

    def test_no_version_takes_it_for_a_reply(self):
        octets = packed_challenge(used_record(b"a" * 16, UNTIL))
        assert is_challenge(octets)
        for filled in (octets, octets + bytes(100), octets + b"\x01" * 100):
            with pytest.raises(UNREADABLE):
                unpacked_reply(filled)

    def test_a_reply_is_no_challenge(self):
        for expires_at in (0.0, 1e10, -1e10, 12345.6789):
            assert not is_challenge(packed_reply(("192.0.2.1", 1), 0, 0, b"d", b"\x02\x05", expires_at))

    @pytest.mark.parametrize("until", [-1, 2**33, 1.5])
    def test_an_instant_that_is_none_is_refused(self, until):
        record = used_record(b"a", UNTIL)
        record.until = until
        with pytest.raises(UNREADABLE):
            unpacked_challenge(packed_challenge(record))
