"""Which form of the hot path runs: compiled, or the same source interpreted, and why."""

from pathlib import Path
from typing import NamedTuple

import gateway
from gateway.statistics import counters

NOTE = Path(gateway.__file__).with_name(
    "interpreted.txt"
)  # tools/compiling.py puts it into a wheel that is not compiled
SOURCE_TREE = "it runs from its source tree"
REMEDY = (
    "a login costs some 2.5 times the CPU; with a C compiler and Python's headers (gcc, libc6-dev, python3-dev) "
    "`pip install --force-reinstall` of its source compiles it"
)


class Form(NamedTuple):
    """The form; `why_not` is the reason where it is not compiled."""

    is_compiled: bool
    why_not: str = ""

    @property
    def note(self) -> str:
        """What to do about it, where that is not known anyhow: who works in the source tree chose to."""
        return "" if self.is_compiled or self.why_not == SOURCE_TREE else f"note: hot path {self}; {REMEDY}"

    def __str__(self) -> str:
        return "compiled" if self.is_compiled else f"interpreted: {self.why_not}"


def hot_path() -> Form:
    """Return the form that this process runs: a module of the hot path tells what it was loaded from."""
    if counters.__file__.endswith(".so"):
        return Form(is_compiled=True)
    try:
        return Form(is_compiled=False, why_not=NOTE.read_text().strip())
    except OSError:
        return Form(is_compiled=False, why_not=SOURCE_TREE)
