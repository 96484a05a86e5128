"""`python -m gateway.supervisor.trial FD`: whether the code on disk, which this is, starts; its version is the answer.

A supervisor asks before it gives its place to that code: what cannot be imported must not take it. Whether workers can
serve with it is tried by a reload.
"""

import importlib
import sys

from gateway import __version__
from gateway.supervisor.helper import HelperEnd, run_helper, write_answer

MODULE = "gateway.supervisor.trial"
TIMEOUT_S = 60.0
_PROGRAMS = (
    *("gateway.cli.main", "gateway.cli.run"),
    *("gateway.worker.__main__", "gateway.console.__main__", "gateway.config.__main__"),
)


async def try_code_on_disk() -> str:
    """Return why the code on disk cannot take our place; empty if nothing is against it."""
    try:
        end = await run_helper([MODULE], TIMEOUT_S)
    except (TimeoutError, OSError) as error:
        return f"the code on disk could not be tried: {str(error) or type(error).__name__}"
    return "" if end.octets and not end.status else f"the code on disk does not start: {_describe(end)}"


def _describe(end: HelperEnd) -> str:
    last = end.words.rpartition("\n")[2]
    return last or f"exit status {end.status}"


def main(arguments: list[str]) -> int:
    """Import what runs; return the exit status."""
    for name in _PROGRAMS:
        importlib.import_module(name)
    write_answer(int(arguments[-1]), __version__.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
