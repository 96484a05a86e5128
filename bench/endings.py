"""How programs of ours end: no process that they have started outlives them, and no folder of theirs stays.

- Ctrl-C, SIGTERM, or SIGHUP, as of a terminal that is closed: every `with` is left, so that all is ended in order.
- SIGKILL, or a crash: the kernel kills the children, and a shell that waits for its end removes the folder.

Children have a session of their own. What a terminal sends to all in its foreground reaches the program alone, which
ends its children in order; to a gateway SIGHUP would mean a reload.
"""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1  # linux/prctl.h; Python does not call it
_LIBC = ctypes.CDLL(None)

# The kernel takes the end of the thread that forked for that of the parent, so one thread starts all and ends last.
_STARTER = ThreadPoolExecutor(1, "starter")

# Makes a folder, tells its name, and removes it when told to. If that fails, or its maker has gone without a word, what
# had been started there may write for some seconds more: a worker of a gateway that was killed ends its logins.
_KEEPER = """\
trap '' HUP INT TERM PIPE
folder=$(mktemp -d -- "$1") || exit
echo "$folder"
read -r _ && rm -rf -- "$folder" 2>/dev/null && exit
for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$folder" 2>/dev/null; sleep 0.5; done
rm -rf -- "$folder"
"""


@contextmanager
def in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP leave every `with`, as Ctrl-C does; the exit status is then 128 + the signal's number.

    The first signal counts. One that was ignored before, as under nohup, stays ignored.
    """

    def end(number: int, _frame: object) -> None:
        for each in former:
            signal.signal(each, signal.SIG_IGN)
        sys.exit(128 + number)

    numbers = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is not signal.SIG_IGN]
    former = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def start(
    arguments: Sequence[str], *, preexec_fn: Callable[[], object] = lambda: None, **options: Any
) -> subprocess.Popen[Any]:
    """Start a process that is killed when this one is gone, with the cores and options that it would have anyway."""
    parent = os.getpid()

    def begin() -> None:
        die_with(parent)
        preexec_fn()

    given = {"start_new_session": True, **options, "preexec_fn": begin}
    starting = _STARTER.submit(_start, os.sched_getaffinity(0), arguments, given)
    try:
        return starting.result()
    except BaseException:  # a signal that ends us: nobody else will know of a process that starts all the same
        if not starting.cancel() and starting.exception() is None:
            with starting.result() as process:
                process.kill()
        raise


def _start(cores: set[int], arguments: Sequence[str], options: dict[str, Any]) -> subprocess.Popen[bytes]:
    os.sched_setaffinity(0, cores)  # a child inherits those of this thread, not those of who asked
    return subprocess.Popen(arguments, **options)


def die_with(parent: int) -> None:
    """Let the kernel kill this process when the thread that started it ends: to be called by a child, once it runs."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it had ended before
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """A folder that only we may read; it is gone on leaving, and also when this process is killed.

    Raises:
        OSError: none can be made.
    """
    template = Path(tempfile.gettempdir(), f"{prefix}XXXXXXXX")
    pipe = subprocess.PIPE
    with subprocess.Popen(
        ["sh", "-c", _KEEPER, "sh", template], stdin=pipe, stdout=pipe, text=True, start_new_session=True
    ) as keeper:
        assert keeper.stdout is not None  # noqa: S101 -- for the type checker
        folder = keeper.stdout.readline().rstrip("\n")
        if not folder:
            raise OSError(f"no folder can be made for {template}")
        try:
            yield Path(folder)
        finally:
            keeper.communicate("\n")
