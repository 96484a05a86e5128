"""What a process is called."""

import subprocess
import sys

import pytest

from gateway.config.naming import CONSOLE, LONGEST, SUPERVISOR, worker_name

PROGRAM = """\
import sys
from gateway.config.naming import name_process
from gateway.config.secrecy import keep_memory_private
keep_memory_private()
name_process(sys.argv[1])
print(open("/proc/self/comm").read())
"""


@pytest.mark.parametrize("name", [SUPERVISOR, CONSOLE, worker_name(0), worker_name(127)])
def test_the_kernel_keeps_all_of_it(name: str):
    assert len(name) <= LONGEST
    said = subprocess.run([sys.executable, "-P", "-c", PROGRAM, name], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == name
