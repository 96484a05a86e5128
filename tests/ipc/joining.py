"""A process that joins a file, and parts from it once it is told to."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.children import child

JOIN_IT = """\
import sys
from gateway.ipc.holders import join, part
descriptor = int(sys.argv[1])
join(descriptor)
print("joined", flush=True)
sys.stdin.readline()
part(descriptor)
print("parted", flush=True)
sys.stdin.read()
"""


class Joined:
    """The process."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.pid = process.pid

    def says(self, word: bytes) -> bool:
        """Wait for its next word."""
        assert self.process.stdout is not None
        return self.process.stdout.readline() == word + b"\n"

    def part(self) -> None:
        """Have it part."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        assert self.says(b"parted")


@contextmanager
def joined(descriptor: int) -> Iterator[Joined]:
    """Run one that has joined the file of a descriptor."""
    arguments = [sys.executable, "-P", "-c", JOIN_IT, str(descriptor)]
    with child(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[descriptor]) as process:
        other = Joined(process)
        assert other.says(b"joined")
        yield other
