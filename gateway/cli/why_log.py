"""Searches logs for a person's logins: all files of a log, or standard input; its memory has bounds, logs have none."""

import heapq
import sys
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

from gateway.logs.history import LogFile, files_of, portions, portions_of
from gateway.logs.login_lines import LoggedLogin, Wanted, candidates, is_anonymous, parse_login

TIME = "%Y-%m-%d %H:%M:%S%z"
N_LOOKED_AT = 200  # logins at a file's beginning, to learn when it begins and whether its names are aliases


class Search:
    """What is wanted, and what has been found.

    Attributes:
        n_left_out: older logins that were found and are not kept.
        notes: what a person should know about the logs.
        oldest: the first login of anybody in the oldest file.
    """

    def __init__(
        self,
        user: str,
        sections: frozenset[str] | None,
        since: float | None,
        n_kept: int,
        *,
        is_refused: bool = False,
    ) -> None:
        self.wanted = Wanted(user, sections, is_refused)
        self.since = since
        self.n_left_out = 0
        self.notes: list[str] = []
        self.oldest: LoggedLogin | None = None
        self._n_kept = n_kept
        self._order = count()
        self._newest: list[tuple[float, int, LoggedLogin]] = []  # a heap, the oldest first
        self._n_named = self._n_aliases = 0

    @property
    def found(self) -> list[LoggedLogin]:
        """The newest logins, the newest last."""
        return [login for _, _, login in sorted(self._newest, key=lambda each: each[:2])]

    @property
    def is_anonymous(self) -> bool:
        """Whether all names that were seen are aliases."""
        return 0 < self._n_named == self._n_aliases

    def read(self, parts: Iterator[bytes]) -> None:
        """Search portions of whole lines."""
        person = self.wanted.person
        for number, portion in enumerate(parts):
            if number == 0:
                self._look_at_beginning(portion)
            for line in candidates(portion, person):
                login = parse_login(line)
                if login is not None and self.wanted.is_met_by(login):
                    self._take(login)

    def _take(self, login: LoggedLogin) -> None:
        at = login.at.timestamp()
        if self.since is not None and at < self.since:
            return
        entry = (at, next(self._order), login)
        if len(self._newest) < self._n_kept:
            heapq.heappush(self._newest, entry)
            return
        heapq.heappushpop(self._newest, entry)
        self.n_left_out += 1

    def _look_at_beginning(self, portion: bytes) -> None:
        lines = portion.split(b"\n", N_LOOKED_AT)[:N_LOOKED_AT]
        logins = [login for login in map(parse_login, lines) if login is not None]
        self._n_named += len(logins)
        self._n_aliases += sum(map(is_anonymous, logins))
        if logins and (self.oldest is None or logins[0].at < self.oldest.at):
            self.oldest = logins[0]


def search_stdin(search: Search) -> None:
    """Search what comes in."""
    search.read(portions_of(sys.stdin.buffer))
    _conclude(search)


def search_files(search: Search, name: str, *, is_stdout: bool = False) -> None:
    """Search a log with all its files; what cannot be read is a note."""
    path = Path(name)
    try:
        files = files_of(path)
    except OSError as error:
        files = []
        _note_unreadable(search, error, path.parent)
    for file in files:
        _read_file(search, file)
    if is_stdout:
        search.notes.append(
            "log_stdout=true: logins are written to standard output, not to this file. In the journal: "
            "journalctl -u radgate -o cat | radgate why USER --log -"
        )
    elif not files and not search.notes:
        search.notes.append(f"{path}: there is no such log")
    _conclude(search, len(files))


def _read_file(search: Search, file: LogFile) -> None:
    """Search a file; one that ends before what is wanted is only asked when it begins."""
    parts = portions(file.path)
    try:
        if search.since is not None and file.written_at < search.since:
            search.read(islice(parts, 1))
        else:
            search.read(parts)
    except OSError as error:
        _note_unreadable(search, error, file.path)


def _note_unreadable(search: Search, error: OSError, path: Path) -> None:
    advice = "; ask as root, or as the gateway's user" if isinstance(error, PermissionError) else ""
    search.notes.append(f"{path} cannot be read: {error.strerror}{advice}")


def _conclude(search: Search, n_files: int = 1) -> None:
    """Note what the logs cannot say."""
    if search.is_anonymous:
        search.notes.append(
            "the users of this log are written user-0001, user-0002 …: it comes from radgate support --anonymous; "
            "ask where the log was written"
        )
    if search.oldest is None:
        return
    begin = f"the log begins at {search.oldest.at:{TIME}}"
    if search.since is not None and search.oldest.at.timestamp() > search.since:
        why = "older files are rotated away (log_max_size, log_max_files)" if n_files > 1 else "nothing older is there"
        search.notes.append(f"{begin}: {why}")
    elif not search.found:
        search.notes.append(begin)
