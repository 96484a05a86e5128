"""Instants in a journal are of its writer's clock: what becomes of them where that is another, or has stood still."""

import asyncio
import time

import msgspec
import pytest

from gateway.engine.effects import KeepReply
from gateway.engine.records import VERSION
from gateway.ipc.journal import Origin, boottime_ahead_s
from gateway.ipc.links import HandedOver, LoginKept, ReplyKept
from tests.worker.succession_scene import (
    Living,
    answer_record,
    asked,
    login_record,
    packed,
    packet_record,
    pending_logins,
    request,
)

encode = msgspec.msgpack.encode


class TestOfAnotherClock:
    """The writer's instants are of another clock than the reader's, such as that of a machine that has slept since."""

    @pytest.mark.parametrize("by_s", [0.0, 5_000_000.0, -5_000_000.0])
    def test_what_was_written_a_while_ago_is_as_old_for_its_reader(self, successor, by_s):
        now = time.monotonic()
        record = login_record(asked_at=now - 20.0, pushed_at=now - 21.0, started_at=now - 22.0).moved(by_s)
        successor.predecessor(encode(record), origin=Origin(VERSION, boottime_ahead_s() - by_s))
        successor.take_over()
        (pending,) = pending_logins(successor)
        login, (transaction,) = pending.login, pending.transactions
        assert login.pushed_at == pytest.approx(now - 21.0, abs=0.1)
        assert pending.started_at == pytest.approx(now - 22.0, abs=0.1)
        assert transaction.received_at == pytest.approx(now, abs=0.1)

    @pytest.mark.parametrize("by_s", [0.0, 5_000_000.0, -5_000_000.0])
    def test_an_answer_is_given_again_for_as_long_as_its_window_lasts(self, successor, by_s):
        fresh, old = (answer_record(request(n), bytes([2, n]) + bytes(18)) for n in (8, 9))
        old = msgspec.structs.replace(old, expires_at=time.monotonic() - 1)
        answers = packed(fresh.moved(by_s)), packed(old.moved(by_s))
        successor.predecessor(answers=answers, origin=Origin(VERSION, boottime_ahead_s() - by_s))
        successor.take_over()
        (kept,) = [each for each in successor.effects if isinstance(each, KeepReply)]
        assert kept.sent.reply == fresh.reply
        assert kept.sent.expires_at == pytest.approx(fresh.expires_at, abs=0.1)

    def test_what_a_living_predecessor_tells_is_on_its_clock_too(self, successor):
        async def scene() -> None:
            now, by_s = time.monotonic(), 5_000_000.0
            origin = Origin(VERSION, boottime_ahead_s() - by_s)
            living = Living(successor, encode(login_record(started_at=now).moved(by_s)), origin=origin)
            successor.begin()
            reply = answer_record(request(9), b"\x02\x09" + bytes(18), expires_at=now + 30)
            further = login_record(pushed_at=now - 7.0).moved(by_s)
            await living.said(HandedOver(), LoginKept(further), ReplyKept(reply.moved(by_s)))
            living.writer.close()
            (pending,) = pending_logins(successor)
            assert pending.login.pushed_at == pytest.approx(now - 7.0, abs=0.1)
            (kept,) = [each for each in successor.effects if isinstance(each, KeepReply)]
            assert kept.sent.expires_at == pytest.approx(now + 30, abs=0.1)

        asyncio.run(scene())


class TestOfAMachineThatHasSlept:
    """The writer has seen it: what it wrote afterwards is of now, and a sleep is time that has passed for the rest."""

    def test_a_push_after_it_is_asked_about_and_a_reply_stays(self, successor):
        now = time.monotonic()
        record, reply = login_record(), packed(answer_record(request(9), b"\x02\x09" + bytes(18)))
        origin = Origin(VERSION, boottime_ahead_s(), 0, now - 10.0, 3_600.0)
        successor.predecessor(encode(record), answers=(reply,), origin=origin)
        successor.take_over()
        assert asked(successor) == ["tx-1"]
        (pending,) = pending_logins(successor)
        assert (pending.login.pushed_at, pending.started_at) == (record.pushed_at, record.started_at)
        assert [each.sent.reply[1] for each in successor.effects if isinstance(each, KeepReply)] == [9]

    def test_a_push_before_it_is_older_and_so_are_its_packets_but_one_that_joined_since(self, successor):
        now = time.monotonic()
        packets = [packet_record(request(), received_at=now - 22.0), packet_record(request(8), received_at=now - 1.0)]
        record = login_record(asked_at=now - 20.0, pushed_at=now - 21.0, started_at=now - 22.0, packets=packets)
        successor.predecessor(encode(record), origin=Origin(VERSION, boottime_ahead_s(), 0, now - 10.0, 30.0))
        successor.take_over()
        (pending,) = pending_logins(successor)
        assert pending.login.pushed_at == pytest.approx(now - 51.0)
        assert pending.started_at == pytest.approx(now - 52.0)
        assert [each.received_at for each in pending.transactions] == pytest.approx([now - 52.0, now - 1.0])

    def test_a_push_that_waited_through_a_long_one_has_timed_out(self, successor):
        now = time.monotonic()
        record = login_record(asked_at=now - 20.0, pushed_at=now - 20.0, started_at=now - 20.0)
        successor.predecessor(encode(record), origin=Origin(VERSION, boottime_ahead_s(), 0, now - 10.0, 3_600.0))
        successor.take_over()
        assert asked(successor) == []
        assert successor.engine.n_pending == 0

    def test_it_has_slept_once_more_since(self, successor):
        now = time.monotonic()
        successor.predecessor(
            encode(login_record(1, "alice", pushed_at=now - 20.0)),
            encode(login_record(2, "bob", pushed_at=now - 5.0)),
            origin=Origin(VERSION, boottime_ahead_s() - 7.0, 0, now - 10.0, 30.0),
        )
        successor.take_over()
        assert sorted(each.login.pushed_at for each in pending_logins(successor)) == pytest.approx(
            [now - 57.0, now - 12.0], abs=0.1
        )
