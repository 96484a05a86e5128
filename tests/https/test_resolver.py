"""What is remembered of a name, with made-up instants and look-ups."""

import asyncio
import socket

import pytest

from gateway.https import resolver as resolver_module
from gateway.https.resolver import AVOID_S, MAX_AGE_S, Address, Resolver, by_turns
from gateway.unavailable import Trouble, Unavailable
from tests.https.peer import run

A = Address(socket.AF_INET, ("192.0.2.1", 443))
B = Address(socket.AF_INET, ("192.0.2.2", 443))


class ScriptedResolver(Resolver):
    def __init__(self, *lookups: list[Address] | OSError) -> None:
        super().__init__(lambda: self.now)
        self.now = 1000.0
        self.lookups = list(lookups)

    async def _getaddrinfo(self, host: str, port: int) -> list[Address]:
        await asyncio.sleep(0)
        found = self.lookups.pop(0)
        if isinstance(found, OSError):
            raise found
        return found


async def looked_up(resolver: Resolver) -> None:
    """Return once no look-up is under way."""
    while resolver._lookups:  # noqa: ASYNC110 -- the resolver has no event for a test
        await asyncio.sleep(0)


def test_name_is_looked_up_once_a_minute() -> None:
    async def scenario() -> None:
        resolver = ScriptedResolver([A], [B])
        assert await resolver.addresses("duo.test", 443) == [A]
        resolver.now += MAX_AGE_S - 1
        assert await resolver.addresses("duo.test", 443) == [A]
        resolver.now += 1
        assert await resolver.addresses("duo.test", 443) == [A]  # who knows an answer does not wait for a newer one
        await looked_up(resolver)
        assert await resolver.addresses("duo.test", 443) == [B]

    run(scenario())


def test_one_look_up_serves_all_who_wait() -> None:
    async def scenario() -> None:
        resolver = ScriptedResolver([A])
        found = await asyncio.gather(*(resolver.addresses("duo.test", 443) for _ in range(32)))
        assert found == [[A]] * 32

    run(scenario())


def test_failed_address_is_tried_last_and_the_name_looked_up_anew() -> None:
    async def scenario() -> None:
        resolver = ScriptedResolver([A, B], [A, B], [A, B])
        await resolver.addresses("duo.test", 443)
        resolver.failed("duo.test", 443, A)
        assert await resolver.addresses("duo.test", 443) == [B, A]
        await looked_up(resolver)
        resolver.now += MAX_AGE_S + 1
        assert await resolver.addresses("duo.test", 443) == [A, B]
        await looked_up(resolver)
        assert resolver.lookups == []

    run(scenario())


def test_an_address_that_was_overtaken_is_tried_last_for_a_while_and_the_name_not_looked_up_anew() -> None:
    async def scenario() -> None:
        resolver = ScriptedResolver([A, B])
        await resolver.addresses("duo.test", 443)
        resolver.overtaken(A)
        assert await resolver.addresses("duo.test", 443) == [B, A]
        assert resolver.lookups == []
        resolver.now += AVOID_S + 1
        assert resolver._in_order([A, B]) == [A, B]

    run(scenario())


def test_families_take_turns_as_the_name_gives_them() -> None:
    """RFC 8305 section 4: where there is no way for one family, the other need not wait for all addresses of that."""
    six = [Address(socket.AF_INET6, (f"2001:db8::{number}", 443, 0, 0)) for number in range(3)]
    assert by_turns([*six, A, B]) == [six[0], A, six[1], B, six[2]]
    assert by_turns([A, B, *six]) == [A, six[0], B, six[1], six[2]]


def test_after_a_failure_the_next_attempt_goes_where_the_name_leads_by_now() -> None:
    async def scenario() -> None:
        resolver = ScriptedResolver([A], [B])
        assert await resolver.addresses("store.test", 6379) == [A]
        resolver.failed("store.test", 6379, A)
        assert await resolver.addresses("store.test", 6379) == [B]

    run(scenario())


def test_after_a_failure_dns_that_hangs_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(ScriptedResolver):
        async def _getaddrinfo(self, host: str, port: int) -> list[Address]:
            return await super()._getaddrinfo(host, port) if self.lookups else await asyncio.Future()

    async def scenario() -> None:
        resolver = Hanging([A])
        await resolver.addresses("store.test", 6379)
        monkeypatch.setattr(resolver_module, "FRESH_S", 0.001)
        resolver.failed("store.test", 6379, A)
        assert await resolver.addresses("store.test", 6379) == [A]  # which has waited
        resolver.now += 1
        assert await resolver.addresses("store.test", 6379) == [A]

    run(scenario())


def test_last_known_addresses_stand_in_while_dns_is_away() -> None:
    async def scenario() -> None:
        away = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        resolver = ScriptedResolver(away, [A], away)
        with pytest.raises(Unavailable) as caught:
            await resolver.addresses("duo.test", 443)
        assert caught.value.trouble is Trouble.DNS
        assert caught.value.detail == "cannot resolve duo.test: Temporary failure in name resolution"
        assert await resolver.addresses("duo.test", 443) == [A]
        resolver.now += MAX_AGE_S
        assert await resolver.addresses("duo.test", 443) == [A]

    run(scenario())


def test_addresses_are_written_as_people_write_them() -> None:
    assert str(A) == "192.0.2.1:443"
    assert str(Address(socket.AF_INET6, ("2001:db8::1", 443, 0, 0))) == "[2001:db8::1]:443"


def test_literal_address_needs_no_dns() -> None:
    async def scenario() -> list[Address]:
        return await Resolver(asyncio.get_running_loop().time).addresses("127.0.0.1", 8443)

    assert [str(address) for address in run(scenario())] == ["127.0.0.1:8443"]
