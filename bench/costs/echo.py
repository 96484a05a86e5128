"""`python -m bench.costs.echo`: the least that uvloop can do with a datagram; says `serving PORT`."""

import asyncio
import socket
from typing import cast

import uvloop

RECEIVE_BUFFER = 4_194_304


class Echo(asyncio.DatagramProtocol):
    """Sends every datagram back."""

    transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Send it back."""
        self.transport.sendto(data, addr)


async def serve() -> None:
    """Serve until SIGTERM."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    udp.bind(("127.0.0.1", 0))
    await asyncio.get_running_loop().create_datagram_endpoint(Echo, sock=udp)
    print(f"serving {udp.getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve())
