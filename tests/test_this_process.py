"""What a process is called, and what no core file and no neighbour may see of it."""

import subprocess
import sys

import pytest

from gateway.this_process import CONSOLE, LONGEST_NAME, SUPERVISOR, worker_name

NAMED = """\
import sys
from gateway.this_process import keep_memory_private, name_process
keep_memory_private()
name_process(sys.argv[1])
print(open("/proc/self/comm").read())
"""

PRIVATE = """\
import ctypes, resource
from gateway.this_process import keep_memory_private
keep_memory_private()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE))
"""


def told_by(program: str, *arguments: str) -> list[str]:
    command = [sys.executable, "-P", "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()


@pytest.mark.parametrize("name", [SUPERVISOR, CONSOLE, worker_name(0), worker_name(127)])
def test_the_kernel_keeps_the_whole_name(name: str):
    assert len(name) <= LONGEST_NAME
    assert told_by(NAMED, name) == [name]


def test_a_process_leaves_no_core_and_is_closed_to_its_neighbours():
    assert told_by(PRIVATE) == ["0", "0", "0"]
