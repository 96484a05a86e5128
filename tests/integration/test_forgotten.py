"""A firewall forgets all connections to Duo, and new ones work: nobody but Duo decides, and nobody waits for long."""

import ctypes
import errno
import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.processes import SimulatorProcess
from tests.integration.site import Site

pytestmark = pytest.mark.integration

N_WORKERS = 2

N_CONNECTIONS = 20
N_LOGINS = 40

_PIDFD_GETFD = 438
_SO_ATTACH_FILTER = 26  # asm-generic/socket.h
_NOTHING = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF: return 0 octets


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[SimulatorProcess]:
    """A Duo of its own: it never hears that those connections were closed."""
    with SimulatorProcess(tmp_path / "duo") as simulator:
        yield simulator


def sockets_of(pid: int) -> Iterator[socket.socket]:
    """Duplicates of a child's sockets."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    try:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            descriptor = libc.syscall(_PIDFD_GETFD, pidfd, int(link.name), 0)
            if descriptor < 0 and ctypes.get_errno() != errno.EBADF:
                pytest.skip(f"this machine lends no descriptors of a child: {os.strerror(ctypes.get_errno())}")
            elif descriptor >= 0 and stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                with socket.socket(fileno=descriptor) as sock:
                    yield sock
            elif descriptor >= 0:
                os.close(descriptor)
    finally:
        os.close(pidfd)


def forget_connections(duo: SimulatorProcess) -> int:
    """Drop whatever comes to Duo on the connections that there are, before its TCP sees it; return how many."""
    port = int(duo.api_host.rpartition(":")[2])
    program = struct.pack("HP", 1, ctypes.addressof(_NOTHING))
    n_forgotten = 0
    for sock in sockets_of(duo.process.pid):
        is_listening = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        if sock.family == socket.AF_INET and sock.getsockname()[1] == port and not is_listening:
            sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
            n_forgotten += 1
    return n_forgotten


@pytest.mark.parametrize("failmode", ["safe", "secure"])
@pytest.mark.parametrize("api_timeout", [0, 2])
def test_duo_decides_though_all_kept_connections_are_forgotten(site: Site, failmode: str, api_timeout: int) -> None:
    nas = site.start(failmode=failmode, api_timeout=api_timeout).nas()
    site.simulator.fault("slow", delay_s=0.3)
    for number in range(N_CONNECTIONS):
        nas.send(f"early{number}", "123456")
    for _ in range(N_CONNECTIONS):
        nas.receive()
    site.simulator.heal()
    assert forget_connections(site.simulator) >= N_CONNECTIONS
    for number in range(N_LOGINS):
        nas.send(f"late{number}", "123456")
    assert not any(nas.receive().is_accept for _ in range(N_LOGINS))
    assert nas.login("alice", "123456").is_accept
    reasons = {line.fields["reason"] for line in site.log_lines()}
    assert reasons == {"not_enrolled", "duo_allowed"}
    assert "Fail mode" not in site.log_text
