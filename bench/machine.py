"""On what, and with what, a run was made."""

import os
import platform
import socket
import subprocess
from pathlib import Path

from bench.report.record import Machine

_ROOT = Path(__file__).parent.parent


def this_machine() -> Machine:
    """Return what figures depend on."""
    return Machine(
        host=socket.gethostname(),
        cpu=_field(Path("/proc/cpuinfo"), "model name") or platform.machine(),
        n_cores=len(os.sched_getaffinity(0)),
        memory_bytes=int(_field(Path("/proc/meminfo"), "MemTotal").split()[0]) * 1024,
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
    )


def commit() -> str:
    """Return the commit of this tree, `+` behind it if files were changed since; `unknown` outside of one."""
    try:
        answers = [
            subprocess.run(["git", "-C", _ROOT, *words], capture_output=True, text=True, check=True, timeout=10).stdout
            for words in (("rev-parse", "--short=12", "HEAD"), ("status", "--porcelain"))
        ]
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answers[0].strip() + ("+" if answers[1].strip() else "")


def _field(path: Path, name: str) -> str:
    """Return the first value of a name in a file of `name : value` lines; empty if there is none."""
    for line in path.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""
