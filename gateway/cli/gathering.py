"""What somebody who is to help needs to see, gathered on this machine; secrets are not yet hidden in it."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from gateway.cli.asking import ask_status
from gateway.config.control_address import read_control_address, read_log_dir
from gateway.config.problems import ConfigError
from gateway.config.surroundings import CREDENTIALS_DIRECTORY
from gateway.logs.files import check_single, rotated_files
from gateway.logs.setup import AUTH_EVENTS_FILE, LOG_FILE
from gateway.supervisor.control_client import ControlError

LOG_SIZE = 8 * 2**20  # octets of each log, the newest
COMMAND_TIMEOUT_S = 60.0

_COMMANDS = {
    "check.txt": ("check", "--connect"),
    "status.json": ("status", "--json"),
    "versions.txt": ("version",),
}
_MACHINE = (
    "/etc/os-release",
    *(f"/proc/{name}" for name in ("version", "uptime", "loadavg", "meminfo", "net/snmp", "net/snmp6", "net/sockstat")),
    *(f"/proc/pressure/{name}" for name in ("cpu", "memory", "io")),
    *(f"/proc/sys/fs/{name}" for name in ("nr_open", "file-max", "file-nr")),
    *(
        f"/proc/sys/net/core/{name}"
        for name in ("rmem_max", "rmem_default", "wmem_max", "wmem_default", "netdev_max_backlog", "somaxconn")
    ),
    *(
        f"/proc/sys/net/ipv4/{name}"
        for name in ("udp_mem", "ip_local_port_range", "tcp_keepalive_time", "tcp_syn_retries")
    ),
    *(f"/sys/fs/cgroup/{name}" for name in ("cpu.max", "memory.max", "memory.current", "pids.max")),
    "/sys/devices/system/clocksource/clocksource0/current_clocksource",
)
_PROCESS = ("limits", "status", "schedstat", "cgroup")
_MAX_READ = 65_536


class Item(NamedTuple):
    """A file of the bundle."""

    name: str
    octets: bytes


def gather(config: Path) -> Iterator[Item]:
    """Yield everything but the configuration itself; what cannot be had says why in its place."""
    for name, arguments in _COMMANDS.items():
        yield Item(name, _run(sys.executable, "-P", "-m", "gateway", *arguments, "--config", str(config)))
    yield Item("packages.txt", "".join(f"{name} {version}\n" for name, version in _packages()).encode())
    yield Item("machine.txt", _facts(_MACHINE) + f"== processors\n{os.cpu_count()}, {platform.machine()}\n".encode())
    yield from _process_items(config)
    yield from _log_items(config)
    if shutil.which("journalctl") and Path("/run/systemd/system").is_dir():
        yield Item(
            "journal.txt", _run("journalctl", "--unit=radgate", "--lines=5000", "--no-pager", "--output=short-iso")
        )


def _run(*command: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 -- our own commands, and journalctl
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{type(error).__name__}\n".encode()
    return done.stdout + done.stderr + (b"" if done.returncode == 0 else b"exit status %d\n" % done.returncode)


def _packages() -> list[tuple[str, str]]:
    return sorted((each.metadata["Name"], each.version) for each in metadata.distributions())


def _facts(paths: Iterable[str]) -> bytes:
    return b"".join(b"== %s\n%s\n" % (path.encode(), _read_end(Path(path), _MAX_READ)) for path in paths)


def find_credentials(config: Path) -> Iterator[str]:
    """Yield the folder of secrets that systemd gives to the running gateway, if there is one and we may know."""
    try:
        status = ask_status(read_control_address(config).run_dir)
        environment = Path(f"/proc/{status['pid']}/environ").read_bytes().split(b"\0")
    except (ControlError, ConfigError, KeyError, TypeError, OSError):
        return
    prefix = f"{CREDENTIALS_DIRECTORY}=".encode()
    yield from (os.fsdecode(each.removeprefix(prefix)) for each in environment if each.startswith(prefix))


def _process_items(config: Path) -> Iterator[Item]:
    """Yield what the kernel says of the gateway's processes, and their last words to `radgate start`."""
    try:
        status = ask_status(read_control_address(config).run_dir)
        pids = [status["pid"], *(worker["pid"] for worker in status["workers"] if worker["pid"])]
    except (ControlError, ConfigError, KeyError, TypeError):
        return
    yield Item("processes.txt", _facts(f"/proc/{pid}/{name}" for pid in pids for name in _PROCESS))
    stderr = Path(f"/proc/{status['pid']}/fd/2")
    if os.access(stderr, os.R_OK) and str(stderr.readlink()).startswith("/memfd:"):
        yield Item("stderr.txt", _read_end(stderr, LOG_SIZE))


def _log_items(config: Path) -> Iterator[Item]:
    """Yield the newest lines of each log; stack dumps and last words of workers are among them.

    No link is followed, and no file of several names is read: the folder may belong to the workers' user, who must not
    have root give away another file.
    """
    try:
        folder = Path(read_log_dir(config))
    except ConfigError:
        return
    for name in (LOG_FILE, AUTH_EVENTS_FILE):
        left = LOG_SIZE
        for path in (folder / name, *_rotated(folder / name)):
            if left > 0:
                octets = _read_end(path, left, os.O_NOFOLLOW)
                left -= len(octets)
                yield Item(f"logs/{path.name}", octets)


def _rotated(path: Path) -> list[Path]:
    try:
        return rotated_files(path)
    except OSError:
        return []


def _read_end(path: Path, size: int, flags: int = 0) -> bytes:
    """Return the last lines of a file, at most `size` octets, or why it cannot be read; never waiting for a pipe."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | flags), "rb") as file:
            status = os.fstat(file.fileno())
            if flags & os.O_NOFOLLOW:
                check_single(status)
            if (beginning := status.st_size - size) > 0:
                file.seek(beginning - 1)
                file.readline()
            return file.read(size) or b""
    except OSError as error:
        return f"({error.strerror})".encode()
