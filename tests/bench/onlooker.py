"""`python -m tests.bench.onlooker COMMAND…`: starts a program and tells when it and everything that it began are gone.

All that the program leaves behind becomes a child of this process (`PR_SET_CHILD_SUBREAPER`), which waits until it has
none. It prints the program's pid, and in the end its exit status and the pids of those that outlived it.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.signals import as_at_a_terminal

_PR_SET_CHILD_SUBREAPER = 36
MOST_S = 60  # after which what is left is killed, and counts as left behind


def main() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    program = subprocess.Popen(
        sys.argv[1:], start_new_session=True, stdin=subprocess.DEVNULL, preexec_fn=as_at_a_terminal
    )
    _tell(program.pid)
    status = program.wait()
    stayed: list[int] = []
    signal.signal(signal.SIGALRM, lambda *_: stayed.extend(_kill_children()))
    signal.alarm(MOST_S)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    _tell(status, *stayed)


def _tell(*numbers: int) -> None:
    sys.stdout.write(" ".join(map(str, numbers)) + "\n")
    sys.stdout.flush()


def _kill_children() -> list[int]:
    """Kill who is left; those whom they leave are our children then."""
    pids = [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    signal.alarm(1)
    return pids


if __name__ == "__main__":
    main()
