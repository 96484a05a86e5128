import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder with a short name: the path of a socket has 107 octets at most."""
    with tempfile.TemporaryDirectory(prefix="rg-") as name:
        yield Path(name)
