"""The fleet itself, against a gateway that does what a test tells it to."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from gateway.radius.dictionary import Code
from gateway.radius.packet import Packet, decode_packet
from gateway.radius.reply import encode_reply
from gateway.radius.shared_secret import SharedSecret
from tests.chaos.figures import play
from tests.chaos.fleet import N_IDENTIFIERS, Address, Fleet, Habits
from tests.chaos.records import ACCEPT, REJECT, Plan

SECRET = "a secret of the test"
HASTY = Habits(retry_s=0.01, tries=5)
Answer = Callable[[Packet, int], list[bytes]]


class Gateway:
    """Answers each packet by what `answer` says to it, given how often these octets have come."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.received: list[bytes] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(("127.0.0.1", 0))
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read)
        self.address: Address = self._socket.getsockname()

    def _read(self) -> None:
        octets, source = self._socket.recvfrom(4096)
        self.received.append(octets)
        for reply in self._answer(decode_packet(octets), self.received.count(octets)):
            self._socket.sendto(reply, source)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()


def reply(packet: Packet, code: Code = Code.ACCESS_ACCEPT, text: str = "hello", secret: str = SECRET) -> bytes:
    return encode_reply(code, packet, SharedSecret(secret.encode()), text)


def silence(_packet: Packet, _times: int) -> list[bytes]:
    return []


def plans(n_logins: int) -> list[Plan]:
    return [Plan(f"user{number}") for number in range(n_logins)]


def with_gateways(
    scenario: Callable[[Fleet, list[Gateway]], Coroutine[Any, Any, None]],
    *answers: Answer,
    habits: Habits = HASTY,
    n_ports: int = 2,
) -> None:
    async def run() -> None:
        gateways = [Gateway(answer) for answer in answers]
        async with Fleet([each.address for each in gateways], SECRET, habits, n_ports=n_ports) as fleet:
            await scenario(fleet, gateways)
        for gateway in gateways:
            gateway.close()

    play(run())


def test_every_login_is_recorded_with_its_reply() -> None:
    async def scenario(fleet: Fleet, gateways: list[Gateway]) -> None:
        records = await fleet.run(plans(100), rate=10_000)
        assert [record.user for record in records] == [f"user{number}" for number in range(100)]
        assert {(record.code, record.message, record.n_packets) for record in records} == {(ACCEPT, "hello", 1)}
        assert all(0 <= record.latency_s < float("inf") for record in records)
        assert sum(record.n_sent for record in records) == len(gateways[0].received) == fleet.n_sent
        assert len(fleet.answers) == fleet.n_finished == 100

    with_gateways(scenario, lambda packet, _times: [reply(packet)], habits=Habits(retry_s=10))


def test_the_same_octets_are_sent_until_they_are_answered() -> None:
    async def scenario(fleet: Fleet, gateways: list[Gateway]) -> None:
        (record,) = await fleet.run(plans(1), rate=1)
        assert (record.code, record.n_sent, record.n_packets) == (REJECT, 3, 1)
        assert len(set(gateways[0].received)) == 1

    with_gateways(scenario, lambda packet, times: [reply(packet, Code.ACCESS_REJECT)] if times == 3 else [])


def test_a_nas_gives_up_after_its_tries() -> None:
    async def scenario(fleet: Fleet, _gateways: list[Gateway]) -> None:
        (record,) = await fleet.run(plans(1), rate=1)
        assert (record.code, record.n_sent) == (None, HASTY.tries)
        assert record.ended_at == record.gave_up_at < float("inf")

    with_gateways(scenario, silence)


def test_the_second_server_gets_a_new_packet_of_the_same_login() -> None:
    async def scenario(fleet: Fleet, gateways: list[Gateway]) -> None:
        (record,) = await fleet.run(plans(1), rate=1)
        first, second = gateways
        assert (record.code, record.n_sent, record.n_packets) == (ACCEPT, HASTY.tries + 1, 2)
        assert len(set(first.received)) == 1
        assert second.received[0] not in first.received

    with_gateways(scenario, silence, lambda packet, _times: [reply(packet)])


def test_a_deaf_nas_asks_again_and_compares() -> None:
    async def scenario(fleet: Fleet, _gateways: list[Gateway]) -> None:
        (record,) = await fleet.run(plans(1), rate=1)
        assert (record.code, record.n_sent) == (ACCEPT, 2)
        assert (record.n_duplicates, record.n_conflicting, record.was_deaf) == (1, 0, True)

    with_gateways(scenario, lambda packet, _times: [reply(packet)], habits=HASTY._replace(deaf=1.0))


def test_a_deaf_nas_that_hears_nothing_more_was_left_in_silence() -> None:
    async def scenario(fleet: Fleet, _gateways: list[Gateway]) -> None:
        (record,) = await fleet.run(plans(1), rate=1)
        assert record.code == ACCEPT
        assert record.gave_up_at < float("inf")

    with_gateways(
        scenario, lambda packet, times: [reply(packet)] if times == 1 else [], habits=HASTY._replace(deaf=1.0)
    )


@pytest.mark.parametrize("other", [(Code.ACCESS_REJECT, "hello"), (Code.ACCESS_ACCEPT, "something else")])
def test_other_octets_for_the_same_request_are_noticed(other: tuple[Code, str]) -> None:
    async def scenario(fleet: Fleet, _gateways: list[Gateway]) -> None:
        (record,) = await fleet.run(plans(1), rate=1)
        assert (record.n_duplicates, record.n_conflicting >= 1) == (0, True)

    def answer(packet: Packet, times: int) -> list[bytes]:
        return [reply(packet)] if times == 1 else [reply(packet, *other)]

    with_gateways(scenario, answer, habits=HASTY._replace(deaf=1.0))


def test_replies_of_strangers_are_no_replies() -> None:
    async def scenario(fleet: Fleet, _gateways: list[Gateway]) -> None:
        (record,) = await fleet.run(plans(1), rate=1)
        assert (record.code, fleet.n_strays) == (ACCEPT, 3)

    def answer(packet: Packet, times: int) -> list[bytes]:
        return [reply(packet)] if times == 4 else [reply(packet, secret="a stranger's"), b""][: 1 + (times == 5)]

    with_gateways(scenario, answer)


def test_a_port_has_so_many_identifiers_and_the_others_wait() -> None:
    async def scenario(fleet: Fleet, gateways: list[Gateway]) -> None:
        records = await fleet.run(plans(300), rate=1_000_000)
        assert len(records) == 300
        assert fleet.n_short > 0
        first = gateways[0].received[:N_IDENTIFIERS]
        assert len({octets[1] for octets in first}) == N_IDENTIFIERS

    with_gateways(scenario, silence, habits=Habits(retry_s=0.05, tries=1), n_ports=1)


def test_progress_wakes_those_who_wait_for_it() -> None:
    async def scenario(fleet: Fleet, _gateways: list[Gateway]) -> None:
        logins = asyncio.create_task(fleet.run(plans(50), rate=5_000))
        assert await fleet.until_started(20)
        assert await fleet.until_sent(40)
        assert await fleet.until_started(1_000)
        assert fleet.n_started == 50
        assert not await fleet.until(lambda: fleet.n_sent > 1_000_000)
        await logins
        assert not await fleet.until(lambda: False)

    with_gateways(scenario, silence)


def test_a_fleet_that_is_told_to_stop_begins_nothing_more() -> None:
    async def scenario(fleet: Fleet, _gateways: list[Gateway]) -> None:
        logins = asyncio.create_task(fleet.run(plans(1_000), rate=100))
        assert await fleet.until_started(2)
        fleet.stop()
        assert len(await logins) < 1_000

    with_gateways(scenario, silence)
