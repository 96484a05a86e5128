"""A pytest plugin: each of several pytest processes has a network of its own, so that none meets another's ports.

pytest-xdist starts the processes. A network namespace needs root; without it they share ports, of
which the kernel hands out the ones that are free.
"""

import ctypes
import fcntl
import gc
import os
import socket
import struct

import pytest

FIRST = (
    "tests/micro/test_instructions.py",
    "tests/fleet/test_claims_properties.py",
    "tests/firstfactor/directory/test_samba.py",
    "tests/supervisor/test_fleet_watch.py",
    "tests/tools/test_compiling",
)
"""What takes 15 s or more in one file, and would be waited for alone if it began late."""

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def pytest_configure() -> None:
    """Leave the network of the machine, in the thread that runs the tests and so in all that it starts."""
    if "PYTEST_XDIST_WORKER" in os.environ and ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) == 0:
        _bring_up("lo")


def pytest_collection() -> None:
    """Collect no garbage while tests are collected: there is next to none."""
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long; all else stays in its order."""
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))


def pytest_collection_finish() -> None:
    """Do not look through the tests for garbage again and again: they live until the end."""
    gc.freeze()
    gc.enable()


def _bring_up(interface: str) -> None:
    request = struct.pack("16sH14x", interface.encode(), _IFF_UP)  # struct ifreq, netdevice(7)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)
