"""What on this machine would keep a gateway with these settings from starting; each thing with the key to mend.

The parts are asked that a start uses: what they refuse then they refuse here.
"""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Iterator

from gateway.config.listening import ListeningAddress, listening_addresses
from gateway.config.problems import Problem, Severity
from gateway.config.settings import Settings, encode_settings
from gateway.config.writing import MORE_FILES, explain_error
from gateway.duo.clients import open_probe_clients
from gateway.engine.digests import Digests
from gateway.https.tls import TrustStore
from gateway.ipc.board import Board
from gateway.ipc.journal import create_journal
from gateway.ipc.ledger import Ledger
from gateway.ipc.memory import memfd
from gateway.ipc.plan import (
    board_plan,
    log_plan,
    pending_share,
    worker_count,
)
from gateway.logs.setup import LogUnusable, try_logging
from gateway.supervisor.access import find_obstacle
from gateway.supervisor.identity import UnknownIdentity, find_identity, look_up_identity
from gateway.supervisor.limits import files_wanted, raise_file_limit
from gateway.supervisor.run_dir import RunDirUnusable, try_run_dir
from gateway.supervisor.sockets import CannotListen, try_address, try_port
from gateway.words.english import counted
from gateway.worker.generations import GenerationParts
from gateway.worker.wiring import build_engine

# More workers than both of these are a mistake, and not meant for a larger machine that has the same file, or for names
# that hang: a core is busy with one or two of them, and each takes 24 MB and its share of a start.
FAIR_WORKERS = 64
FAIR_WORKERS_OF_CORE = 8


def find_obstacles(settings: Settings, *, makes: bool = False) -> list[Problem]:
    """Return what would end `run`, as the user who asks, at once; without lines.

    Ports that are taken are none: they may be the running gateway's. Nor is, for others than root who only look, what
    only root may do for the user of [gateway].

    Args:
        settings: of a file without errors.
        makes: who asks is about to start it: folders and logs are made, and not only looked at.
    """
    return [
        *_of_addresses(settings),
        *_of_files(settings),
        *_of_identity(settings, makes=makes),
        *_of_folders(settings, makes=makes),
        *_of_trust(settings),
        *_of_workers(settings),
    ]


def find_doubts(settings: Settings) -> list[Problem]:
    """Return warnings of what would not end `run`, and is not what anybody wants on this machine; without lines."""
    return [*_of_page(settings), *_of_cores(settings)]


def _of_page(settings: Settings) -> Iterator[Problem]:
    console = settings.gateway.console
    if console is None:
        return
    try:
        family = socket.AF_INET6 if ":" in console.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as tcp:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((console.host, console.port))
    except OSError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):  # a port may be the running gateway's
            text = f"there will be no status page: no interface of this machine has the address {console.host}"
            remedy = f"write one that it has, or console=127.0.0.1:{console.port}, or off"
            yield Problem("gateway", "console", f"{text}; {remedy}", severity=Severity.WARNING)


def _of_cores(settings: Settings) -> Iterator[Problem]:
    n_workers, n_cores = worker_count(settings), len(os.sched_getaffinity(0))
    if n_workers > max(FAIR_WORKERS, FAIR_WORKERS_OF_CORE * n_cores):
        text = f"{n_workers} workers on {counted(n_cores, 'core')} serve no more than a few, and start slowly"
        remedy = "write workers=auto, which is one for each core"
        yield Problem("gateway", "workers", f"{text}; {remedy}", severity=Severity.WARNING)


def _of_addresses(settings: Settings) -> Iterator[Problem]:
    for address in listening_addresses(settings):
        try:
            try_address(address)
            try_port(address)
        except CannotListen as error:
            if not error.is_taken:
                yield Problem(address.servers[0].section, _key_of(address), str(error))


def _key_of(address: ListeningAddress) -> str:
    return "interface" if address.servers[0].interface else "port"


def _of_files(settings: Settings) -> Iterator[Problem]:
    wanted = files_wanted(settings).to_start
    granted = raise_file_limit(wanted)
    if wanted > granted:
        text = f"sockets and workers need {wanted} open files, and a process may open {granted} here"
        yield Problem("gateway", "workers", f"{text}; {MORE_FILES}, or write fewer workers or ports")


def _of_identity(settings: Settings, *, makes: bool) -> Iterator[Problem]:
    user, group = settings.gateway.user, settings.gateway.group
    try:
        identity = (find_identity if makes else look_up_identity)(user, group)
    except UnknownIdentity as error:
        yield Problem("gateway", error.key, str(error))
        return
    if os.geteuid() == 0 and (obstacle := find_obstacle(settings, identity)):
        yield Problem("gateway", "user" if user else "group", obstacle)


def _of_folders(settings: Settings, *, makes: bool) -> Iterator[Problem]:
    try:
        owner = find_identity(settings.gateway.user, settings.gateway.group).owner
    except UnknownIdentity:
        if os.geteuid() != 0:  # whoever starts it is somebody else
            return
        owner = None
    try:
        try_logging(log_plan(settings.log), owner, makes=makes)
    except LogUnusable as error:
        yield Problem("main", "log_dir", str(error))
    try:
        try_run_dir(settings.gateway.run_dir, makes=makes)
    except RunDirUnusable as error:
        yield Problem("gateway", "run_dir", str(error))


def _of_trust(settings: Settings) -> Iterator[Problem]:
    for file in dict.fromkeys(server.application.ca_certs_file for server in settings.servers):
        try:
            TrustStore(file)
        except ValueError as error:
            yield Problem("main", "http_ca_certs_file", str(error))


def _of_workers(settings: Settings) -> Iterator[Problem]:
    """Make what supervisor and workers make of the settings alone."""
    try:
        asyncio.run(_make_parts(settings))
        _make_memory(settings)
    except OSError as error:
        yield Problem("", "", f"no worker can be started: {explain_error(error)}")
    except ValueError as error:
        yield Problem("", "", f"no worker can be made of these settings: {error}")


async def _make_parts(settings: Settings) -> None:
    for client in open_probe_clients(settings).values():
        client.close()
    key = bytes(32)
    build_engine(settings, GenerationParts(1, settings, key).tables, Digests(key), 1)


def _make_memory(settings: Settings) -> None:
    n_workers = worker_count(settings)
    with contextlib.ExitStack() as made:
        made.callback(os.close, memfd("radgate-settings", encode_settings(settings)))
        made.callback(os.close, create_journal(pending_share(settings, n_workers)))
        made.callback(Board.create(board_plan(settings, n_workers)).close)
        made.callback(Ledger.create(n_workers).close)
