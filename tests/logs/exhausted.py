"""`python -m tests.logs.exhausted FOLDER`: log a mistake while no descriptor is free."""

import os
import resource
import sys
from pathlib import Path

from gateway.logs.setup import LogPlan, log_internal_error, start_logging


def main(folder: Path) -> None:
    """Use all descriptors up, and log."""
    start_logging(LogPlan(folder))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    while True:
        try:
            os.dup(0)
        except OSError:
            break
    try:
        int("no number")
    except ValueError as error:
        log_internal_error("A mistake\N{BULLET}\nof ours", error)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
