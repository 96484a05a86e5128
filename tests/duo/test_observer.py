"""What an observer hears of calls."""

import asyncio
from typing import Any

import pytest

from gateway.duo.observer import CallObserver
from gateway.duoapi.calls import Call, Check, Preauth, PreauthAnswer
from gateway.unavailable import Trouble
from tests.duo.scripted import (
    ALLOW,
    NOW,
    ClockedDuo,
    ask,
    ask_scripted,
    client_behind,
    fail,
    scripted,
)
from tests.https.authority import Authority
from tests.https.peer import answer, in_loop


class Diary(CallObserver):
    """An observer that keeps what it hears, in the words of a test."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.asked_at: dict[object, float] = {}

    def asked(self, call: Call, token: object, now: float) -> None:
        self.asked_at[token] = now
        self.lines.append(f"asked {type(call).__name__}")

    def answered(self, call: Call, token: object, seconds: float, now: float) -> None:
        assert self.asked_at.pop(token) == pytest.approx(now - seconds)
        self.lines.append(f"answered {type(call).__name__}")

    def failed(self, call: Call, token: object, trouble: Trouble, detail: str, seconds: float, now: float) -> None:
        assert detail
        assert self.asked_at.pop(token) == pytest.approx(now - seconds)
        self.lines.append(f"failed {type(call).__name__} {trouble}")

    def postponed(self, call: Call, token: object, now: float) -> None:
        assert now >= self.asked_at[token]
        self.lines.append("postponed")

    def forgotten(self, token: object) -> None:
        del self.asked_at[token]
        self.lines.append("forgotten")


@pytest.mark.parametrize(
    ("octets", "line"),
    [
        (ALLOW, "answered Preauth"),
        (fail(40002, "Invalid request parameters", "400 Bad Request"), "answered Preauth"),
        (fail(40103, "Invalid signature", "401 Unauthorized"), "failed Preauth configuration"),
        (fail(42901, "Too many requests", "429 Too Many Requests", "Retry-After: 60"), "failed Preauth rate_limit"),
        (answer("No", "403 Forbidden"), "forgotten"),  # a firewall: nobody can tell whether Duo is there
        (answer("oops", "503 Service Unavailable"), "failed Preauth http_status"),
    ],
)
def test_an_observer_hears_what_became_of_a_call(
    authority: Authority, server_file: str, octets: bytes, line: str
) -> None:
    diary = Diary()
    ask_scripted(authority, server_file, [Preauth("jdoe")], octets, observer=diary)
    assert diary.lines == ["asked Preauth", line]


def test_an_observer_hears_of_a_call_that_duo_wants_later(authority: Authority, server_file: str) -> None:
    diary = Diary()
    later = fail(42901, "Too many requests", "429 Too Many Requests", "Retry-After: 0")
    ask_scripted(authority, server_file, [Preauth("jdoe")], later, ALLOW, observer=diary)
    assert diary.lines == ["asked Preauth", "postponed", "answered Preauth"]


@in_loop
async def test_an_observer_hears_of_a_ping_for_the_time_and_once_of_the_call(
    authority: Authority, server_file: str
) -> None:
    diary = Diary()
    async with client_behind(ClockedDuo(NOW + 3600), authority, server_file, observer=diary) as (_, client):
        await ask(client, Preauth("jdoe"))
    assert diary.lines == ["asked Preauth", "asked Ping", "answered Ping", "answered Preauth"]


@in_loop
async def test_an_observer_hears_once_of_a_call_that_nobody_wants_any_more(
    authority: Authority, server_file: str
) -> None:
    diary = Diary()
    async with client_behind(scripted([], ALLOW), authority, server_file, observer=diary) as (_, client):
        pending = client.ask(Check(), lambda _: None)
        pending.cancel()
        pending.cancel()
        client.ask(Check(), lambda _: None)
        client.close()
    assert diary.lines == ["asked Check", "forgotten", "asked Check", "forgotten"]


@in_loop
async def test_a_mistake_of_an_observer_leaves_no_call_without_an_end(authority: Authority, server_file: str) -> None:
    class Clumsy(Diary):
        def answered(self, call: Call, token: object, seconds: float, now: float) -> None:
            raise ZeroDivisionError

    mistakes: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: mistakes.append(context))
    async with client_behind(scripted([], ALLOW), authority, server_file, observer=Clumsy()) as (_, client):
        assert isinstance(await ask(client, Preauth("jdoe")), PreauthAnswer)
    assert [type(mistake["exception"]) for mistake in mistakes] == [ZeroDivisionError]
