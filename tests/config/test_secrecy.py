"""What no core file and no neighbour may see."""

import subprocess
import sys

LOOK = """
import ctypes, resource
from gateway.config.secrecy import keep_memory_private
keep_memory_private()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE))
"""


def test_a_process_leaves_no_core_and_is_closed_to_its_neighbours():
    told = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.split() == ["0", "0", "0"]
