"""What this machine grants: addresses to listen on, buffers, descriptors, the log directory, a user for the workers."""

import contextlib
import grp
import os
import pwd
import resource
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from gateway.checks.findings import Finding, Severity
from gateway.config.drafting import USER
from gateway.config.listening import ListeningAddress, listening_addresses
from gateway.config.settings import ConsoleSettings, GatewaySettings, Settings
from gateway.config.writing import MORE_FILES
from gateway.ipc.plan import worker_count
from gateway.logs.files import is_for_group
from gateway.supervisor.access import Closed, find_closed
from gateway.supervisor.form import REMEDY, hot_path
from gateway.supervisor.identity import UnknownIdentity, find_identity
from gateway.supervisor.limits import files_wanted, raise_file_limit
from gateway.supervisor.procfs import user_of
from gateway.supervisor.sockets import RECEIVE_BUFFER, CannotListen, ListeningSockets, grow_receive_buffer
from gateway.words.english import counted

HOST = "this machine"
SMALL_BUFFER = 1_048_576  # bytes of receive buffer below which a rush may lose datagrams


class RunningGateway(NamedTuple):
    """The gateway that runs with this file's `run_dir`, the addresses that it listens on, and its page's, or none."""

    pid: int
    listening: frozenset[str]
    page: str = ""

    def has_port(self, port: int) -> bool:
        """Whether it listens there, be it at another address that a reload would exchange."""
        return any(address.endswith(f":{port}") for address in self.listening)


def host_findings(settings: Settings, running: RunningGateway | None) -> Iterator[Finding]:
    """Yield what was seen; `running` holds what is taken for a good reason."""
    for address in listening_addresses(settings):
        yield _listener(address, running)
    if settings.gateway.console is not None:
        yield _status_page(settings.gateway.console, running)
    yield _hot_path()
    yield _receive_buffer()
    yield _descriptors(settings, running)
    yield _log_directory(settings)
    yield from _identity(settings.gateway)
    yield from _root(settings.gateway, running)


def _listener(address: ListeningAddress, running: RunningGateway | None) -> Finding:
    subject = f"udp {address}"
    try:
        ListeningSockets([address], n_buckets=1).close()
    except CannotListen as error:
        if error.is_taken and running is not None and running.has_port(address.port):
            return Finding(subject, "listen", Severity.OK, f"held by the running gateway, pid {running.pid}")
        remedy = f"see who has it: ss -ulpn sport = :{address.port}" if error.is_taken else ""
        return Finding(subject, "listen", Severity.PROBLEM, str(error), remedy)
    return Finding(subject, "listen", Severity.OK, "free to listen on")


def _status_page(console: ConsoleSettings, running: RunningGateway | None) -> Finding:
    subject = f"tcp {console}"
    family = socket.AF_INET6 if ":" in console.host else socket.AF_INET
    try:
        socket.create_server((console.host, console.port), family=family).close()
    except OSError as error:
        if running is not None and running.page.endswith(f"//{console}/"):
            return Finding(subject, "status page", Severity.OK, f"held by the running gateway, pid {running.pid}")
        text = f"cannot listen there: {(error.strerror or str(error)).lower()}"
        remedy = "logins do not depend on it; write another console= in [gateway], or console=off"
        return Finding(subject, "status page", Severity.WARNING, text, remedy)
    return Finding(subject, "status page", Severity.OK, "free to listen on")


def _hot_path() -> Finding:
    form = hot_path()
    severity = Severity.OK if form.is_compiled else Severity.NOTE
    return Finding(HOST, "hot path", severity, str(form), "" if form.is_compiled else REMEDY)


def _receive_buffer() -> Finding:
    granted = _granted_buffer()
    text = f"the kernel grants each socket {granted} bytes of receive buffer"
    if granted < SMALL_BUFFER:
        loss = "when many requests come at once, some may be lost"
        remedy = f"{loss}; sysctl net.core.rmem_max={RECEIVE_BUFFER}, and in /etc/sysctl.d to stay"
        return Finding(HOST, "rmem_max", Severity.WARNING, text, remedy)
    return Finding(HOST, "rmem_max", Severity.OK, text)


def _granted_buffer() -> int:
    """Return what the kernel grants of what is asked for; containers do not see the limit itself."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        return grow_receive_buffer(udp)


def _descriptors(settings: Settings, running: RunningGateway | None) -> Finding:
    """Each pending push holds a connection to Duo, and so a descriptor of its worker."""
    n_workers, needed = worker_count(settings), files_wanted(settings).in_all
    granted, whose = _file_limit(needed, running)
    text = (
        f"{whose} may open {granted} files; {needed} are needed for "
        f"max_pending={settings.gateway.max_pending} in {counted(n_workers, 'worker')}"
    )
    if granted < needed:
        remedy = f"{MORE_FILES}, or lower max_pending"
        return Finding(HOST, "open files", Severity.WARNING, text, remedy)
    return Finding(HOST, "open files", Severity.OK, text)


def _file_limit(needed: int, running: RunningGateway | None) -> tuple[int, str]:
    """Return the limit, and whose it is; ours is raised as a start would."""
    with contextlib.suppress(OSError):  # it has gone, or is another user's
        if running is not None:
            return resource.prlimit(running.pid, resource.RLIMIT_NOFILE)[1], "each process of the running gateway"
    return raise_file_limit(needed), "a process started from here"


def _log_directory(settings: Settings) -> Finding:
    log = settings.log
    if log.stdout:
        return Finding(HOST, "log_dir", Severity.OK, "lines go to standard output")
    directory = Path(log.directory)
    # Path.exists raises where we may not look.
    existing = next(each for each in (directory, *directory.parents) if os.path.exists(each))  # noqa: PTH110
    if not existing.is_dir():
        remedy = "write another log_dir in [main]"
        return Finding(HOST, "log_dir", Severity.PROBLEM, f"{existing} is no directory", remedy)
    if not os.access(existing, os.W_OK | os.X_OK):
        text = f"{existing} cannot be written by {_user_name(os.geteuid())}, who runs this check"
        remedy = "give it to the gateway's user, write another log_dir, or check as the user who runs the gateway"
        return Finding(HOST, "log_dir", Severity.PROBLEM, text, remedy)
    if closed := _closed_to_workers(existing, settings.gateway):
        text = f"{settings.gateway.user or settings.gateway.group} cannot use {closed}"
        return Finding(HOST, "log_dir", Severity.PROBLEM, text, f"{closed.remedy}, or write another log_dir in [main]")
    what = "can be written" if existing == directory else "will be made"
    return Finding(HOST, "log_dir", Severity.OK, f"{directory} {what}")


def _closed_to_workers(folder: Path, gateway: GatewaySettings) -> Closed | None:
    """Return what keeps the workers' user out of a folder, if something does; root alone can ask."""
    try:
        closed = find_closed(find_identity(gateway.user, gateway.group), {str(folder): os.X_OK})
    except UnknownIdentity:
        return None
    is_given = closed is not None and closed.barrier == str(folder) and is_for_group(folder.stat())
    return None if is_given else closed


def _identity(gateway: GatewaySettings) -> Iterator[Finding]:
    if gateway.user is not None:
        yield _known("user", gateway.user, pwd.getpwnam, f"useradd --system {gateway.user}")
    if gateway.group is not None:
        yield _known("group", gateway.group, grp.getgrnam, f"groupadd --system {gateway.group}")
    if (gateway.user or gateway.group) and os.geteuid() != 0:
        try:
            find_identity(gateway.user, gateway.group)
        except UnknownIdentity as error:
            yield Finding(HOST, "user", Severity.NOTE, str(error))


def _root(gateway: GatewaySettings, running: RunningGateway | None) -> Iterator[Finding]:
    """Warn of workers that are root; who asks as root is taken for who starts the gateway, unless that runs already."""
    is_root = os.geteuid() == 0 if running is None else user_of(running.pid) == 0
    if gateway.user is None and is_root:
        text = "started by root, workers, which meet the network, and the console run as root"
        remedy = (
            f"start it by conf/radgate.service, which has User={USER}; or write user={USER} into [gateway], "
            f"and make it: useradd --system {USER}, or conf/radgate.sysusers"
        )
        yield Finding(HOST, "user", Severity.WARNING, text, remedy)


def _known(key: str, name: str, look_up: Callable[[str], object], remedy: str) -> Finding:
    try:
        look_up(name)
    except KeyError:
        text = f"there is no {key} {name} on this machine"
        return Finding(HOST, key, Severity.PROBLEM, text, f"{remedy}, or correct {key}=")
    return Finding(HOST, key, Severity.OK, f"workers run as {key} {name}")


def _user_name(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:  # a container's
        return f"user {user_id}"
