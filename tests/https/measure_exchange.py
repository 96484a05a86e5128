"""Measure what one signed call over a kept-alive TLS connection costs: `python -m tests.https.measure_exchange`.

The server is another process that answers at once and never sleeps: over loopback, waking it would be charged to
the sender, about 20 µs, which a Duo at the other end of a network does not cost. Also the memory of connections
whose long poll waits.
"""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import uvloop

from bench.endings import in_order, scratch_folder, start
from gateway.duo.client import (
    Application,
    DuoClient,
)
from gateway.duoapi.calls import Answer, AuthStatus, Preauth
from gateway.https.plan import PoolLimits
from gateway.https.pools import HttpsPools
from gateway.unavailable import Unavailable
from tests.https.authority import Authority
from tests.https.peer import turn_until

MALLOC = {"MALLOC_MMAP_THRESHOLD_": "1048576", "MALLOC_TRIM_THRESHOLD_": "16777216"}

SERVER = r"""
import asyncio, ssl, sys, uvloop
BODY = (b'{"stat":"OK","response":{"result":"auth","status_msg":"Account is active","devices":[{"device":'
    b'"DPFZRS9FB0D46QFTM891","type":"phone","number":"XXX-XXX-0100","name":"","capabilities":["auto","push",'
    b'"sms","phone"],"display_name":"Android"}]}}')
ANSWER = (b"HTTP/1.1 200 OK\r\nServer: Duo/1.0\r\nDate: Tue, 04 Mar 2025 10:15:30 GMT\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\nConnection: keep-alive\r\n"
    b"Cache-Control: no-store\r\nPragma: no-cache\r\n"
    b"Strict-Transport-Security: max-age=31536000\r\n\r\n" % len(BODY)) + BODY
class Server(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, octets):
        if b"auth_status" not in octets:
            self.transport.write(ANSWER)
def stay_awake(loop):
    loop.call_soon(stay_awake, loop)
async def main():
    stay_awake(asyncio.get_running_loop())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, ssl=context, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(3600)
uvloop.run(main())
"""


def main() -> None:
    n_calls = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    if "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        os.execve(
            sys.executable, [sys.executable, "-m", "tests.https.measure_exchange", str(n_calls)], os.environ | MALLOC
        )
    with in_order(), scratch_folder("radgate-exchange-") as folder:
        authority = Authority(folder)
        command = [sys.executable, "-c", SERVER, authority.server_file("127.0.0.1")]
        with start(command, stdout=subprocess.PIPE) as server:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            try:
                for n_in_flight in (1, 8, 64):
                    uvloop.run(measure_calls(port, authority.ca_file, n_calls, n_in_flight))
                uvloop.run(measure_memory(port, authority.ca_file, 5_000))
            finally:
                server.kill()


class Caller:
    """Keeps a number of preauth calls in flight until enough were answered."""

    def __init__(self, client: DuoClient, n_calls: int) -> None:
        self.client = client
        self.n_left = n_calls
        self.n_troubles = 0
        self.done = asyncio.get_running_loop().create_future()

    def ask(self) -> None:
        self.client.ask(Preauth("jdoe", "203.0.113.7"), self.answered)

    def answered(self, answer: Answer | Unavailable) -> None:
        self.n_left -= 1
        self.n_troubles += isinstance(answer, Unavailable)
        if self.n_left > 0:
            self.ask()
        elif not self.done.done():
            self.done.set_result(None)


async def measure_calls(port: int, ca_file: str, n_calls: int, n_in_flight: int) -> None:
    pools = HttpsPools()
    client = DuoClient(
        pools.pool("127.0.0.1", port, ca_certs_file=ca_file),
        Application("DI" + "X" * 18, b"d" * 40),
        user_agent="radgate",
    )
    for n_round in (1_000, n_calls):
        caller = Caller(client, n_round)
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(n_in_flight):
            caller.ask()
        await caller.done
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    _say(
        f"{n_in_flight:3} in flight: {cpu / n_calls * 1e6:.1f} µs CPU a call, {n_calls / wall:,.0f} calls/s,"
        f" {caller.n_troubles} troubles"
    )
    client.close()
    pools.close()


async def measure_memory(port: int, ca_file: str, n_polls: int) -> None:
    pools = HttpsPools(PoolLimits())
    pool = pools.pool("127.0.0.1", port, ca_certs_file=ca_file)
    client = DuoClient(pool, Application("DI" + "X" * 18, b"d" * 40), user_agent="radgate")
    troubles: list[Answer | Unavailable] = []
    before, cpu, wall = _resident_kb(), time.process_time(), time.perf_counter()
    for number in range(n_polls):
        client.ask(AuthStatus(f"{number:08}-f45f-4862-8545-e0f58e78075a"), troubles.append)
    await turn_until(lambda: bool(troubles) or not pool.counts.waiting)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    each = (_resident_kb() - before) / n_polls
    _say(f"{n_polls} long polls: {each:.1f} KB each, {cpu / n_polls * 1e6:.0f} µs CPU each, {wall:.1f} s, {pool!r}")
    client.close()
    pools.close()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _resident_kb() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0])


if __name__ == "__main__":
    main()
