"""A sentinel says where the master is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.fleet.peer import StoreScript, sentinel, stay, store_peer
from tests.fleet.stage import on_stage
from tests.https.peer import run


@asynccontextmanager
async def sentinel_peer(script: StoreScript) -> AsyncIterator[str]:
    async with store_peer(script) as address:
        yield f"{address.replace('redis', 'redis+sentinel')}/mymaster"


def where(address: str) -> bytes:
    port = address.rpartition(":")[2].encode()
    return b"*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%b\r\n" % (len(port), port)


def test_a_sentinel_says_where_the_master_is():
    async def scene():
        async with store_peer(stay) as master:
            script, asked = sentinel(where(master))
            async with sentinel_peer(script) as address, on_stage(f"{address}/1") as stage:
                await stage.until_connected()
        assert asked == [[b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", b"mymaster"]]

    run(scene())


def test_a_sentinel_that_wants_a_password_gets_the_stores():
    async def scene():
        async with store_peer(stay) as master:
            script, asked = sentinel(b"-NOAUTH Authentication required.\r\n", b"+OK\r\n", where(master))
            async with sentinel_peer(script) as address, on_stage(address, "word") as stage:
                await stage.until_connected()
        assert asked[1] == [b"AUTH", b"word"]

    run(scene())


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"*-1\r\n", "knows no master by the name mymaster"),
        (b"-ERR unknown command 'SENTINEL'\r\n", "is no Sentinel, or refuses: ERR unknown command"),
        (b"*2\r\n$1\r\nh\r\n$4\r\nport\r\n", "is no Sentinel"),
        (b"*2\r\n:1\r\n:2\r\n", "is no Sentinel"),
        (b"*2\r\n$3\r\na\0b\r\n$1\r\n1\r\n", "is no Sentinel"),
        (b"*2\r\n$0\r\n\r\n$1\r\n1\r\n", "is no Sentinel"),
        (b"*2\r\n$1\r\nh\r\n$1\r\n0\r\n", "is no Sentinel"),
        (b"*2\r\n$1\r\nh\r\n$5\r\n65536\r\n", "is no Sentinel"),
        (b"*2\r\n$3\r\n::1\r\n$1\r\n1\r\n", "[::1]:1"),
        (b"+OK\r\n", "is no Sentinel"),
    ],
)
def test_who_is_no_sentinel_is_told(answer, told):
    async def scene():
        script, _ = sentinel(answer)
        async with sentinel_peer(script) as address, on_stage(address) as stage:
            assert told in await stage.until_lost()

    run(scene())
