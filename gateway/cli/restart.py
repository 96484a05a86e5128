"""`radgate restart`: stop and start, unless the new configuration could not be started."""

import argparse
import contextlib
import socket
import sys
from collections.abc import Iterator
from typing import Any

from gateway.cli.asking import ASK_TIMEOUT_S, ask_status, asking, settled
from gateway.cli.exits import Exit
from gateway.cli.parsers import add_command
from gateway.cli.start import start
from gateway.cli.stop import stop
from gateway.config.control_address import read_control_address
from gateway.config.listening import ListeningAddress, listening_addresses
from gateway.config.problems import ConfigError, Problem
from gateway.config.reading import locate, read_settings
from gateway.config.settings import Settings
from gateway.config.surroundings import read_configuration
from gateway.supervisor.control_client import ControlConnection, ControlError, NotRunning
from gateway.supervisor.obstacles import find_obstacles
from gateway.supervisor.sockets import CannotListen, try_port
from gateway.supervisor.status import Status

_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 -- to compare with
_ADDRESSES_AT_ONCE = 500  # which a request has room for

DESCRIPTION = """\
Check the file, end the gateway if it runs, and start it as radgate start does, which goes on with what was pending. A
file with errors ends nothing. For new settings radgate reload is enough, for new code radgate upgrade.
"""
EPILOG = """\
exit status: 0 it serves, 2 errors in the file, and nothing was stopped, 3 stopped, and cannot start, 4 it does not end
or answer, or we may not ask.
"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = add_command(subparsers, common, "restart", "stop if it runs, and start", DESCRIPTION, EPILOG)
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Stop the gateway if it runs, and start it; a file that cannot start never stops one that serves."""
    running = settled(lambda: _running(options.config))
    try:
        _try(options.config, running)
    except ConfigError as error:
        print(error, file=sys.stderr)
        if running is not None:
            print(f"radgate: not restarted; pid {running['pid']} goes on serving, nothing was changed", file=sys.stderr)
        return Exit.CONFIGURATION
    with contextlib.suppress(NotRunning):
        settled(lambda: stop(read_control_address(options.config), "leave"))
    return start(options.config)


def _running(config: str) -> Status | None:
    """Return the status of the gateway that runs, if one does and can be asked."""
    with contextlib.suppress(ConfigError, NotRunning), asking(config) as address:
        return ask_status(address.run_dir)
    return None


def _try(config: str, running: Status | None) -> None:
    """Raises ConfigError where the file, or this machine with it, would keep the gateway from starting."""
    settings, _ = read_settings(config)
    problems = find_obstacles(settings, makes=True)
    if running is not None:
        problems += _taken(settings, running)
    if problems:
        raise ConfigError(locate(problems, settings.path, read_configuration(settings.path)), config)


def _taken(settings: Settings, running: Status) -> Iterator[Problem]:
    """Yield the addresses that others than the gateway have.

    Where its own sockets are in our way, it alone can tell what else would be.
    """
    own = {listening for server in running["servers"] for listening in server["listen"]}
    wanted = [address for address in listening_addresses(settings) if str(address) not in own]
    hidden = [address for address in wanted if any(_meets(listening, address) for listening in own)]
    told = _ask(settings.gateway.run_dir, hidden)
    for address in wanted:
        if text := told.get(str(address), "") if address in hidden else _try_port(address):
            yield Problem(address.servers[0].section, "port", text)


def _meets(listening: str, address: ListeningAddress) -> bool:
    """Whether a socket that listens there keeps others from an address that is not the same."""
    host, _, port = listening.rpartition(":")
    is_same_family = host.startswith("[") == (address.family == socket.AF_INET6)
    return port == str(address.port) and is_same_family and not _EVERYWHERE.isdisjoint((host.strip("[]"), address.host))


def _try_port(address: ListeningAddress) -> str:
    """Return what is to be said of an address that others have; empty if nobody has."""
    try:
        try_port(address)
    except CannotListen as error:
        return str(error) if error.is_taken else ""
    return ""


def _ask(run_dir: str, addresses: list[ListeningAddress]) -> dict[str, str]:
    """Return which of these others have, as the gateway knows it, and what is to be said of it."""
    taken: dict[str, str] = {}
    if not addresses:
        return taken
    with contextlib.suppress(ControlError), ControlConnection(run_dir, ASK_TIMEOUT_S) as gateway:  # an older one
        for first in range(0, len(addresses), _ADDRESSES_AT_ONCE):
            asked = [address[:3] for address in addresses[first : first + _ADDRESSES_AT_ONCE]]
            taken |= gateway.ask("try_addresses", addresses=asked)["taken"]
    return taken
