"""What a process is called, and what no core file and no neighbour may see of it."""

import subprocess
import sys

import pytest

from gateway.this_process import CONSOLE, LONGEST_NAME, SUPERVISOR, ProcessName, worker_name

NAMED = """\
import os, sys
from gateway.this_process import ProcessName, keep_memory_private, name_process
before = open("/proc/self/environ", "rb").read()
keep_memory_private()
name_process(ProcessName(sys.argv[1], sys.argv[2]))
print(open("/proc/self/comm").read(), end="")
print(open("/proc/self/cmdline").read().rstrip("\\0"))
print(open("/proc/self/environ", "rb").read() == before)
sys.stdout.flush()
os.execv("/proc/self/exe", ["python", "-S", "-c", "print(open('/proc/self/cmdline').read().split(chr(0))[1])"])
"""
NAMES = [SUPERVISOR, CONSOLE, worker_name(0), worker_name(127)]

PRIVATE = """\
import ctypes, resource
from gateway.this_process import keep_memory_private
keep_memory_private()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE))
"""


def told_by(program: str, *arguments: str) -> list[str]:
    command = [sys.executable, "-P", "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name.word)
def test_the_kernel_keeps_the_whole_name_and_the_title(name: ProcessName):
    """The environment stays, and an exec has arguments of its own."""
    assert len(name.word) <= LONGEST_NAME
    assert told_by(NAMED, *name) == [*name, "True", "-S"]


def test_a_title_that_is_too_long_is_cut_where_the_arguments_ended():
    _, title, environment_stays, _ = told_by(NAMED.replace("sys.argv[2]", "'t' * 99_999"), "radgate")
    assert set(title) == {"t"}
    assert len(title) < 9_999
    assert environment_stays == "True"


def test_a_process_leaves_no_core_and_is_closed_to_its_neighbours():
    assert told_by(PRIVATE) == ["0 0 0"]
