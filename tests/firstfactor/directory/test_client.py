"""The client against scripted directories: sockets, TLS, names, and that nothing is left of it."""

import asyncio
import logging
import ssl
import time
from typing import TYPE_CHECKING

import pytest

from gateway.config.settings import DirectoryHost, Secret, Transport
from gateway.engine.first_factor import Accepted, Answer, CheckFirstFactor, Refused
from gateway.firstfactor.directory.session import MAX_MESSAGE
from gateway.firstfactor.host_states import DOWN, UP
from gateway.ldap.ber import OCTET_STRING, element
from gateway.statistics.counters import WorkerRow
from gateway.statistics.layout import BoardPlan, Measure, row_layout
from gateway.statistics.reading import read_row
from gateway.unavailable import Trouble, Unavailable
from tests.descriptors import n_descriptors
from tests.directories.processes import free_ports
from tests.firstfactor.directory.answers import (
    ask,
    bind_done,
    disconnection,
    entry,
    extended,
    message,
    referral,
    search_done,
)
from tests.firstfactor.directory.peer import (
    PASSWORD,
    Directory,
    Step,
    client_of,
    die,
    find_alice,
    hang,
    leave,
    say,
    serving,
)
from tests.https.authority import Authority
from tests.https.peer import Visit, in_loop, turn_until

if TYPE_CHECKING:
    from gateway.worker.service import Asker
    from tests.firstfactor.directory.scene import Sent

ALICE = b"alice"
SHARE_S = 2.0  # of the time, for a host that hangs


def closed() -> DirectoryHost:
    return DirectoryHost(host="127.0.0.1", port=free_ports("127.0.0.1", 1)[0])


@pytest.fixture(scope="session")
def server_file(authority: Authority) -> str:
    return authority.server_file("127.0.0.1", "dc1.example.test")


@pytest.fixture(scope="session")
def server_context(server_file: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)
    return context


@in_loop
async def test_an_answer_comes_once_and_never_before_ask_returns() -> None:
    heard: list[Answer | Unavailable] = []
    directory = Directory()
    async with serving(directory):
        with client_of(directory) as client:
            for password in (PASSWORD, b""):
                heard.clear()
                asking = client.ask(CheckFirstFactor(ALICE, password), heard.append)
                assert not heard
                await turn_until(lambda: bool(heard))
                assert isinstance(heard[0], Accepted) is bool(password)
                assert asking.took_s(time.monotonic()) > 0
                assert client.n_pending == 0


@in_loop
async def test_a_worker_can_hold_it() -> None:
    with client_of(closed()) as client:
        askers: dict[str, Asker] = {"ad_client": client}
        assert askers


@in_loop
async def test_many_at_once_are_each_answered_their_own() -> None:
    directory = Directory()
    async with serving(directory):
        with client_of(directory, max_in_flight=7) as client:
            passwords = [PASSWORD if number % 3 else b"wrong" for number in range(60)]
            answers = await asyncio.gather(*(ask(client, ALICE, each) for each in passwords))
            assert [isinstance(each, Accepted) for each in answers] == [each == PASSWORD for each in passwords]
            assert len(directory.binds) == 60
            assert client.n_connections <= 8


@pytest.mark.parametrize("step", [die, leave, say(lambda number: bind_done(number + 1)), say(lambda _: b"what?")])
def test_one_that_dies_in_mid_bind_is_asked_once_and_so_is_the_next(step: Step) -> None:
    @in_loop
    async def run() -> None:
        first, second = Directory(bind=step), Directory()
        async with serving(first, second):
            with client_of(first, second) as client:
                assert isinstance(await ask(client, ALICE, PASSWORD), Accepted)
        assert (len(first.binds), len(second.binds)) == (1, 1)

    run()


def test_the_debug_log_tells_which_host_is_asked_about_whom(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "gateway.firstfactor")

    @in_loop
    async def run() -> None:
        first, second = Directory(bind=die), Directory()
        async with serving(first, second):
            with client_of(first, second) as client:
                await ask(client, ALICE, PASSWORD)
                await ask(client, ALICE, b"")

    run()
    assert [each for each in caplog.messages if "AD authentication" in each] == [
        "Sending AD authentication request for 'alice' to '127.0.0.1'"
    ] * 2
    assert PASSWORD.decode() not in caplog.text


def test_below_debug_nobody_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway.firstfactor")

    @in_loop
    async def run() -> None:
        directory = Directory()
        async with serving(directory):
            with client_of(directory) as client:
                await ask(client, ALICE, PASSWORD)

    run()
    assert "AD authentication" not in caplog.text


@pytest.mark.parametrize("step", ["service", "search", "bind"])
def test_one_that_hangs_costs_its_share_of_the_time(step: str) -> None:
    @in_loop
    async def run() -> None:
        first, second = Directory(steps={step: hang}), Directory()
        async with serving(first, second):
            with client_of(first, second, timeout_s=2 * SHARE_S) as client:
                assert isinstance(await ask(client, ALICE, PASSWORD), Accepted)
                assert client.hosts[0].state is DOWN
                assert isinstance(await ask(client, ALICE, PASSWORD), Accepted)
        assert len(first.binds) == (step == "bind")
        assert len(second.binds) == 2

    run()


@pytest.mark.parametrize(
    "octets",
    [
        lambda number: entry(number, b"cn=x") * 200,
        lambda number: referral(number) * 200,
        lambda number: entry(number + 1, b"cn=x") + search_done(number + 1),
        lambda number: message(number, 0x65, element(OCTET_STRING, bytes(MAX_MESSAGE))),
        lambda _: b"\x30\x84\x7f\xff\xff\xff",
        lambda _: disconnection("going down"),
        lambda number: bind_done(number),
        lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
    ids=["entries", "referrals", "number", "oversize", "huge", "notice", "kind", "http"],
)
def test_one_that_answers_a_search_amiss_is_passed_over(octets) -> None:
    @in_loop
    async def run() -> None:
        first, second = Directory(search=say(octets)), Directory()
        async with serving(first, second):
            with client_of(first, second) as client:
                assert isinstance(await ask(client, ALICE, PASSWORD), Accepted)
        assert not first.binds
        assert len(second.binds) == 1

    run()


@in_loop
async def test_a_closed_port_sends_to_the_next_and_is_told() -> None:
    directory = Directory()
    async with serving(directory):
        with client_of(closed(), directory) as client:
            assert isinstance(await ask(client, ALICE, PASSWORD), Accepted)
            assert client.hosts[0].trouble is Trouble.CONNECT
        with client_of(closed(), closed()) as client:
            answer = await ask(client, ALICE, PASSWORD)
    assert isinstance(answer, Unavailable)
    assert answer.detail.count("connection refused") == 2


@in_loop
async def test_names_are_looked_up() -> None:
    directory = Directory()
    async with serving(directory):
        with client_of(DirectoryHost(host="localhost", port=directory.port)) as client:
            assert isinstance(await ask(client, ALICE, PASSWORD), Accepted)  # be localhost ::1 first
        with client_of(DirectoryHost(host="a..b", port=389), directory) as client:
            assert isinstance(await ask(client, ALICE, PASSWORD), Accepted)
            assert client.hosts[0].trouble is Trouble.DNS


@in_loop
async def test_a_connection_that_was_closed_while_it_idled_loses_no_bind() -> None:
    async def answer_and_leave(visit: Visit, sent: "Sent") -> None:
        visit.send(bind_done(sent.message_id))
        visit.close()

    directory = Directory(bind=answer_and_leave)
    async with serving(directory):
        with client_of(directory) as client:
            for _ in range(3):
                assert isinstance(await ask(client, ALICE, PASSWORD), Accepted)
            assert client.hosts[0].state is UP
    assert len(directory.binds) == 3


@in_loop
async def test_a_service_connection_that_dies_is_opened_again() -> None:
    n_asked = 0

    async def die_at_times(visit: Visit, sent: "Sent") -> None:
        nonlocal n_asked
        n_asked += 1
        await (die if n_asked in (2, 5) else find_alice)(visit, sent)

    directory = Directory(search=die_at_times)
    async with serving(directory):
        with client_of(directory) as client:
            for _ in range(5):
                assert isinstance(await ask(client, ALICE, PASSWORD), Accepted)
            assert client.hosts[0].state is UP


@in_loop
async def test_a_refused_service_account_is_not_tried_by_each_question() -> None:
    directory = Directory()
    async with serving(directory) as (peer,):
        with client_of(directory, service_account_password=Secret(b"old")) as client:
            answers = await asyncio.gather(*(ask(client, ALICE, PASSWORD) for _ in range(20)))
            assert {type(each) for each in answers} == {Unavailable}
            assert {each.trouble for each in answers if isinstance(each, Unavailable)} == {Trouble.CONFIGURATION}
            assert peer.n_visits == 1


# TLS.


def test_tls_at_once_and_after_start_tls(authority_pem: bytes, server_file: str, server_context) -> None:
    @in_loop
    async def run() -> None:
        for transport in (Transport.LDAPS, Transport.STARTTLS):
            directory = Directory(server_context)
            is_ldaps = transport is Transport.LDAPS
            async with serving(directory, server_file=server_file if is_ldaps else None):
                with client_of(directory, transport=transport, ca_certs=authority_pem) as client:
                    assert isinstance(await ask(client, ALICE, PASSWORD), Accepted)
                    assert isinstance(await ask(client, ALICE, b"wrong"), Refused)
            assert [bind.number for bind in directory.binds] == [2, 2]

    run()


@pytest.mark.parametrize(
    ("octets", "trouble", "text"),
    [
        (lambda number: extended(number, 2), Trouble.TLS, "refuses StartTLS (protocolError)"),
        (lambda number: extended(number) + bind_done(1), Trouble.BAD_ANSWER, "says more than it was asked before TLS"),
        (lambda number: extended(number + 1), Trouble.BAD_ANSWER, "does not answer to StartTLS"),
        (lambda _: b"\x15\x03\x01", Trouble.BAD_ANSWER, "does not speak LDAP"),
        (lambda number: extended(number) + b"\x15", Trouble.BAD_ANSWER, "says more"),
    ],
)
def test_start_tls_that_is_not_answered_as_it_must_be(
    authority_pem: bytes, octets, trouble: Trouble, text: str
) -> None:
    @in_loop
    async def run() -> None:
        directory = Directory(start_tls=say(octets))
        async with serving(directory):
            with client_of(directory, transport=Transport.STARTTLS, ca_certs=authority_pem) as client:
                answer = await ask(client, ALICE, PASSWORD)
        assert isinstance(answer, Unavailable)
        assert answer.trouble is trouble
        assert text in answer.detail
        assert not directory.binds

    run()


def test_a_certificate_that_does_not_prove_who_it_is(authority_pem: bytes, authority: Authority) -> None:
    @in_loop
    async def run() -> None:
        for server_file, text in (
            (authority.server_file("dc1.example.test"), "ssl_verify_hostname=false"),
            (authority.server_file("127.0.0.1", is_expired=True), "clock"),
        ):
            directory = Directory()
            async with serving(directory, server_file=server_file):
                with client_of(directory, transport=Transport.LDAPS, ca_certs=authority_pem) as client:
                    answer = await ask(client, ALICE, PASSWORD)
                assert isinstance(answer, Unavailable)
                assert answer.trouble is Trouble.CERTIFICATE
                assert text in answer.detail
        directory = Directory()
        async with serving(directory, server_file=authority.server_file("dc1.example.test")):
            with client_of(
                directory, transport=Transport.LDAPS, ca_certs=authority_pem, verify_hostname=False
            ) as client:
                assert isinstance(await ask(client, ALICE, PASSWORD), Accepted)

    run()


class Refusing(Directory):
    async def __call__(self, visit: Visit) -> None:
        visit.send(b"what?")


def test_one_that_speaks_no_tls_is_passed_over(authority_pem: bytes, server_file: str) -> None:
    @in_loop
    async def run() -> None:
        first, second = Refusing(), Directory()
        async with serving(first), serving(second, server_file=server_file):
            with client_of(first, second, transport=Transport.LDAPS, ca_certs=authority_pem) as client:
                assert isinstance(await ask(client, ALICE, PASSWORD), Accepted)
                assert client.hosts[0].trouble is Trouble.TLS

    run()


# What is left.


@in_loop
async def test_a_cancelled_question_hears_nothing_and_forgets() -> None:
    heard: list[Answer | Unavailable] = []
    directory = Directory(search=hang)
    async with serving(directory):
        with client_of(directory) as client:
            question = CheckFirstFactor(ALICE, PASSWORD)
            asking = client.ask(question, heard.append)
            await turn_until(lambda: directory.n_searches > 0)
            asking.cancel()
            asking.cancel()
            assert question.password is None
            assert client.n_pending == 0
    assert not heard


@in_loop
async def test_what_is_closed_says_nothing_and_leaves_nothing() -> None:
    heard: list[Answer | Unavailable] = []
    directory = Directory(bind=hang)
    async with serving(directory):
        before = n_descriptors()
        question = CheckFirstFactor(ALICE, PASSWORD)
        with client_of(directory, closed()) as client:
            client.ask(question, heard.append)
            await turn_until(lambda: bool(directory.binds))
            client.ask(CheckFirstFactor(ALICE, b""), heard.append)
        assert question.password is None
        assert client.n_pending == client.n_connections == 0
        await asyncio.sleep(0)
        await turn_until(lambda: n_descriptors() <= before + 2)  # the peer's own ends
    assert not heard


@in_loop
async def test_what_happens_is_counted() -> None:
    directory, dead = Directory(), closed()
    async with serving(directory):
        plan = BoardPlan(1, (), (), hosts=(("ad_client", dead.name), ("ad_client", directory.host.name)))
        layout = row_layout(plan)
        cells = [0] * layout.n_cells
        counters = WorkerRow(cells, layout, plan).first_factors["ad_client"]
        with client_of(dead, directory, counters=counters) as client:
            for password in (PASSWORD, b"wrong", PASSWORD, b""):
                await ask(client, ALICE, password)
            client.show()
        counted = read_row(cells, layout).totals.counters
        key = ("ad_client", directory.host.name)
        assert counted[Measure.HOST_QUESTIONS, *key, "accepted"] == 2
        assert counted[Measure.HOST_QUESTIONS, *key, "rejected"] == 1
        assert counted[Measure.HOST_QUESTIONS, "ad_client", dead.name, "connect"] == 1
