"""What a configuration depends on outside its file: an argument, so that reading stays pure."""

import errno
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import NamedTuple

from gateway.config.problems import ConfigError, Problem
from gateway.config.values import BadValueError, quoted

MAX_FILE_SIZE = 16 * 2**20  # octets: a hundred thousand clients fit in, and /dev/zero comes to an end
CREDENTIALS_DIRECTORY = "CREDENTIALS_DIRECTORY"  # systemd's variable, systemd.exec(5)
LONGEST_PATH = 256  # characters of a path that a problem shows
PRIVATE_MODE = 0o600
DUO_CONFIG = "/opt/duoauthproxy/conf/authproxy.cfg"
_DUO_FOLDER = "conf"
CONTROL_SOCKET = "control.sock"
LONGEST_SOCKET_PATH = 107  # octets: what struct sockaddr_un holds

_KINDS = {
    stat.S_IFIFO: "a pipe, which is not waited for",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class FileContent(NamedTuple):
    """A file's octets and its mode as `os.stat` tells it."""

    octets: bytes
    mode: int

    @property
    def is_readable_by_others(self) -> bool:
        """Whether every user of the machine can read the file."""
        return bool(self.mode & stat.S_IROTH)


ReadFile = Callable[[str], FileContent]
ListFolder = Callable[[str], list[str]]
"""From a folder to the names in it, in any order; raises OSError."""


def list_disk(folder: str) -> list[str]:
    """Return the names in a folder on disk. Raises OSError."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The folder of the configuration file, and the machine around it."""

    folder: str
    read_file: ReadFile
    list_folder: ListFolder = list_disk
    environment: Mapping[str, str] = field(default_factory=dict)
    user_id: int = 0
    secrets_key: bytes | None = field(default=None, repr=False)
    """What secrets in the file are encrypted with; None if it names no key, empty if that could not be read."""
    has_secrets: bool = True
    """Else files of secrets that cannot be read here, and what is encrypted with such a key, are no errors."""

    def resolve(self, text: str) -> str:
        """Return an absolute path: `%d/` is `$CREDENTIALS_DIRECTORY`, what is relative is in `folder`."""
        if not text.startswith("%d/"):
            return str(Path(self.folder, text))
        credentials = self.environment.get(CREDENTIALS_DIRECTORY)
        if not credentials:
            raise BadValueError("%d/ needs LoadCredential= in the systemd unit; add that, or write a whole path")
        return str(Path(credentials, text.removeprefix("%d/")))

    def read_installed(self, text: str) -> tuple[str, FileContent]:
        """Return path and content of a file. Beside a file in `conf` a relative path may begin in the folder above.

        That is where Duo's proxy is installed: `conf/ad_ca.pem` is beside its authproxy.cfg.
        """
        folder = PurePath(self.folder)
        if folder.name == _DUO_FOLDER and not text.startswith("%d/") and not PurePath(text).is_absolute():
            path = str(folder.parent / text)
            with suppress(OSError, ValueError):
                return path, self.read_file(path)
        path = self.resolve(text)
        return path, self.read(path)

    def read(self, path: str) -> FileContent:
        """Return a file's content, or say why not."""
        try:
            return self.read_file(path)
        except (OSError, ValueError) as error:
            raise BadValueError(unreadable(path, error)) from error

    @property
    def log_dir(self) -> str:
        """Where logs go unless the file says otherwise."""
        if self.user_id == 0:
            return "/var/log/radgate"
        if logs := self._first_of_systemd("LOGS_DIRECTORY"):
            return logs
        if state := self.environment.get("XDG_STATE_HOME"):
            return str(Path(state, "radgate"))
        return str(Path(self.environment.get("HOME", "/"), ".local/state/radgate"))

    @property
    def run_dir(self) -> str:
        """Where the control socket is unless the file says otherwise."""
        if self.user_id == 0:
            return "/run/radgate"
        if run := self._first_of_systemd("RUNTIME_DIRECTORY"):
            return run
        if runtime := self.environment.get("XDG_RUNTIME_DIR"):
            return str(Path(runtime, "radgate"))
        return f"/tmp/radgate-{self.user_id}"  # noqa: S108

    def _first_of_systemd(self, variable: str) -> str:
        """Return the folder that a unit with `User=` has made for us, such as `RuntimeDirectory=`; systemd.exec(5)."""
        return self.environment.get(variable, "").partition(":")[0]

    def resolve_run_dir(self, text: str) -> str:
        """Return an absolute path that leaves room for the control socket's name."""
        path = self.resolve(text)
        excess = len(os.fsencode(Path(path, CONTROL_SOCKET))) - LONGEST_SOCKET_PATH
        if excess > 0:
            raise BadValueError(
                f"{quoted(path, LONGEST_PATH)} is too long by {excess} for the control socket in it, whose path has "
                f"{LONGEST_SOCKET_PATH} bytes at most; write a shorter one, such as /run/radgate"
            )
        return path


def surroundings_of(path: str | os.PathLike[str]) -> Surroundings:
    """Return what is around a configuration file on this machine, for the user that we are."""
    folder = str(Path(path).absolute().parent)
    return Surroundings(folder=folder, read_file=read_disk, environment=os.environ, user_id=os.getuid())


def read_disk(path: str) -> FileContent:
    """Return the content of a regular file on disk; nothing else is opened, for it might keep us waiting.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no regular file, or larger than `MAX_FILE_SIZE`.
    """
    mode = Path(path).stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(mode):
        raise ValueError(f"it is {_KINDS.get(stat.S_IFMT(mode), 'no file')}")
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
        octets = file.read(MAX_FILE_SIZE + 1)
    if len(octets) > MAX_FILE_SIZE:
        raise ValueError(f"it is larger than {MAX_FILE_SIZE} bytes")
    return FileContent(octets, mode)


def read_configuration(path: str, read_file: ReadFile = read_disk) -> FileContent:
    """Return the content of a configuration file.

    Raises:
        ConfigError: it cannot be read; where there is none, the text says how to come by one.
    """
    try:
        return read_file(path)
    except FileNotFoundError as error:
        ways = "make one with radgate init, or name yours with --config FILE or RADGATE_CONFIG=FILE"
        if os.path.exists(DUO_CONFIG):  # noqa: PTH110 -- Path.exists raises where we may not look
            ways += f"; that of Duo's proxy can be taken as it is: {DUO_CONFIG}"
        text = f"cannot read {quoted(path, LONGEST_PATH)}: {reason(error)}; {ways}"
    except (OSError, ValueError) as error:
        text = unreadable(path, error)
    raise ConfigError([Problem("", "", text)], path)


def unreadable(path: str, error: Exception) -> str:
    """Return why a file cannot be read, and what to do."""
    text = f"cannot read {quoted(path, LONGEST_PATH)}: {reason(error)}"
    return f"{text}; correct the path, or put a readable file there"


def reason(error: Exception) -> str:
    """Return the operating system's words for an error."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
