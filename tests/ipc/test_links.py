"""From one worker to the next: every message arrives, in order, and the end is heard."""

import asyncio
import socket

from gateway.engine.challenges.records import used_record
from gateway.engine.records import LoginRecord, ReplyRecord, verdict_record
from gateway.engine.verdict import rejection
from gateway.ipc.links import (
    ChallengeNoted,
    HandedOver,
    LinkReader,
    LinkWriter,
    LoginForgotten,
    LoginKept,
    Message,
    ReplyKept,
)
from gateway.words.reasons import Reason

RECORD = LoginRecord(7, 3, 1, "s", "alice", b"key", "waiting", "push", "tx", 1.0, 2.0, 0.5, [])
LOST = verdict_record(rejection(Reason.PUSH_LOST))


def heard(messages: list[Message], *, is_slow: bool = False) -> list[Message | None]:
    """Send messages and close; return what the other end hears, and None for the end."""

    async def scene() -> list[Message | None]:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        writer = LinkWriter(ours, loop)
        found: list[Message | None] = []
        ended = asyncio.Event()

        def end() -> None:
            found.append(None)
            ended.set()

        if not is_slow:
            LinkReader(theirs, loop, found.append, end, end)
        for message in messages:
            writer.send(message)
        if is_slow:
            LinkReader(theirs, loop, found.append, end, end)
        await writer.flushed()
        writer.close()
        writer.send(HandedOver())  # nobody hears it, and nothing breaks
        await ended.wait()
        return found

    return asyncio.run(scene())


def test_all_kinds_of_messages_arrive_as_they_were_sent():
    messages: list[Message] = [
        HandedOver(),
        LoginKept(RECORD),
        ReplyKept(ReplyRecord(("192.0.2.10", 40001), 0, 3, b"digest", b"reply", 9.0)),
        LoginForgotten(7, LOST),
        LoginForgotten(8, None),
        ChallengeNoted(used_record(b"name", 1_700_000_000)),
    ]
    assert heard(messages) == [*messages, None]


def test_a_reader_that_is_slow_loses_nothing():
    messages: list[Message] = [LoginForgotten(number, None) for number in range(5000)]
    assert heard(messages, is_slow=True) == [*messages, None]


def test_a_successor_that_is_gone_harms_nobody():
    async def scene() -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        writer = LinkWriter(ours, asyncio.get_running_loop())
        theirs.close()
        writer.send(HandedOver())
        await writer.flushed()

    asyncio.run(scene())


def test_a_verdict_is_the_same_at_the_other_end():
    verdict = rejection(Reason.UNKNOWN_FACTOR)
    (message, _) = heard([LoginForgotten(7, verdict_record(verdict))])
    assert isinstance(message, LoginForgotten)
    assert message.verdict is not None
    assert message.verdict.verdict == verdict


def test_a_message_that_is_not_known_is_counted_and_those_behind_it_are_heard():
    async def scene() -> tuple[list[Message], int]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        found: list[Message] = []
        ended, n_unread = asyncio.Event(), 0

        def count() -> None:
            nonlocal n_unread
            n_unread += 1

        LinkReader(theirs, asyncio.get_running_loop(), found.append, ended.set, count)
        ours.send(b"\xc1")
        writer = LinkWriter(ours, asyncio.get_running_loop())
        writer.send(HandedOver())
        await writer.flushed()
        writer.close()
        await ended.wait()
        return found, n_unread

    assert asyncio.run(scene()) == ([HandedOver()], 1)


def test_each_word_has_the_name_that_workers_of_other_versions_know():
    words = (HandedOver, LoginKept, LoginForgotten, ReplyKept, ChallengeNoted)
    names = ["HandedOver", "LoginKept", "LoginForgotten", "AnswerKept", "ChallengeNoted"]
    assert [word.__struct_config__.tag for word in words] == names
