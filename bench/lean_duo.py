"""A Duo that says yes to everybody, as fast as uvloop can: an upstream that is not what is measured.

It never sleeps: on a virtual machine the price of waking a sleeping core is charged to whoever sends to it, here the
gateway, some 10 to 20 µs for each send, which a real Duo across a network does not cost. It checks no signature and
knows no users; `bench.simulator` is the one that does. `python -m bench.lean_duo --dir DIR` announces itself as the
simulator does, with a CA of its own.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import uvloop

from bench.simulator.certificates import DEFAULT_NAMES, Certificates, certificates_in, write_private

IKEY, SKEY = "DILEANLEANLEANLEANXX", "lean" * 10
_ANSWERS = {
    b"preauth": (
        b'{"stat":"OK","response":{"result":"auth","status_msg":"Account is active","devices":[{"device":"DP1",'
        b'"type":"phone","name":"","number":"XXX-XXX-0100","display_name":"Phone",'
        b'"capabilities":["auto","push","sms","phone","mobile_otp"]}]}}'
    ),
    b"auth": b'{"stat":"OK","response":{"result":"allow","status":"allow","status_msg":"Success. Logging you in..."}}',
}


def _response(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nServer: lean\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
        body
    )
    return head + body


_RESPONSES = {name: _response(body) for name, body in _ANSWERS.items()}


def _answer(call: bytes) -> bytes:
    """Return what to say to `preauth` or `auth`, and to ping and check, which want to know the time."""
    return _RESPONSES.get(call) or _response(b'{"stat":"OK","response":{"time":%d}}' % time.time())


class LeanConnection(asyncio.Protocol):
    """Answers each request by the last part of its path."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            length = head.lower().find(b"content-length:")
            size = int(head[length + 15 :].split(b"\r\n", 1)[0]) if length >= 0 else 0
            if len(self._received) < end + 4 + size:
                return
            self._received = self._received[end + 4 + size :]
            path = head.split(b" ", 2)[1].partition(b"?")[0]
            self._transport.write(_answer(path.rpartition(b"/")[2]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m bench.lean_duo", description="A Duo that only says yes, fast.")
    parser.add_argument("--dir", type=Path, required=True, help="folder for certificates and application.json")
    folder = parser.parse_args(arguments).dir
    folder.mkdir(parents=True, exist_ok=True)
    uvloop.run(_serve(folder, certificates_in(folder, DEFAULT_NAMES)))
    return 0


async def _serve(folder: Path, certificates: Certificates) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    server = await loop.create_server(LeanConnection, "127.0.0.1", 0, ssl=certificates.server_context(), backlog=1024)
    api_host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    application = {"ikey": IKEY, "skey": SKEY, "kind": "auth"}
    write_private(folder / "application.json", json.dumps({"applications": [application]}).encode())
    announced = {
        "api_host": api_host,
        "control": "",
        "ca": str(certificates.ca_file),
        "ikey": IKEY,
        "application_file": str(folder / "application.json"),
    }
    print(json.dumps(announced), flush=True)
    loop.call_soon(_stay_awake, loop)
    await stopped.wait()


def _stay_awake(loop: asyncio.AbstractEventLoop) -> None:
    """Let others on this core run, and come round again at once."""
    os.sched_yield()
    loop.call_soon(_stay_awake, loop)


if __name__ == "__main__":
    sys.exit(main())
