"""What is closed to the user whom `user=` names: the interpreter, the package, the trusted roots.

The kernel is asked, by a process that becomes that user: groups, ACLs and mounts without execution count, too.
"""

import os
import shlex
import stat
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from gateway.config.settings import Settings
from gateway.supervisor.identity import SAME_IDENTITY, Identity

_SYSTEM_ROOTS = "system"


class Closed(NamedTuple):
    """A file that is wanted, and what keeps a user out: the file itself, or a folder above it."""

    wanted: str
    barrier: str

    def __str__(self) -> str:
        return f"{self.wanted}: {self.barrier} is closed to it ({stat.filemode(Path(self.barrier).stat().st_mode)})"

    @property
    def remedy(self) -> str:
        """A command that opens it."""
        mode = Path(self.barrier).stat().st_mode
        permission = "x" if stat.S_ISDIR(mode) else "rx" if mode & stat.S_IXUSR else "r"
        return f"chmod o+{permission} {shlex.quote(self.barrier)}"


def find_obstacle(settings: Settings, identity: Identity) -> str:
    """Return why workers could not even begin as this identity, and what to do; empty if they could."""
    who = settings.gateway.user or f"group {settings.gateway.group}"
    if found := find_closed(identity, _wanted_of_installation()):
        elsewhere = "install radgate where everybody may read it, in /opt/radgate say"
        return f"{who} cannot use {found}; {elsewhere}, or {found.remedy}"
    if found := find_closed(identity, _wanted_of_configuration(settings)):
        return f"{who} cannot use {found}; {found.remedy}"
    return ""


def _wanted_of_installation() -> dict[str, int]:
    """Return what workers need of radgate and Python: what we have loaded they will load, too."""
    modules = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return {sys.executable: os.X_OK, **dict.fromkeys((each for each in modules if each), os.R_OK)}


def _wanted_of_configuration(settings: Settings) -> dict[str, int]:
    """Return what workers read themselves; the rest the supervisor reads for them."""
    roots = {server.application.ca_certs_file for server in settings.servers} - {_SYSTEM_ROOTS}
    return dict.fromkeys((each for each in roots if each), os.R_OK)


def find_closed(identity: Identity, wanted: Mapping[str, int]) -> Closed | None:
    """Return the first of these that an identity cannot use, or None.

    Args:
        identity: the one to ask for; our own may do as it does.
        wanted: paths, and what is to be done with each, as `os.access` has it; what is not there is left out.
    """
    if identity == SAME_IDENTITY:
        return None
    there = [(str(Path(path).absolute()), mode) for path, mode in wanted.items() if Path(path).exists()]
    questions = [(path, os.path.realpath(path), mode) for path, mode in there]
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # where there are threads; the child needs none of them
        child = os.fork()  # not a program of its own: perhaps the user can run none of ours
    if child == 0:
        status = 1
        try:
            _become(identity)
            found = next(_barriers(questions), None)
            os.write(writer, os.fsencode("\0".join(found)) if found else b"")
            status = 0
        finally:
            os._exit(status)  # no handler, no buffer of ours is its business
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        octets = answer.read()
    os.waitpid(child, 0)
    return Closed(*os.fsdecode(octets).split("\0")) if octets else None


def _become(identity: Identity) -> None:
    os.setgroups([])
    if identity.group_id is not None:
        os.setgid(identity.group_id)
    if identity.user_id is not None:
        os.setuid(identity.user_id)


def _barriers(questions: list[tuple[str, str, int]]) -> Iterator[tuple[str, str]]:
    for path, real_path, mode in questions:
        if not os.access(path, mode):
            folders = [*reversed(Path(path).parents), *reversed(Path(real_path).parents)]
            closed = (str(folder) for folder in folders if not os.access(folder, os.X_OK))
            yield path, next(closed, real_path)
