"""A Debian of its own to install a package into: its files in a folder, its processes and network in namespaces."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.endings import start

MIRROR = "http://deb.debian.org/debian"
NEEDED = ("debootstrap", "dpkg-deb", "unshare", "nsenter", "chroot")
INCLUDED = "python3,systemd-standalone-sysusers"  # what the package depends on
READY = "ready"


def obstacle() -> str:
    """Return why no Debian can be made here, or nothing."""
    if os.geteuid() != 0:
        return "only root can make a Debian to install into"
    missing = [name for name in NEEDED if shutil.which(name) is None]
    return f"not installed: {', '.join(missing)}" if missing else ""


def make_root(folder: Path) -> str:
    """Make a minimal Debian of this machine's release, or copy the one that $DEBIAN_ROOT names; return why not."""
    if prepared := os.environ.get("DEBIAN_ROOT"):
        subprocess.run(["cp", "-a", f"{prepared}/.", str(folder)], check=True)
        return ""
    release = "stable"
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            release = line.partition("=")[2]
    mirror = os.environ.get("DEBIAN_MIRROR", MIRROR)
    command = ["debootstrap", "--variant=minbase", f"--include={INCLUDED}", release, str(folder), mirror]
    made = subprocess.run(command, capture_output=True, text=True)
    return "" if made.returncode == 0 else f"debootstrap failed: {(made.stdout + made.stderr).splitlines()[-1:]}"


class Debian:
    """One that runs: commands are run in it, as root unless they say otherwise.

    Attributes:
        root: its files, as seen from here.
        python: a program that runs this Python, with the files of here, in its network.
    """

    def __init__(self, root: Path, pid: int, python: Path) -> None:
        self.root = root
        self._enter = ["nsenter", f"--target={pid}", "--mount", "--net", "--pid", "chroot", str(root)]
        self.python = python

    def command(self, *words: str, environment: Mapping[str, str] | None = None) -> list[str]:
        """Return what runs a command in it, with this environment and no other."""
        known = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", **(environment or {})}
        return [*self._enter, "env", "-i", *(f"{key}={value}" for key, value in known.items()), *words]

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=300)

    def do(self, *words: str) -> str:
        """Run a command that must succeed; return what it said."""
        ended = self.run(*words)
        assert ended.returncode == 0, f"{words}: {ended.stdout}{ended.stderr}"
        return ended.stdout + ended.stderr

    def users(self, name: str) -> set[int]:
        """Return as whom its processes run whose names begin so."""
        found = set()
        for process in self.do("sh", "-c", "cat /proc/[0-9]*/status 2>/dev/null || true").split("Name:\t")[1:]:
            if process.startswith(name):
                found |= {int(line.split()[2]) for line in process.splitlines() if line.startswith("Uid:")}
        return found

    def files(self) -> set[str]:
        """Return all paths but those of the package manager's own books and of processes."""
        books = ["-path", "/var/lib/dpkg", "-prune", "-o", "-path", "/proc", "-prune", "-o"]
        listed = self.do("find", "/", "-xdev", *books, "-print")
        return set(listed.splitlines())


@contextmanager
def running(root: Path, folder: Path) -> Iterator[Debian]:
    """A Debian whose processes end when this is left."""
    setting_up = f"mount -t proc proc {root}/proc && ip link set lo up && echo {READY} && exec sleep infinity"
    unshared = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child=SIGKILL", "sh", "-c", setting_up]
    holder = start(unshared, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline().strip() == READY
        (child,) = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
        python = folder / "python"
        python.write_text(f'#!/bin/sh\nexec nsenter --target={child} --net {sys.executable} "$@"\n')
        python.chmod(0o755)
        yield Debian(root, int(child), python)
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
