"""A worker process, started by the supervisor: `python -m gateway.worker SLOT WORKERS SETTINGS_FD CHANNEL_FD
SOCKET_FD…`.

Everything it needs comes through inherited descriptors: the settings in a memfd, one bound socket for each listening
address, and a channel on which it says that it is ready; when the channel closes, the supervisor is gone and the
worker ends.
"""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from typing import NamedTuple

import uvloop

from gateway.config.listening import listening_addresses
from gateway.config.settings import Settings, decode_settings
from gateway.logs.setup import log_loop_error, start_logging, stop_logging
from gateway.net.listener import UdpListener
from gateway.worker.duo import open_duo_clients
from gateway.worker.service import Service
from gateway.worker.wiring import build_engine, log_plan

log = logging.getLogger("gateway.worker")
READY = b"ready\n"
CANNOT_START = 3  # the exit status that tells the supervisor not to try again
ORPHAN_DRAIN_S = 3.0  # the next supervisor wants the ports that an orphan holds


class Inheritance(NamedTuple):
    """What the supervisor hands over, by descriptor."""

    slot: int
    n_workers: int
    settings_fd: int
    channel_fd: int
    socket_fds: tuple[int, ...]


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or the supervisor's end; return the exit status."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)  # a terminal sends them to the whole group; the supervisor alone decides
    slot, n_workers, settings_fd, channel_fd, *socket_fds = map(int, arguments)
    inheritance = Inheritance(slot, n_workers, settings_fd, channel_fd, tuple(socket_fds))
    settings = decode_settings(os.pread(settings_fd, os.fstat(settings_fd).st_size, 0))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(work(inheritance, settings))
        except (OSError, ValueError) as error:  # a log that cannot be written, trusted roots that are none
            print(f"radgate worker {slot}: {error}", file=sys.stderr)  # noqa: T201 -- there may be no log yet
            return CANNOT_START
        finally:
            stop_logging()


async def work(inheritance: Inheritance, settings: Settings) -> int:
    """Serve from these sockets until told to stop, then finish what is pending."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    loop.set_exception_handler(log_loop_error)
    event_log = start_logging(log_plan(settings.log), loop)
    addresses = listening_addresses(settings)
    askers = open_duo_clients(settings, inheritance.n_workers)
    service = Service(
        build_engine(settings, inheritance.n_workers),
        event_log,
        askers,
        {server.section: server.application.ikey for server in settings.servers},
        [str(address) for address in addresses],
        socket.gethostname(),
        inheritance.slot,
    )
    sockets = [socket.socket(fileno=descriptor) for descriptor in inheritance.socket_fds]
    service.serve([UdpListener(udp, number, service.datagram_received) for number, udp in enumerate(sockets)])
    channel = socket.socket(fileno=inheritance.channel_fd)
    channel.send(READY)
    loop.add_reader(channel.fileno(), _supervisor_gone, channel, stopped)
    gc.collect()
    gc.freeze()  # what lives since the start is never garbage: leave it out of every collection
    await stopped.wait()
    is_orphan = not _is_open(channel)
    timeout_s = min(ORPHAN_DRAIN_S, settings.gateway.drain_timeout_s) if is_orphan else settings.gateway.drain_timeout_s
    return await _stop(service, timeout_s, inheritance.slot)


def _supervisor_gone(channel: socket.socket, stopped: asyncio.Event) -> None:
    """The channel has nothing to read but its end."""
    asyncio.get_running_loop().remove_reader(channel.fileno())
    log.error("The supervisor is gone; finishing what can be finished soon, and leaving")
    stopped.set()


def _is_open(channel: socket.socket) -> bool:
    channel.setblocking(False)
    try:
        return bool(channel.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False


async def _stop(service: Service, timeout_s: float, slot: int) -> int:
    n_pending = service.n_pending
    if n_pending:
        log.info("Worker %d takes no more requests and finishes %d pending logins", slot, n_pending)
    if not await service.drain(timeout_s):
        log.warning("Worker %d leaves %d logins without an answer after %g s", slot, service.n_pending, timeout_s)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
