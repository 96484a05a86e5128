"""How much work a call is where the hot path is compiled: instructions of the processor, as callgrind counts them.

All cases run in one process under callgrind, which counts nothing until all is loaded and warm: counting is ten times
as dear as valgrind alone. Between one case and the next a function of the C library is called that nothing else calls,
and callgrind writes down what it has counted since it was called before.

What our own compiled code executes, and how often it calls CPython and other libraries, is the same to the last
instruction on every run; with what is called it differs by 1 % from run to run. Another build of Python is another
matter: it has its own flags for the compiler, its own headers and speed. Between Debian's 3.11.2 and pyenv's 3.11.7 our
own instructions differ by up to 13 %, calls by 15 %, all together by 20 %. So each build has a baseline of its own, and
each build's quick form (`RADGATE_QUICK=1`, not optimised), which `make test` compiles.

`python -m tests.micro.instructions LIBRARY CASE…` is the process that is counted; the library has the switch in it.
"""

import ctypes
import gc
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from bench.endings import scratch_folder
from tests.micro.cases import CASES

ROOT = Path(__file__).parents[2]
_FLAGS = repr(sysconfig.get_config_vars("CONFIG_ARGS", "CFLAGS", "LDFLAGS")).encode()
_FORM = ", quick" if os.environ.get("RADGATE_QUICK") == "1" else ""
_PYTHON = f"CPython {platform.python_version()}, {platform.python_compiler()}"
BUILD = f"{_PYTHON}, {platform.machine()}, {crc32(_FLAGS):08x}{_FORM}"
OURS = "gateway__mypyc."  # how the file begins that mypyc puts all compiled modules into
MARK = "getpriority"
SWITCH = """\
#include <valgrind/callgrind.h>
void begin_to_count(void) { CALLGRIND_START_INSTRUMENTATION; }
"""
N_WARM = 50
N_RUNS = 20


class Instructions(NamedTuple):
    """What one call of a case takes.

    Attributes:
        own: instructions of our compiled modules.
        calls: from these to CPython and other libraries.
        total: instructions in all, everything that is called counted in.
    """

    own: int
    calls: int
    total: int


def obstacle() -> str:
    """Return what keeps instructions from being counted, or nothing."""
    if not shutil.which("valgrind"):
        return "instructions are counted by callgrind: install valgrind"
    if not shutil.which("cc"):
        return "counting is switched on by a function in C: install a C compiler"
    trial = subprocess.run(["cc", "-fsyntax-only", "-xc", "-"], input=SWITCH.encode(), capture_output=True, check=False)
    return "counting is switched on by valgrind's header: install that, too" if trial.returncode else ""


def count_instructions(names: Iterable[str], package: Path = ROOT) -> dict[str, Instructions]:
    """Return what each case takes; the compiled package is below `package`."""
    names = list(names)
    with scratch_folder("radgate-callgrind-") as folder:
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-xc", "-", "-o", folder / "switch.so"], input=SWITCH.encode(), check=True
        )
        counting = ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", f"--dump-before={MARK}"]
        counted = [sys.executable, "-P", "-m", __name__, str(folder / "switch.so"), *names]
        subprocess.run(
            [*counting, f"--callgrind-out-file={folder / 'counted'}", *counted],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (package, ROOT))), "PYTHONHASHSEED": "0"},
            check=True,
        )
        # The first part is of what came before, the next of the first case, the one after that of what lies between.
        parts = {name: folder / f"counted.{2 * number}" for number, name in enumerate(names, 1)}
        return {name: read_part(part.read_text()) for name, part in parts.items()}


def read_part(text: str, n_runs: int = N_RUNS) -> Instructions:
    """Return what callgrind has written down of so many runs, for one of them.

    The format is that of valgrind's manual: `ob=` and `cob=` tell to which file the functions of the next lines belong,
    the calling and the called ones; the line behind `calls=` is of the called one.
    """
    names: dict[str, str] = {}
    own = calls = total = 0
    is_ours = calls_ours = is_of_call = False
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key == "ob":
            is_ours = calls_ours = _is_ours(value, names)
        elif key == "cob":
            calls_ours = _is_ours(value, names)
        elif key == "calls":
            calls += int(value.split()[0]) if is_ours and not calls_ours else 0
            is_of_call, calls_ours = True, is_ours
        elif line.startswith("summary: "):
            total = int(line.split()[1])
        elif line[:1].isdigit() or line[:1] in ("+", "-", "*"):
            own += int(line.split()[1]) if is_ours and not is_of_call else 0
            is_of_call = False
    return Instructions(*(round(count / n_runs) for count in (own, calls, total)))


def _is_ours(text: str, names: dict[str, str]) -> bool:
    """Whether a file is the one that mypyc made; its name is written out once, `(7) /a/file`, then as `(7)`."""
    number, _, name = text.partition(" ")
    if name:
        names[number] = name
    return Path(names[number]).name.startswith(OURS)


def run(names: Sequence[str], begin_to_count: Callable[[], object]) -> None:
    """Run each case some times, the mark before and behind it."""
    runs = [CASES[name]() for name in names]
    for each in runs:
        for _ in range(N_WARM):
            each()
    gc.collect()
    gc.disable()  # a collection would be counted where it happens to fall
    mark = getattr(os, MARK)
    begin_to_count()
    for each in runs:
        mark(os.PRIO_PROCESS, 0)
        for _ in range(N_RUNS):
            each()
        mark(os.PRIO_PROCESS, 0)


if __name__ == "__main__":
    run(sys.argv[2:], ctypes.PyDLL(sys.argv[1]).begin_to_count)
