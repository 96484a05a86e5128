"""Whose time a call takes."""

import asyncio
import socket
import time

from gateway.duo.client import DuoClient
from gateway.duo.pending_call import PendingCall
from gateway.duoapi.calls import AuthStatus, Call, Preauth
from tests.duo.scripted import (
    ALLOW,
    NOW,
    ClockedDuo,
    ask,
    client_behind,
    client_of,
    fail,
    scripted,
)
from tests.https.authority import Authority
from tests.https.peer import in_loop


async def ask_timed(client: DuoClient, call: Call) -> tuple[float, float]:
    """Return how long the call was on the wire, as known when its answer is told, and how long it took."""
    told: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    pending = client.ask(call, lambda _: told.set_result(pending.wire_s))
    wire_s = await told
    return wire_s, time.monotonic() - pending.asked_at


@in_loop
async def test_time_on_the_wire_is_known_when_the_answer_is_told(authority: Authority, server_file: str) -> None:
    limit = fail(42901, "Too many requests", "429 Too Many Requests", "Retry-After: 0")

    async with client_behind(scripted([], ALLOW, limit, ALLOW), authority, server_file) as (_, client):
        for _ in range(2):  # the second one is asked twice
            wire_s, took_s = await ask_timed(client, Preauth("jdoe"))
            assert 0.0 < wire_s <= took_s


async def ask_shares(client: DuoClient, call: Call) -> tuple[PendingCall, float, float]:
    """Return the call, how much of its time was Duo's, as known when its answer is told, and how long it took."""
    told: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    pending = client.ask(call, lambda _: told.set_result(time.monotonic()))
    ended_at = await told
    return pending, pending.took_s(ended_at), ended_at - pending.asked_at


@in_loop
async def test_all_of_a_long_poll_is_duos_time(authority: Authority, server_file: str) -> None:
    async with client_behind(scripted([], ALLOW), authority, server_file) as (_, client):
        _, duo_s, took_s = await ask_shares(client, AuthStatus("tx"))
        assert duo_s == took_s


@in_loop
async def test_of_a_brief_call_the_wire_and_the_opening_of_its_connection_are_duos_time(
    authority: Authority, server_file: str
) -> None:
    async with client_behind(scripted([], ALLOW, ALLOW), authority, server_file) as (_, client):
        first, first_s, took_s = await ask_shares(client, Preauth("jdoe"))
        assert first.wire_s < first.wire_s + first.held_s == first_s <= took_s
        second, second_s, _ = await ask_shares(client, Preauth("jdoe"))
        assert second.held_s == 0.0
        assert second_s == second.wire_s


@in_loop
async def test_the_time_after_which_duo_wants_to_be_asked_again_is_duos(authority: Authority, server_file: str) -> None:
    limit = fail(42901, "Too many requests", "429 Too Many Requests", "Retry-After: 0")

    async with client_behind(scripted([], ALLOW, limit, ALLOW), authority, server_file) as (_, client):
        await ask(client, Preauth("jdoe"))
        pending, duo_s, took_s = await ask_shares(client, Preauth("jdoe"))
        assert 0.0 < pending.wire_s < duo_s <= took_s


@in_loop
async def test_the_time_in_which_duos_clock_is_asked_is_duos(authority: Authority, server_file: str) -> None:
    duo = ClockedDuo(NOW)
    async with client_behind(duo, authority, server_file) as (_, client):
        await ask(client, Preauth("jdoe"))
        duo.now = duo.told = int(NOW) + 3600
        pending, duo_s, took_s = await ask_shares(client, Preauth("jdoe"))
        assert 0.0 < pending.wire_s < duo_s <= took_s


@in_loop
async def test_a_call_that_found_no_connection_was_never_on_the_wire(authority: Authority) -> None:
    with socket.socket() as bound:  # and nobody listens
        bound.bind(("127.0.0.1", 0))
        with client_of(bound.getsockname()[1], authority) as client:
            pending, duo_s, _ = await ask_shares(client, Preauth("jdoe"))
            assert pending.wire_s == 0.0
            assert duo_s == pending.held_s > 0.0
