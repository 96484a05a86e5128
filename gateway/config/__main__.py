"""`python -m gateway.config PATH FD`: read a configuration file in a process of its own.

What came of it goes to an inherited descriptor. The exit status is 0, or 2 if the file has errors; with any other one
standard error says what went wrong, never with what the file holds.

The supervisor takes new settings this way: its loop never waits for a disk, and a newer version of the code reads
newer keys.
"""

import os
import sys
import traceback

from gateway.config.problems import ConfigError
from gateway.config.read_outcome import ReadOutcome, encode_outcome
from gateway.config.reading import read_settings
from gateway.config.settings import encode_settings
from gateway.config.unchanged import UnchangedFiles
from gateway.config.writing import explain_error
from gateway.this_process import keep_memory_private


def main(arguments: list[str]) -> int:
    """Read, write, and return the exit status."""
    keep_memory_private()
    path, descriptor = arguments
    try:
        outcome = read_outcome(path)
        with os.fdopen(int(descriptor), "wb") as file:
            file.write(encode_outcome(outcome))
    except OSError as error:
        print(explain_error(error), file=sys.stderr)  # noqa: T201 -- the supervisor tells it
        return 1
    except Exception as error:  # noqa: BLE001 -- our own mistake, without its text, which may hold a secret
        where = traceback.extract_tb(error.__traceback__)[-1]
        print(f"{type(error).__name__} in {where.name}, an internal error", file=sys.stderr)  # noqa: T201
        return 70
    return 2 if outcome.problems else 0


def read_outcome(path: str) -> ReadOutcome:
    """Return what the file says, or what is wrong with it; of files that change meanwhile nothing is believed."""
    files = UnchangedFiles()
    outcome = _read_outcome(path, files)
    changed = [f"{each}: it has changed while it was read; reload again once it is written" for each in files.changed()]
    return ReadOutcome(problems=changed) if changed else outcome


def _read_outcome(path: str, files: UnchangedFiles) -> ReadOutcome:
    try:
        settings, warnings = read_settings(path, read_file=files.read, list_folder=files.names_in)
    except ConfigError as error:
        return ReadOutcome(
            warnings=[problem.render(error.path) for problem in error.problems if problem.is_warning],
            problems=[problem.render(error.path) for problem in error.problems if problem.is_error],
        )
    told = [problem.render(path) for problem in warnings if problem.is_warning]  # notes are for `radgate check`
    return ReadOutcome(settings_octets=encode_settings(settings), warnings=told)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
