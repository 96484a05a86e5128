"""A mailbox hears what is published to its channels, where its own store is asked."""

import asyncio

import pytest

from gateway.fleet import line
from gateway.fleet import mailbox as module
from tests.fleet.client_hosts import until
from tests.fleet.peer import StoreVisit, ordinary, store_peer
from tests.fleet.stage import mailbox
from tests.https.peer import run

SUBSCRIBED = b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"


def letter(channel: bytes, octets: bytes) -> bytes:
    return b"*3\r\n$7\r\nmessage\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(channel), channel, len(octets), octets)


LETTER = letter(b"a", b"hello")


class Exchange:
    """A scripted store: what is published comes to all mailboxes, as long as it is passed on.

    Attributes:
        subscribed: what it answers to each subscription of the first mailbox that comes, and of all others.
        refusal: what it answers to whoever publishes; empty while it does that.
    """

    def __init__(self, first: bytes = SUBSCRIBED, others: bytes = SUBSCRIBED + LETTER) -> None:
        self.subscribed = [first, others]
        self.is_passing = True
        self.refusal = b""
        self.boxes: list[StoreVisit] = []
        self.stores: list[StoreVisit] = []

    async def script(self, visit: StoreVisit) -> None:
        while True:
            self.answer(visit, await visit.any_command())

    def answer(self, visit: StoreVisit, words: list[bytes]) -> None:
        match words:
            case [b"SUBSCRIBE", _]:
                if visit not in self.boxes:
                    self.boxes.append(visit)
                visit.send(self.subscribed[visit is not self.boxes[0]])
            case [b"PUBLISH", _, _] if self.refusal:
                visit.send(self.refusal)
            case [b"PUBLISH", channel, octets]:
                if self.is_passing:
                    self.boxes[-1].send(letter(channel, octets))
                visit.send(b":1\r\n")
            case [b"EVALSHA", *_] if visit not in self.stores:
                self.stores.append(visit)
                visit.send(ordinary(words))
            case _:
                visit.send(ordinary(words))


def test_a_mailbox_hears_once_all_its_channels_are_subscribed_and_its_own_word_has_come_back():
    async def script(visit: StoreVisit) -> None:
        while (words := await visit.any_command())[0] not in (b"SUBSCRIBE", b"PUBLISH"):
            visit.send(ordinary(words))
        if words[0] == b"PUBLISH":
            said.set_result(letter(*words[1:]))
            await visit.until_client_leaves()
        visit.send(LETTER + SUBSCRIBED + LETTER)
        await go_on.wait()
        visit.send(SUBSCRIBED * 2)
        visit.send(await said)
        await visit.until_client_leaves()

    async def scene():
        nonlocal said
        said = asyncio.get_running_loop().create_future()
        async with store_peer(script) as address, mailbox(address, b"a", b"b") as (box, letters):
            assert [await letters.next(), await letters.next()] == [(b"a", b"hello")] * 2
            assert not box.is_connected
            go_on.set()
            await letters.until_changed(1)
            assert box.is_connected
            assert box.reason == ""

    said: asyncio.Future[bytes]
    go_on = asyncio.Event()
    run(scene())


def test_a_mailbox_that_may_not_subscribe_says_so_and_hears_once_it_may():
    async def scene():
        async with store_peer(exchange.script) as address, mailbox(address, b"a") as (box, letters):
            await until(lambda: "see the user's rights (NOPERM" in box.reason)
            assert not box.is_connected
            await until(lambda: len(exchange.boxes) > 2)
            exchange.subscribed[True] = SUBSCRIBED
            await letters.until_changed(1)
            assert box.is_connected

    refusal = b"-NOPERM No permissions to access a channel\r\n"
    exchange = Exchange(refusal, refusal)
    run(scene())


@pytest.mark.parametrize("nonsense", [b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n:1\r\n", b"*0\r\n", b"$70000\r\n", b"!\r\n"])
def test_a_mailbox_that_hears_what_is_no_message_subscribes_again(nonsense):
    async def scene():
        async with store_peer(exchange.script) as address, mailbox(address, b"a") as (box, letters):
            assert await letters.next() == (b"a", b"hello")
            await until(lambda: box.is_connected)

    exchange = Exchange(SUBSCRIBED + nonsense)
    run(scene())


def test_a_mailbox_whose_own_word_does_not_come_back_is_deaf_and_subscribes_again(monkeypatch):
    monkeypatch.setattr(module, "ECHO_S", 0.0)

    async def scene():
        async with store_peer(exchange.script) as address, mailbox(address, b"a") as (box, letters):
            await letters.until_changed(1)
            exchange.is_passing = False
            await letters.until_changed(2)
            assert not box.is_connected
            assert "does not come back to it" in box.reason
            await until(lambda: len(exchange.boxes) > 2)
            assert letters.n_changes == 2
            exchange.is_passing = True
            await letters.until_changed(3)
            assert box.is_connected

    exchange = Exchange()
    run(scene())


def test_a_mailbox_that_may_not_publish_any_more_says_so_and_hears_once_it_may(monkeypatch):
    """Others may be silent for the same reason."""
    monkeypatch.setattr(module, "ECHO_S", 0.0)

    async def scene():
        async with store_peer(exchange.script) as address, mailbox(address, b"a") as (box, letters):
            await letters.until_changed(1)
            exchange.refusal = b"-NOPERM this user has no permissions to run the 'publish' command\r\n"
            await letters.until_changed(2)
            assert (box.is_connected, box.is_hearing) == (False, False)
            assert "does not publish what this host says (NOPERM" in box.reason
            exchange.refusal = b""
            await letters.until_changed(3)
            assert box.is_hearing

    exchange = Exchange()
    run(scene())


def test_a_store_that_does_not_answer_makes_no_mailbox_deaf(monkeypatch):
    monkeypatch.setattr(module, "ECHO_S", 0.0)
    monkeypatch.setattr(line, "SILENCE_S", 0.2)

    async def script(visit: StoreVisit) -> None:
        while (words := await visit.any_command())[0] != b"PUBLISH":
            visit.send(SUBSCRIBED if words[0] == b"SUBSCRIBE" else ordinary(words))
        visits.append(visit.number)
        await visit.until_client_leaves()  # at the latest after the line's silence

    async def scene():
        async with store_peer(script) as address, mailbox(address, b"a") as (box, _letters):
            await until(lambda: len(visits) == 2)  # the store was left; its mailbox was not
            assert not box.is_connected
            assert max(visits) == 3

    visits: list[int] = []
    run(scene())


def test_a_mailbox_whose_store_stands_still_hears_nobody_until_that_goes_on(monkeypatch):
    monkeypatch.setattr(module, "ECHO_S", 0.0)

    async def script(visit: StoreVisit) -> None:
        while True:
            words = await visit.any_command()
            if words[0] == b"PUBLISH":
                await is_going.wait()
            exchange.answer(visit, words)

    async def scene():
        async with store_peer(script) as address, mailbox(address, b"a") as (box, letters):
            is_going.set()
            await letters.until_changed(1)
            assert box.is_hearing
            is_going.clear()
            await letters.until_changed(2)
            assert (box.is_hearing, box.is_connected, box.reason) == (False, True, "")
            is_going.set()
            await letters.until_changed(3)
            assert box.is_hearing
            assert len(exchange.boxes) == 1

    is_going = asyncio.Event()
    exchange = Exchange()
    run(scene())


def test_what_was_heard_says_nothing_of_another_connection_of_the_store(monkeypatch):
    monkeypatch.setattr(module, "ECHO_S", 1e9)

    async def scene():
        async with store_peer(exchange.script) as address, mailbox(address, b"a") as (box, letters):
            await letters.until_changed(1)
            exchange.is_passing = False
            exchange.stores[0].close()
            await letters.until_changed(2)
            await until(lambda: len(exchange.stores) == 2)
            assert not box.is_connected
            assert len(exchange.boxes) == 1

    exchange = Exchange()
    run(scene())
