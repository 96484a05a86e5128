"""What is kept through an exec: in this process, as if the code had been replaced."""

import os
import select
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config.listening import ListeningAddress
from gateway.ipc.memory import memfd
from gateway.supervisor.inheritance import VARIABLE, bequeath, inherited
from gateway.supervisor.sockets import ListeningSockets


@pytest.fixture
def free_address() -> Callable[[], ListeningAddress]:
    """A loopback address with a port that the kernel chose and nobody holds."""

    def choose() -> ListeningAddress:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", 0))
            return ListeningAddress(int(socket.AF_INET), "127.0.0.1", udp.getsockname()[1], ())

    return choose


@pytest.fixture
def folder(tmp_path: Path) -> int:
    return os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)


def test_sockets_are_found_again_with_what_waits_in_them(folder: int, free_address: Callable[[], ListeningAddress]):
    address = free_address()
    before = ListeningSockets([address], 3)
    environment = bequeath(folder, before)
    descriptors = [each.detach() for each in before.groups[0].sockets]
    assert all(os.get_inheritable(each) for each in (folder, *descriptors))
    found = inherited(environment)
    assert environment == {}
    assert found is not None
    assert found.folder_fd == folder
    assert not any(os.get_inheritable(each) for each in (folder, *descriptors))
    after = found.sockets()
    assert (after.n_buckets, after.numbering) == (3, before.numbering)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.sendto(b"hello", (address.host, address.port))
    kept = ListeningSockets([address], after.n_buckets, [after])
    after.close([kept])
    assert kept.groups[0] is after.groups[0]
    waiting = select.select(kept.groups[0].sockets, [], [], 20)[0]
    assert [each.recv(100) for each in waiting] == [b"hello"]
    for each in before.passages:
        each.inlet.close()
        each.outlet.close()
    kept.close()
    os.close(folder)


@pytest.mark.parametrize("value", ["", "1:3", "nonsense", f"{os.getppid()}:0"])
def test_what_is_not_for_this_process_is_nothing(value: str):
    environment = {VARIABLE: value, "HOME": "/"}
    assert inherited(environment) is None
    assert environment == {"HOME": "/"}


def test_what_cannot_be_read_closes_everything_of_ours(monkeypatch: pytest.MonkeyPatch):
    closed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "closerange", lambda *bounds: closed.append(bounds))
    document = memfd("test", b"of a later version")
    assert inherited({VARIABLE: f"{os.getpid()}:{document}"}) is None
    assert closed == [(3, os.sysconf("SC_OPEN_MAX"))]
    os.close(document)
