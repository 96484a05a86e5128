"""Taking over what other workers leave: every record that can be read, and no harm from those that cannot."""

import asyncio
import logging
import os
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from gateway.engine.challenges.kept import Kept
from gateway.engine.challenges.records import ChallengeRecord, kept_record, packed_challenge, used_record
from gateway.engine.effects import Effect, KeepLogin, KeepReply, SendReply
from gateway.engine.login_states import PERSON_PATIENCE_S
from gateway.engine.peer import Peer
from gateway.engine.pending import PendingLogin
from gateway.engine.records import VERSION, PassedOnRecord, PrimaryRecord, verdict_record
from gateway.engine.verdict import rejection
from gateway.ipc.journal import (
    Journal,
    Origin,
    create_journal,
)
from gateway.ipc.links import (
    ChallengeNoted,
    HandedOver,
    LoginForgotten,
    LoginKept,
    ReplyKept,
)
from gateway.ipc.orders import PredecessorOrders
from gateway.words.reasons import Reason
from gateway.worker.succession import Succession
from tests.compiled import only_interpreted
from tests.descriptors import n_descriptors
from tests.worker.succession_scene import (
    KEY,
    NAS,
    Living,
    answer_record,
    asked,
    login_record,
    packed,
    packet_record,
    pending_logins,
    request,
)

if TYPE_CHECKING:
    from collections.abc import Callable

encode = msgspec.msgpack.encode


def changed(octets: bytes, place: int, value: Any) -> bytes:
    """The record with another value at one place."""
    fields = msgspec.msgpack.decode(octets)
    fields[place] = value
    return encode(fields)


STATE, FACTOR, PACKETS = 6, 7, 12


class TestOfTheDead:
    def test_a_push_with_a_name_is_asked_about(self, successor):
        successor.predecessor(encode(login_record()))
        successor.take_over()
        assert asked(successor) == ["tx-1"]
        assert (successor.engine.n_pending, successor.n_lost) == (1, 0)

    def test_what_other_hosts_call_a_login_stays(self, successor):
        successor.predecessor(encode(login_record(fleet_key=b"f" * 16, held=("owner", 3))))
        successor.take_over()
        (pending,) = pending_logins(successor)
        assert pending.fleet_key == b"f" * 16
        assert (pending.login.held.owner, pending.login.held.epoch) == ("owner", 3)

    def test_an_answer_is_given_again_octet_for_octet(self, successor):
        reply = b"\x02\x07" + bytes(18)
        successor.predecessor(answers=(packed(answer_record(request(), reply)),))
        successor.take_over()
        effects = successor.engine.datagram_received(request(), Peer((NAS, 40001), 0), time.monotonic())
        assert [each.octets for each in effects if isinstance(each, SendReply)] == [reply]

    @pytest.mark.parametrize("state", ["waiting", "lost"])
    def test_a_login_whose_packet_has_its_reply_is_forgotten(self, successor, state, caplog):
        caplog.set_level(logging.INFO, "gateway.worker")
        reply = b"\x02\x07" + bytes(18)
        successor.predecessor(encode(login_record(state=state)), answers=(packed(answer_record(request(), reply)),))
        successor.take_over()
        assert [type(each) for each in successor.effects] == [KeepReply]
        assert (successor.engine.n_pending, successor.n_lost) == (0, 0)
        assert "Took over" not in caplog.text
        effects = successor.engine.datagram_received(request(), Peer((NAS, 40001), 0), time.monotonic())
        assert [each.octets for each in effects if isinstance(each, SendReply)] == [reply]

    def test_a_login_that_yet_another_worker_has_answered_is_forgotten(self, successor):
        successor.predecessor(encode(login_record()), pid=100)
        successor.predecessor(answers=(packed(answer_record(request(), b"\x02\x07" + bytes(18))),), pid=101)
        successor.take_over()
        assert [type(each) for each in successor.effects] == [KeepReply]

    def test_an_answer_that_has_expired_is_none(self, successor):
        expired = answer_record(request(), b"\x02\x07" + bytes(18), expires_at=0.0)
        successor.predecessor(answers=(packed(expired),))
        successor.take_over()
        assert not any(isinstance(each, KeepReply) for each in successor.effects)

    def test_users_of_other_workers_are_none_of_its_business(self, successor):
        successor.predecessor(encode(login_record(bucket=1)))
        successor.take_over()
        assert (successor.engine.n_pending, successor.n_lost) == (0, 0)

    def test_two_journals_of_one_login_are_one_login(self, successor):
        record = encode(login_record())
        successor.predecessor(record, pid=100)
        successor.predecessor(record, pid=101)
        successor.take_over()
        assert asked(successor) == ["tx-1"]

    def test_a_login_that_a_dead_worker_waited_for_goes_on_although_its_own_journal_is_lost(self, successor):
        """The second one had taken it over from the first, which nobody reads any more."""
        successor.predecessor(pid=100)
        successor.predecessor(encode(login_record(elsewhere=(100, 9))), pid=101)
        successor.take_over()
        assert asked(successor) == ["tx-1"]

    def test_its_journal_is_given_back(self, successor):
        """A file that was removed goes on to take its room while somebody has it."""
        before = n_descriptors()
        successor.predecessor(encode(login_record()))
        successor.take_over()
        assert n_descriptors() == before

    def test_a_journal_that_two_slots_were_to_take_over_is_given_back_once(self, successor):
        """As after a start that has found it, where one slot takes the place of several before they have read it."""
        before = n_descriptors()
        successor.predecessor(encode(login_record()))
        successor._predecessors *= 2
        successor.take_over()
        assert asked(successor) == ["tx-1"]
        assert n_descriptors() == before

    def test_a_journal_of_another_version_is_no_journal(self, successor, caplog):
        descriptor = os.memfd_create("foreign")
        os.write(descriptor, bytes(8192))
        successor._predecessors.append(PredecessorOrders(100, 1, descriptor))
        successor.take_over()
        assert "The journal of the worker with pid 100 cannot be used" in caplog.text

    def test_a_section_that_no_settings_know_costs_its_logins_alone(self, successor, caplog):
        successor.predecessor(encode(login_record(section="gone")), encode(login_record(2, "bob")))
        successor.take_over()
        assert successor.engine.n_pending == 1
        assert "A login of [gone] cannot be taken over" in caplog.text


class TestOfAnotherVersion:
    def test_what_it_adds_to_a_record_is_not_read(self, successor):
        octets = encode([*msgspec.msgpack.decode(encode(login_record())), "a field of tomorrow", {"and": "another"}])
        reply = b"\x02\x09" + bytes(18)
        successor.predecessor(octets, answers=(packed(answer_record(request(9), reply)) + b"a field of tomorrow",))
        successor.take_over()
        again = successor.engine.datagram_received(request(9), Peer((NAS, 40001), 0), time.monotonic())
        assert [each.octets for each in again if isinstance(each, SendReply)] == [reply]
        assert asked(successor) == ["tx-1"]
        assert (successor.engine.n_pending, successor.n_lost) == (1, 0)

    def test_a_push_with_a_name_is_asked_about_whatever_its_state_is_called(self, successor):
        successor.predecessor(changed(encode(login_record()), STATE, "confirming"))
        successor.take_over()
        assert asked(successor) == ["tx-1"]

    @pytest.mark.parametrize("place", [STATE, FACTOR])
    def test_a_word_that_is_not_known_never_pushes_again(self, successor, place):
        record = login_record(state="auth", factor="push", txid="")
        successor.predecessor(changed(encode(record), place, "telepathy"))
        successor.take_over()
        now = time.monotonic()
        assert successor.engine.datagram_received(request(), Peer((NAS, 40001), 0), now) == []
        again = successor.engine.datagram_received(request(8), Peer((NAS, 40001), 0), now)
        assert [type(each) for each in again] == [KeepLogin]  # it joins, and nobody is pushed
        assert successor.engine.next_timer is not None
        assert successor.engine.next_timer == pytest.approx(record.asked_at + PERSON_PATIENCE_S)
        ends = successor.engine.timer(successor.engine.next_timer)
        assert len([each for each in ends if isinstance(each, SendReply)]) == 2
        assert successor.n_lost == 0

    @pytest.mark.parametrize("lives", [False, True])
    def test_records_of_a_version_that_is_not_known_are_refused_counted_and_said_in_one_line(
        self, successor, lives, caplog
    ):
        async def scene() -> None:
            records = encode(login_record(1)), encode(login_record(2, "bob"))
            answer, origin = answer_record(request(9), b"\x02\x09" + bytes(18)), Origin(VERSION + 1, 0.0)
            if lives:
                living = Living(successor, *records, origin=origin)
                succession = successor.begin()
                await living.said(HandedOver(), ReplyKept(answer))
                living.writer.close()
            else:
                successor.predecessor(*records, answers=(packed(answer),), origin=origin)
                succession = successor.begin()
            async with asyncio.timeout(10):
                await succession.complete()
            await ended(succession)

        asyncio.run(scene())
        assert successor.effects == []
        assert successor.n_lost == 2
        (line,) = [each.message for each in caplog.records]
        assert line == (
            "The journal of the worker with pid 100 cannot be used: its records are of version "
            f"{VERSION + 1}, and this version reads {VERSION} at most"
        )

    def test_a_clock_that_is_none_makes_no_journal(self, successor, caplog):
        successor.predecessor(encode(login_record()), origin=Origin(VERSION, float("nan")))
        successor.take_over()
        assert (successor.engine.n_pending, successor.n_lost) == (0, 1)
        assert "its clock is not a number" in caplog.text

    def test_what_a_supervisor_of_the_version_before_calls_dead_is_dead(self, successor):
        successor.predecessor(encode(login_record()), link_fd=-1)
        successor.take_over()
        assert asked(successor) == ["tx-1"]

    def test_a_writer_that_said_nothing_is_of_the_version_before_and_of_this_machines_clock(self, successor):
        record = login_record(elsewhere=(-1, -1))
        successor.predecessor(encode(record), origin=Origin(0, 0.0))
        successor.take_over()
        assert asked(successor) == ["tx-1"]
        assert pending_logins(successor)[0].started_at == record.started_at


class TestOfNoUse:
    @pytest.mark.parametrize(
        "octets",
        [
            b"",
            b"\xc1",
            encode(login_record(user="~~~")).replace(b"~~~", b"\x80~~"),
            b"\x91" * 900,
            b"\x90",
            encode("alice"),
            encode([1, 2, 3]),
            encode(login_record())[:-1],
            bytes(900),
        ],
        ids=["nothing", "no MessagePack", "no UTF-8", "nested deep", "empty", "a text", "too short", "cut", "NULs"],
    )
    def test_what_is_no_record_is_counted_and_the_others_are_taken(self, successor, octets, caplog):
        successor.predecessor(octets, encode(login_record(2, "bob")), answers=(octets or b"\xc1",))
        successor.take_over()
        assert (successor.engine.n_pending, successor.n_lost) == (1, 2)
        assert "2 records of the worker with pid 100 cannot be used" in caplog.text

    @pytest.mark.parametrize("instant", [float("nan"), float("inf"), -2e10])
    def test_an_instant_that_is_none_is_of_no_use(self, successor, instant):
        successor.predecessor(encode(login_record(asked_at=instant)))
        successor.take_over()
        assert (successor.engine.n_pending, successor.n_lost) == (0, 1)

    def test_a_packet_that_is_none_costs_itself_alone(self, successor, caplog):
        packets = [packet_record(request(), basis=b"\x01\x07"), packet_record(request(8))]
        successor.predecessor(encode(login_record(packets=packets)))
        successor.take_over()
        assert (successor.engine.n_pending, successor.n_lost) == (1, 1)
        (mistake,) = [each for each in caplog.records if "Internal error" in each.message]
        assert "worker with pid 100" in mistake.message
        assert "alice" not in str(mistake.__dict__)

    @only_interpreted
    def test_a_mistake_of_ours_costs_one_login_and_one_line(self, successor, monkeypatch, caplog):
        def fail(_pending: object) -> list[Any]:
            raise RuntimeError("alice typed 123456")

        monkeypatch.setattr(successor.engine, "adopt", fail)
        successor.predecessor(*(encode(login_record(number, f"user{number}")) for number in range(50)))
        successor.take_over()
        assert successor.n_lost == 50
        assert len([each for each in caplog.records if each.levelno == logging.ERROR]) == 2
        assert "123456" not in caplog.text

    @only_interpreted
    def test_a_mistake_when_going_on_ends_one_login(self, successor, monkeypatch):
        go_on: Callable[[PendingLogin, float, float], list[Effect]] = successor.engine.left_alone

        def fail(pending: PendingLogin, at: float, now: float) -> list[Effect]:
            if pending.login.user_name == "alice":
                raise RuntimeError
            return go_on(pending, at, now)

        monkeypatch.setattr(successor.engine, "left_alone", fail)
        successor.predecessor(encode(login_record(1)), encode(login_record(2, "bob", txid="tx-2")))
        successor.take_over()
        assert asked(successor) == ["tx-2"]

    def test_what_it_remembers_of_challenges_is_remembered(self, successor):
        """A token that was used is not taken again, and what is kept for another can be taken."""
        until, kept = int(time.time()) + 300, Kept(None, b"theirs", "home")
        record = kept_record(b"b", until, kept)
        assert record is not None
        octets = packed_challenge(used_record(b"a", until)), packed_challenge(record)
        successor.predecessor(answers=octets)
        successor.take_over()
        assert not successor.memory.use(b"a", until, time.monotonic())
        assert successor.memory.take(b"b") == kept
        assert successor.n_lost == 0

    def test_an_odd_record_of_a_challenge_costs_itself(self, successor):
        until = int(time.time()) + 300
        good = packed_challenge(used_record(b"a", until))
        odd = ChallengeRecord(b"b", until, is_used=False, accepted=PassedOnRecord(b"x", "home", b""))
        successor.predecessor(answers=(good[:-3], packed_challenge(odd), good))
        successor.take_over()
        assert not successor.memory.use(b"a", until, time.monotonic())
        assert successor.memory.take(b"b") is None
        assert successor.n_lost == 2

    def test_a_login_whose_attributes_are_none_costs_itself(self, successor):
        odd = PrimaryRecord(b"", PassedOnRecord(b"\x19\x01", "home", b"")), PrimaryRecord(b"\x19")
        records = [encode(login_record(number, primary=each)) for number, each in enumerate(odd)]
        successor.predecessor(*records, encode(login_record(3, "bob")))
        successor.take_over()
        assert (successor.engine.n_pending, successor.n_lost) == (1, 2)

    def test_a_torn_record_is_counted_once(self, successor):
        descriptor = create_journal(4, 65_536)
        journal = Journal(descriptor, KEY)
        journal.keep_reply(b"torn", time.monotonic() + 30, time.monotonic())
        start = os.pread(descriptor, 1 << 20, 0).index(b"torn")
        os.pwrite(descriptor, b"x", start)
        successor._predecessors.append(PredecessorOrders(100, 1, descriptor))
        successor.take_over()
        assert successor.n_lost == 1


class TestOfTheLiving:
    def test_what_it_says_of_challenges_is_remembered(self, successor):
        until = int(time.time()) + 300

        async def scene() -> None:
            living = Living(successor)
            succession = successor.begin()
            await living.said(HandedOver(), ChallengeNoted(used_record(b"a", until)))
            living.writer.close()
            await ended(succession)

        asyncio.run(scene())
        assert not successor.memory.use(b"a", until, time.monotonic())

    def test_nothing_is_taken_before_it_hands_over(self, successor):
        async def scene() -> None:
            living = Living(successor, encode(login_record()))
            succession = successor.begin()
            assert successor.engine.n_pending == 0
            await living.said(HandedOver())
            await succession.complete()
            assert successor.engine.n_pending == 1
            assert asked(successor) == []
            living.writer.close()
            await ended(succession)
            assert asked(successor) == ["tx-1"]

        asyncio.run(scene())

    def test_a_login_that_was_written_anew_while_the_journal_was_read_is_taken_as_it_tells(self, successor):
        """Into a cell that was read already, and the older one was struck out before it was."""

        async def scene() -> None:
            other = login_record(2, "bob", bucket=5)
            living = Living(successor)
            succession = successor.begin()
            await living.said(HandedOver(), LoginKept(login_record()), LoginKept(other))
            await succession.complete()
            assert successor.engine.n_pending == 1
            await living.said(LoginKept(login_record(txid="tx-2")))
            living.writer.close()
            await ended(succession)
            assert asked(successor) == ["tx-2"]

        asyncio.run(scene())

    def test_one_whose_journal_was_cut_off_keeps_nobody_from_serving(self, successor):
        async def scene() -> None:
            living = Living(successor, encode(login_record()))
            succession = successor.begin()
            os.ftruncate(successor._predecessors[0].journal_fd, 0)
            living.writer.close()
            await ended(succession)
            await succession.complete()

        asyncio.run(scene())

    def test_one_that_has_handed_over_to_a_worker_that_died_since_is_taken_from_at_once(self, successor):
        async def scene() -> None:
            living = Living(successor, encode(login_record()), has_handed_over=True)
            succession = successor.begin()
            async with asyncio.timeout(10):
                await succession.complete()
            assert successor.engine.n_pending == 1
            assert asked(successor) == []
            living.writer.close()
            await ended(succession)
            assert asked(successor) == ["tx-1"]

        asyncio.run(scene())

    def test_its_verdicts_and_answers_are_those_of_what_has_joined(self, successor):
        async def scene() -> None:
            living = Living(successor, encode(login_record()))
            successor.begin()
            await living.said(HandedOver())
            successor.engine.datagram_received(request(8), Peer((NAS, 40001), 0), time.monotonic())
            reply = b"\x03\x07" + bytes(18)
            await living.said(
                ReplyKept(answer_record(request(), reply)),
                LoginForgotten(1, verdict_record(rejection(Reason.DEADLINE))),
            )
            assert [each.octets[1] for each in successor.effects if isinstance(each, SendReply)] == [8]
            assert successor.engine.is_idle
            living.writer.close()

        asyncio.run(scene())

    def test_what_it_says_that_cannot_be_used_ends_nothing(self, successor):
        async def scene() -> None:
            living = Living(successor, encode(login_record()))
            succession = successor.begin()
            living.link.send(b"\xc1")
            living.link.send(encode({"type": "LoginSealed", "number": 1}))
            await living.said(LoginKept(login_record(77)), LoginForgotten(78, None), HandedOver())
            await succession.complete()
            odd = login_record(state="confirming", txid="tx-2")
            await living.said(LoginKept(odd))
            living.writer.close()
            await ended(succession)
            assert asked(successor) == ["tx-2"]

        asyncio.run(scene())


async def ended(succession: Succession) -> None:
    """Return once the links' ends have been heard."""
    async with asyncio.timeout(10):
        while not all(each.has_ended for each in succession._predecessors):  # noqa: ASYNC110 -- it tells nobody
            await asyncio.sleep(0)
