"""Where home servers are, looked up again and again."""

import asyncio
import logging
import socket

import pytest

from gateway.firstfactor.home import addresses
from gateway.firstfactor.home.addresses import Found, HostPort, Names
from tests.https.peer import in_loop, turn_until

HOME = HostPort("localhost", 1812)


@pytest.mark.parametrize("error", [RecursionError("too deep"), OSError(1, "no lookup has failed")])
def test_a_name_is_looked_up_again_whatever_becomes_of_its_address(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(addresses, "REFRESH_S", 0.001)
    told: list[Found] = []
    failed: list[str] = []

    def found(_: int, where: Found) -> None:
        told.append(where)
        if len(told) == 1:
            raise error

    @in_loop
    async def scene() -> None:
        names = Names({0: HOME}, found, lambda _, why: failed.append(why))
        names.start()
        await turn_until(lambda: len(told) > 2)
        names.close()
        await asyncio.sleep(0)

    with caplog.at_level(logging.ERROR):
        scene()
    assert {each.sockaddr[1] for each in told} == {HOME.port}
    assert not failed
    (line,) = caplog.records
    assert "Internal error" in line.getMessage()
    assert HOME.host in line.getMessage()


def test_a_name_that_nobody_knows_is_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "RETRY_S", 0.001)
    failed: list[str] = []

    async def look_up(_: HostPort) -> list[Found]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(addresses, "_look_up", look_up)

    @in_loop
    async def scene() -> None:
        names = Names({0: HOME}, lambda *_: None, lambda _, why: failed.append(why))
        names.start()
        await turn_until(lambda: len(failed) > 2)
        names.close()

    scene()
    assert set(failed) == {"cannot be resolved: Name or service not known"}
