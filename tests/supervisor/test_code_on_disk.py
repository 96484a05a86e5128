"""Whether the files of the code change: in their place, by another file, by one more or less."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.supervisor.code_on_disk import code_on_disk


@pytest.fixture
def package(tmp_path: Path) -> Path:
    package = tmp_path / "package"
    (package / "room").mkdir(parents=True)
    for name in ("__init__.py", "room/__init__.py", "room/module.py"):
        (package / name).write_text("VALUE = 1\n")
    return package


def replaced(package: Path) -> None:
    """As an installer does: another file of the same size, moved there."""
    new = package / "new"
    new.write_text("VALUE = 2\n")
    new.rename(package / "room" / "module.py")


CHANGES: dict[str, Callable[[Path], object]] = {
    "written to": lambda package: (package / "room" / "module.py").write_text("VALUE = 1_000\n"),
    "replaced": replaced,
    "added": lambda package: (package / "room" / "another.py").touch(),
    "removed": lambda package: (package / "__init__.py").unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_seen(package: Path, change: Callable[[Path], object]):
    before = code_on_disk(package)
    assert code_on_disk(package) == before
    change(package)
    assert code_on_disk(package) != before


def test_what_imports_write_is_none(package: Path):
    before = code_on_disk(package)
    (package / "room" / "__pycache__").mkdir()
    (package / "room" / "__pycache__" / "module.cpython-311.pyc").touch()
    assert code_on_disk(package) == before


def test_our_own_is_found():
    assert any(path.endswith("/supervisor/code_on_disk.py") for path in code_on_disk())
