"""What the kernel says of a process: this one, an oddly named one, and one that is gone."""

import os
import subprocess
import sys

from gateway.supervisor.procfs import ProcessUsage, process_usage
from tests.children import child

ODD_NAME = "import sys; open('/proc/self/comm', 'w').write(') S 1 2 ('); print('named', flush=True); sys.stdin.read()"


def test_this_process_has_used_time_and_memory():
    usage = process_usage(os.getpid())
    times = os.times()
    assert 0 < usage.cpu_s <= times.user + times.system + 0.02
    assert 5_000_000 < usage.rss_bytes < 5_000_000_000


def test_a_name_with_blanks_and_parentheses_does_not_mislead():
    command = [sys.executable, "-c", ODD_NAME]
    with child(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"named\n"
        usage = process_usage(process.pid)
    assert usage.cpu_s < 60
    assert 1_000_000 < usage.rss_bytes < 1_000_000_000


def test_a_process_that_is_gone_uses_nothing():
    with child([sys.executable, "-c", ""]) as process:
        pass
    assert process_usage(process.pid) == ProcessUsage(0.0, 0)


def test_an_empty_place_uses_nothing():
    assert process_usage(0) == ProcessUsage(0.0, 0)
