"""A project of two modules that the real hook compiles, and compilers of ours for it."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
NOTE = "gateway/interpreted.txt"
PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "small"
version = "1"
requires-python = ">=3.11"
dependencies = ["certifi>=2020"]

[tool.hatch.build.targets.wheel]
packages = ["gateway"]
dev-mode-dirs = ["."]

[tool.hatch.build.targets.wheel.hooks.custom]
path = "tools/compiling.py"
modules = ["gateway/double.py", "gateway/triple.py"]
"""
REQUIREMENTS = "import hatchling.build as b; [print(each) for each in b.get_requires_for_build_wheel()]"

TRIAL_SUCCEEDS = 'case " $* " in *fsyntax-only*) exit 0 ;; esac'

needs_compiler = pytest.mark.skipif(
    shutil.which("cc") is None or not Path(sysconfig.get_path("include"), "Python.h").exists(),
    reason="there is no C compiler, or no Python.h",
)


class Built(NamedTuple):
    """A build that has ended."""

    status: int
    said: str
    wheel: Path | None

    def text(self, name: str) -> str:
        assert self.wheel is not None, self.said
        return zipfile.ZipFile(self.wheel).read(name).decode()

    @property
    def names(self) -> set[str]:
        assert self.wheel is not None, self.said
        return set(zipfile.ZipFile(self.wheel).namelist())


class Tree:
    """A project of its own that is built by the real hook."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        self.temporary = folder / "tmp"
        self.wheels = folder / "wheels"
        for name in ("gateway", "tools", "requirements"):
            (self.root / name).mkdir(parents=True)
        self.temporary.mkdir()
        (self.root / "pyproject.toml").write_text(PROJECT)
        (self.root / "gateway" / "__init__.py").touch()
        (self.root / "gateway" / "double.py").write_text("def double(n: int) -> int:\n    return 2 * n\n")
        (self.root / "gateway" / "triple.py").write_text("def triple(n: int) -> int:\n    return 3 * n\n")
        for name in ("tools/compiling.py", "requirements/dev.lock"):
            shutil.copy(ROOT / name, self.root / name)

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """Start Python there, with a folder for temporary files of its own."""
        known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.root,
            env={**known, "TMPDIR": str(self.temporary), "PYTHONDONTWRITEBYTECODE": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def start_build(self, **environment: str) -> "subprocess.Popen[str]":
        return self.start("-m", "hatchling", "build", "-t", "wheel", "-d", str(self.wheels), **environment)

    def build(self, **environment: str) -> Built:
        building = self.start_build(**environment)
        said, _ = building.communicate(timeout=300)
        return Built(building.returncode, said, next(self.wheels.glob("*.whl"), None))

    def requirements(self, **environment: str) -> list[str]:
        """Return what pip would fetch for the build."""
        return self.start("-c", REQUIREMENTS, **environment).communicate(timeout=60)[0].split("\n")[:-1]

    def files(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.root)): path.read_bytes() for path in self.root.rglob("*") if path.is_file()}


def program(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def not_executable(path: Path) -> str:
    """Return a program that no kernel runs, though its mode says so."""
    path.write_text("neither a program nor a script of one\n")
    path.chmod(0o755)
    return str(path)


def noting(folder: Path, before: str = "", then: str = f'exec {shutil.which("cc")} "$@"') -> str:
    """Return a compiler that notes in `folder`/log how it compiles; `before` is what else it does first."""
    notes = f'case " $* " in *fsyntax-only*) ;; *" -c "*) echo "$*" >> {folder / "log"} ;; esac'
    return program(folder / "cc", f"{before}\n{notes}\n{then}")
