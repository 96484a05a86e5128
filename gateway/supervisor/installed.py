"""Which version is installed: what the next process runs, whatever the running ones do."""

import re
from pathlib import Path

import gateway

SOURCE = Path(gateway.__file__)
_VERSION = re.compile(r'^__version__ = "([^"]{1,64})"$', re.MULTILINE)


def installed_version(source: Path = SOURCE) -> str:
    """Return the version of the code on the disk; empty where it is being replaced, or gone."""
    try:
        found = _VERSION.search(source.read_text())
    except (OSError, ValueError):
        return ""
    return found[1] if found is not None else ""
