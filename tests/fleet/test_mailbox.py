"""A mailbox hears what is published to its channels."""

import asyncio

import pytest

from tests.fleet.peer import StoreVisit, ordinary, store_peer
from tests.fleet.stage import mailbox
from tests.https.peer import run


async def subscribe(visit: StoreVisit, answers: list[bytes]) -> None:
    """Let a mailbox in and answer to its channels."""
    for answer in answers:
        while (words := await visit.any_command())[0] != b"SUBSCRIBE":
            visit.send(ordinary(words))
        visit.send(answer)


SUBSCRIBED = b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"


LETTER = b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nhello\r\n"


def test_a_mailbox_hears_once_all_its_channels_are_subscribed():
    async def script(visit: StoreVisit) -> None:
        await subscribe(visit, [LETTER + SUBSCRIBED, LETTER])
        await go_on.wait()
        visit.send(SUBSCRIBED)
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, mailbox(address, b"a", b"b") as (box, letters):
            assert [await letters.next(), await letters.next()] == [(b"a", b"hello")] * 2
            assert not box.is_connected
            go_on.set()
            await letters.until_changed(1)
            assert box.is_connected
            assert box.reason == ""

    go_on = asyncio.Event()
    run(scene())


def test_a_mailbox_that_may_not_subscribe_says_so():
    async def script(visit: StoreVisit) -> None:
        await subscribe(visit, [b"-NOPERM No permissions to access a channel\r\n" + LETTER])
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, mailbox(address, b"a") as (box, letters):
            assert await letters.next() == (b"a", b"hello")
            assert not box.is_connected
            assert "see the user's rights (NOPERM" in box.reason

    run(scene())


@pytest.mark.parametrize("nonsense", [b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n:1\r\n", b"*0\r\n", b"$70000\r\n", b"!\r\n"])
def test_a_mailbox_that_hears_what_is_no_message_subscribes_again(nonsense):
    async def script(visit: StoreVisit) -> None:
        await subscribe(visit, [SUBSCRIBED])
        visit.send(nonsense if visit.number == 1 else LETTER)
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, mailbox(address, b"a") as (box, letters):
            assert await letters.next() == (b"a", b"hello")
            assert box.is_connected

    run(scene())
