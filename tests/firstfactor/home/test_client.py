"""The client against scripted home servers: sockets, closed ports, names, and that nothing is left of it."""

import asyncio
import errno
import socket
import time
from typing import TYPE_CHECKING

import pytest

from bench.processes import free_udp_port
from gateway.engine.first_factor import Accepted, Answer, CheckFirstFactor, Refused
from gateway.firstfactor.home import client as client_module
from gateway.firstfactor.home.addresses import Found, HostPort, nas_attribute, own_nas_attribute
from gateway.firstfactor.home.client import HomeClient
from gateway.firstfactor.home.server import Limits
from gateway.firstfactor.host_states import DOWN, UP, HostState
from gateway.radius.dictionary import Code
from gateway.radius.packet import Packet
from gateway.statistics.counters import WorkerRow
from gateway.statistics.layout import BoardPlan, Measure, row_layout
from gateway.statistics.reading import read_row
from gateway.unavailable import Trouble, Unavailable
from tests.compiled import only_interpreted
from tests.descriptors import n_descriptors
from tests.firstfactor.home.answers import ask
from tests.firstfactor.home.peer import Peer, accept, be_silent, client_of, peers
from tests.https.peer import in_loop, turn_until

if TYPE_CHECKING:
    from gateway.worker.service import Asker

ALICE = b"alice"
HERE = HostPort("127.0.0.1", 1812)
REACHED = Found(socket.AF_INET, ("127.0.0.1", 1812))
AWAY = Found(socket.AF_INET, ("203.0.113.9", 1812))
SOON = Limits(retries=1, retry_wait_s=0.03)


def check(password: bytes = b"correct horse") -> CheckFirstFactor:
    return CheckFirstFactor(ALICE, password)


@in_loop
async def test_an_answer_comes_once_and_never_before_ask_returns() -> None:
    heard: list[Answer | Unavailable] = []
    with peers(accept) as (peer,), client_of([peer.home]) as client:
        asking = client.ask(check(), heard.append)
        assert client.n_pending == 1
        assert not heard
        await turn_until(lambda: bool(heard))
        assert isinstance(heard[0], Accepted)
        assert asking.took_s(time.monotonic()) > 0
        assert client.n_pending == 0


@in_loop
async def test_a_worker_can_hold_it() -> None:
    with client_of([]) as client:
        askers: dict[str, Asker] = {"radius_client": client}
        assert askers


@in_loop
async def test_who_we_are_is_said_to_the_home_server() -> None:
    with peers(accept) as (peer,):
        for nas_ip, expected in (("", b"\x7f\x00\x00\x01"), ("10.9.8.7", b"\x0a\x09\x08\x07")):
            with client_of([peer.home], nas_ip=nas_ip) as client:
                await ask(client, check())
                assert peer.packets[-1].value(4) == expected
        with client_of([peer.home], nas_ip="2001:db8::7") as client:
            await ask(client, check())
            assert peer.packets[-1].value(95) == bytes.fromhex("20010db8000000000000000000000007")
        with client_of([peer.home]) as client:  # the NAS's own goes on if it is among the attributes
            await ask(client, CheckFirstFactor(ALICE, b"x", attributes=b"\x04\x06\x0a\x01\x01\x01"))
            assert peer.packets[-1].values(4) == [b"\x0a\x01\x01\x01"]


@in_loop
async def test_ipv6() -> None:
    with peers(accept, host="::1") as (peer,), client_of([peer.home]) as client:
        assert isinstance(await ask(client, check()), Accepted)
        assert peer.packets[0].value(95) == bytes(15) + b"\x01"


@in_loop
async def test_a_name_is_looked_up() -> None:
    with peers(accept) as (peer,), client_of([HostPort("localhost", peer.home.port)], SOON) as client:
        answer = await ask(client, check())
        assert isinstance(answer, Accepted | Unavailable)  # the latter where localhost is ::1 first
        assert client.servers[0].location is not None


@in_loop
async def test_a_name_that_does_not_exist_is_passed_over() -> None:
    with peers(accept) as (peer,), client_of([HostPort("a name with blanks", 1812), peer.home]) as client:
        assert isinstance(await ask(client, check()), Accepted)
    with client_of([HostPort("a..b", 1812)]) as client:
        answer = await ask(client, check())
    assert isinstance(answer, Unavailable)
    assert answer.trouble is Trouble.DNS


@in_loop
async def test_a_closed_port_sends_to_the_next_at_once() -> None:
    closed = HostPort("127.0.0.1", free_udp_port())
    with peers(accept) as (peer,), client_of([closed, peer.home], Limits(retry_wait_s=1000)) as client:
        for _ in range(3):
            assert isinstance(await ask(client, check()), Accepted)


@in_loop
async def test_a_socket_lives_on_after_refusals() -> None:
    """libuv watches a socket no more that has had an error."""
    home = HostPort("127.0.0.1", free_udp_port())
    with client_of([home], Limits(retries=3, retry_wait_s=0.2)) as client:
        refused = [await ask(client, check()) for _ in range(2)]
        assert [type(each) for each in refused] == [Unavailable] * 2
        assert "Connection refused" in str(refused[0])
        peer = Peer(port=home.port)
        try:
            answers = await asyncio.gather(*(ask(client, check()) for _ in range(5)))
        finally:
            peer.close()
    assert [type(each) for each in answers] == [Accepted] * 5
    assert len(set(peer.sources)) == 1


@in_loop
async def test_refusals_that_sending_meets_first() -> None:
    """The kernel tells of one by the next call, whichever that is: what is sent then is sent all the same."""
    with client_of([HostPort("127.0.0.1", free_udp_port())], Limits(retry_wait_s=0.05)) as client:
        home = HostPort("127.0.0.1", int(client.servers[0].name.split(":")[1]))
        first = asyncio.create_task(ask(client, check()))
        await asyncio.sleep(0)
        peer = Peer(port=home.port)  # after the refusal has come, before it is read
        try:
            assert isinstance(await ask(client, check()), Accepted)
            assert isinstance(await first, Accepted)
        finally:
            peer.close()


def send_nothing(client: HomeClient, error: OSError) -> list[object]:
    """Have the kernel refuse whatever is sent from the one port of a client; return what that will be."""
    (udp,) = client._sockets.values()
    refused: list[object] = []

    def send(octets: object, flags: int = 0) -> int:
        refused.append(octets)
        raise error

    udp._send = send
    return refused


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EINVAL, errno.EHOSTUNREACH])
def test_a_port_whose_own_address_is_gone_is_left_and_who_we_are_is_found_out_anew(number) -> None:
    @in_loop
    async def scene() -> None:
        with peers(accept) as (peer,), client_of([peer.home], Limits(retries=1, retry_wait_s=0.3)) as client:
            server = client.servers[0]
            assert server.location is not None
            client._perform(
                client._plan.located(
                    server, server.location._replace(nas_attribute=nas_attribute("10.9.0.2")), time.monotonic()
                )
            )
            assert isinstance(await ask(client, check()), Accepted)
            send_nothing(client, OSError(number, "no way"))
            first = asyncio.create_task(ask(client, check()))
            await turn_until(lambda: client.n_pending == 1)
            await turn_until(lambda: all(port.is_left for port in server.ports.values()))
            assert isinstance(await ask(client, check()), Accepted)
            assert isinstance(await first, Unavailable)
            assert len(set(peer.sources)) == 2
            names = [packet.value(4) for packet in peer.packets if packet.code == Code.ACCESS_REQUEST]
            assert list(dict.fromkeys(names)) == [b"\x0a\x09\x00\x02", b"\x7f\x00\x00\x01"]
            assert len(client._sockets) == 1

    scene()


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOBUFS, errno.ECONNREFUSED])
def test_a_port_is_kept_where_the_kernel_takes_nothing_for_a_moment(number) -> None:
    @in_loop
    async def scene() -> None:
        with peers(accept) as (peer,), client_of([peer.home], Limits(retry_wait_s=0.05)) as client:
            assert isinstance(await ask(client, check()), Accepted)
            (udp,) = client._sockets.values()
            send = udp._send
            refused = send_nothing(client, OSError(number, "not now"))
            question = asyncio.create_task(ask(client, check()))
            await turn_until(lambda: bool(refused))
            udp._send = send
            assert isinstance(await question, Accepted)
            assert len(set(peer.sources)) == 1

    scene()


@in_loop
async def test_silence_is_seen_and_so_is_who_is_back() -> None:
    seen: list[HostState] = []
    with peers(be_silent, accept) as (silent, other):
        homes = [silent.home, other.home]
        with client_of(homes, SOON, on_changed=lambda server: seen.append(server.state)) as client:
            assert isinstance(await ask(client, check()), Accepted)
            assert [packet.octets for packet in silent.packets[:2]] == [silent.packets[0].octets] * 2
            silent.script = accept
            client._perform(client._plan.timer(time.monotonic() + 11))  # the next Status-Server is due
            await turn_until(lambda: seen == [DOWN, UP])
            assert [packet.code for packet in silent.packets] == [1, 1, 12, 12]


@in_loop
async def test_many_at_once_are_told_apart() -> None:
    """Some are lost: the peer's socket does not hold them all."""

    def judge(packet: Packet) -> Code:
        return Code.ACCESS_ACCEPT if int(packet.user_name) % 2 else Code.ACCESS_REJECT

    with peers(judge) as (peer,), client_of([peer.home], Limits(99, 0.1, max_in_flight=1000)) as client:
        answers = await asyncio.gather(*(ask(client, CheckFirstFactor(b"%d" % n, b"x")) for n in range(600)))
        assert [type(each) for each in answers] == [Refused, Accepted] * 300
        assert len(set(peer.sources)) == 3
        assert client.servers[0].n_out == 0


@in_loop
async def test_where_replies_come_one_at_a_time_most_turns_look_for_no_second() -> None:
    looks: list[int] = []
    with peers(accept) as (peer,), client_of([peer.home]) as client:
        await ask(client, check())
        (udp,) = client._sockets.values()
        receive = udp._receive

        def look(size: int, flags: int = 0) -> bytes:
            looks.append(size)
            return receive(size, flags)

        udp._receive = look
        for _ in range(8):
            assert isinstance(await ask(client, check()), Accepted)
        assert len(looks) == 8
        answers = await asyncio.gather(*(ask(client, check()) for _ in range(100)))  # and what comes at once is read
        assert [type(each) for each in answers] == [Accepted] * 100


@in_loop
async def test_a_cancelled_question_is_never_answered() -> None:
    heard: list[Answer | Unavailable] = []
    with peers(accept) as (peer,), client_of([peer.home]) as client:
        client.ask(check(), heard.append).cancel()
        late = client.ask(CheckFirstFactor(ALICE, b"x", host="10.0.0.1:1"), heard.append)  # fails at once
        late.cancel()
        await ask(client, check())
        assert not heard
        assert client.n_pending == 0


NOWHERE = Found(socket.AF_INET, ("255.255.255.255", 1812))  # nobody may send there: a port to it cannot be opened


@in_loop
async def test_however_many_wait_for_a_home_server_to_which_no_port_opens_all_are_answered() -> None:
    heard: list[Answer | Unavailable] = []
    with client_of([HostPort("later.invalid", 1812)], Limits(max_in_flight=1), nas_ip="10.9.8.7") as client:
        for _ in range(1_500):
            client.ask(check(), heard.append)
        client._found(0, NOWHERE)
        assert {each.trouble for each in heard if isinstance(each, Unavailable)} == {Trouble.CONNECT}
        assert len(heard) == 1_500
        assert (client.n_pending, client.servers[0].n_out) == (0, 0)


@pytest.mark.parametrize("n_asked", [0, 3])
def test_close_leaves_nothing(n_asked) -> None:
    before = n_descriptors()

    @in_loop
    async def scene() -> None:
        heard: list[Answer | Unavailable] = []
        at_start = n_descriptors()
        with peers(be_silent) as (peer,):
            with client_of([peer.home], Limits(max_in_flight=1)) as client:
                questions = [check() for _ in range(n_asked)]
                for question in questions:
                    client.ask(question, heard.append)
                await asyncio.sleep(0)
            client.received(1, b"x" * 20)
            assert client.n_pending == 0
            assert all(question.password is None for question in questions)
        await asyncio.sleep(0)
        assert not heard
        assert n_descriptors() == at_start

    scene()
    assert n_descriptors() == before


@in_loop
async def test_close_ends_looking_up() -> None:
    before = asyncio.all_tasks()
    with client_of([HostPort("localhost", 1), HostPort("other.invalid", 1)]):
        assert len(asyncio.all_tasks()) == len(before) + 2
    await turn_until(lambda: asyncio.all_tasks() == before)


class NoWay:
    """No route to one of two addresses; `looks` counts how often there has been a look for one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.looks = 0
        monkeypatch.setattr(client_module, "RETRY_S", 0.01)
        monkeypatch.setattr(client_module, "own_nas_attribute", self._own)

    def _own(self, found: Found) -> bytes:
        self.looks += found is AWAY
        return b"" if found is AWAY else own_nas_attribute(found)


@only_interpreted
@in_loop
async def test_an_address_without_a_way_is_forgotten_for_a_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    no_way = NoWay(monkeypatch)
    with client_of([HERE]) as client:
        (server,) = client.servers
        client._found(0, AWAY)
        assert server.location is not None
        assert server.location.sockaddr == AWAY.sockaddr
        await turn_until(lambda: no_way.looks > 3)  # it may be there in the end
        client._found(0, REACHED)
        assert server.location.sockaddr == REACHED.sockaddr
        assert not client._retries


@only_interpreted
@in_loop
async def test_an_address_without_a_way_is_tried_by_one_timer_until_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often DNS has told it."""
    no_way = NoWay(monkeypatch)
    with client_of([HERE]) as client:
        for _ in range(3):
            client._found(0, AWAY)
        assert len(client._retries) == 1
        await turn_until(lambda: no_way.looks > 6)
        assert len(client._retries) == 1
        (retry,) = client._retries.values()
    assert retry.cancelled()


@in_loop
async def test_what_holds_credentials_does_not_show_them() -> None:
    heard: list[Answer | Unavailable] = []
    with peers(accept) as (peer,), client_of([peer.home]) as client:
        question = CheckFirstFactor(ALICE, b"hunter2", attributes=b"\x1a\x09hunter2", state=b"hunter2")
        asking = client.ask(question, heard.append)
        assert "hunter2" not in repr((question, asking, client.servers))
        await turn_until(lambda: bool(heard))
    assert question.password is None


class Board:
    """What a client counts of its home servers."""

    def __init__(self, *peers: HostPort) -> None:
        self.names = [f"{peer.host}:{peer.port}" for peer in peers]
        plan = BoardPlan(1, (), (), (), tuple(("radius_client", name) for name in self.names))
        self._layout = row_layout(plan)
        self._cells = [0] * self._layout.n_cells
        self.counters = WorkerRow(self._cells, self._layout, plan).first_factors["radius_client"]

    def outcomes(self) -> list[dict[str, int]]:
        counters = read_row(self._cells, self._layout).totals.counters
        return [{key[-1]: n for key, n in counters.items() if name in key} for name in self.names]

    def n_ended(self) -> int:
        totals = read_row(self._cells, self._layout).totals
        return totals.histogram(Measure.FIRST_FACTOR_SECONDS, "radius_client").n_observed

    def discards(self, number: int) -> int:
        counters = read_row(self._cells, self._layout).totals.counters
        return counters[Measure.HOST_DISCARDS, "radius_client", self.names[number], "unasked"]

    def gauge(self, measure: Measure, number: int = 0) -> int:
        return read_row(self._cells, self._layout).totals.gauges[measure, "radius_client", self.names[number]]


@in_loop
async def test_each_home_server_is_counted_with_what_became_of_the_question_there() -> None:
    with peers(be_silent, lambda _: Code.ACCESS_REJECT) as (silent, other):
        board = Board(silent.home, other.home)
        with client_of([silent.home, other.home], SOON, counters=board.counters) as client:
            assert isinstance(await ask(client, check()), Refused)
            assert board.outcomes() == [{"timeout": 1}, {"rejected": 1}]
            assert board.n_ended() == 1
            client.servers[1].discards["unasked"] = 2
            client.show()
            client.show()
            assert [board.discards(number) for number in range(2)] == [0, 2]
            assert board.gauge(Measure.HOST_FAILED) > board.gauge(Measure.HOST_HEARD) == 0
            assert board.gauge(Measure.HOST_HEARD, 1) > board.gauge(Measure.HOST_FAILED, 1) == 0


@in_loop
async def test_a_home_server_that_starts_again_has_answered_and_not_failed() -> None:
    home = HostPort("127.0.0.1", free_udp_port())
    board = Board(home)
    with client_of([home], Limits(retries=3, retry_wait_s=0.2), counters=board.counters) as client:
        question = asyncio.create_task(ask(client, check()))
        await turn_until(lambda: client.servers[0].trouble is Trouble.CONNECT)
        peer = Peer(port=home.port)
        try:
            assert isinstance(await question, Accepted)
        finally:
            peer.close()
    assert board.outcomes() == [{"accepted": 1}]


@in_loop
async def test_a_question_that_is_given_up_counts_where_it_was_in_vain() -> None:
    home = HostPort("127.0.0.1", free_udp_port())
    board = Board(home)
    with client_of([home], counters=board.counters) as client:
        asking = client.ask(check(), lambda _: None)
        await turn_until(lambda: client.servers[0].trouble is Trouble.CONNECT)
        asking.cancel()
    assert (board.outcomes(), board.n_ended()) == ([{"connect": 1}], 0)


@in_loop
async def test_waiting_for_an_address_is_waiting_for_the_home_server() -> None:
    """Else it would count as the gateway's own share of a login."""
    with client_of([HostPort("localhost", 1)]) as client:
        asking = client.ask(check(), lambda _: None)
        assert asking.took_s(time.monotonic() + 5.0) >= 5.0
