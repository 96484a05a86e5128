"""The hook that compiles what pip installs, on a package of two modules: what the wheel holds, and what is left."""

import os
import shutil
import signal
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
dependencies = ["certifi"]

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


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def program(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@needs_compiler
def test_where_there_is_a_compiler_the_wheel_is_compiled_and_the_tree_as_before(tree):
    before = tree.files()
    built = tree.build()
    modules = {name.partition(".")[0] for name in built.names if name.endswith(".so")}
    assert modules == {"gateway__mypyc", "gateway/double", "gateway/triple"}
    assert built.wheel.name.split("-")[2] == f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert NOTE not in built.names
    assert tree.files() == before
    assert list(tree.temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        pytest.param({"RADGATE_PURE": "1"}, "RADGATE_PURE=1 asked for it", id="as asked"),
        pytest.param({"CC": "/nonexistent/cc"}, "there was no C compiler (/nonexistent/cc)", id="no compiler"),
        pytest.param({"CC": "false"}, "the C compiler (false) does not work: it said nothing", id="a broken compiler"),
    ],
)
def test_where_it_cannot_be_compiled_the_wheel_is_interpreted_and_says_why(tree, environment, reason):
    before = tree.files()
    built = tree.build(**environment)
    assert built.status == 0
    assert built.text(NOTE).startswith(reason)
    assert built.text(NOTE).count("\n") == 1
    assert not any(name.endswith(".so") for name in built.names)
    assert built.wheel.name.endswith("-py3-none-any.whl")
    assert tree.files() == before


@needs_compiler
def test_what_mypyc_does_not_take_is_named(tree):
    (tree.root / "gateway" / "double.py").write_text("def double(n: int) -> str:\n    return 2 * n\n")
    assert "double.py:2: error: Incompatible return value" in tree.build().text(NOTE)


@needs_compiler
def test_a_compiler_that_fails_half_way_is_named(tree, tmp_path):
    compiler = program(tmp_path / "cc", f"{TRIAL_SUCCEEDS}; echo 'cc: error: no room'; exit 1")
    built = tree.build(CC=compiler)
    assert built.status == 0
    assert "cc: error: no room" in built.text(NOTE)


@needs_compiler
@pytest.mark.parametrize("unknown", [{"-fno-plt"}, {"-fno-plt", "-fno-semantic-interposition"}, set()])
def test_flags_that_a_compiler_does_not_know_are_left_out(tree, tmp_path, unknown):
    log = tmp_path / "log"
    refuses = (
        f'for each; do case $each in {"|".join(unknown)}) echo "cc: error: $each?"; exit 1 ;; esac; done'
        if unknown
        else ""
    )
    notes = f'case " $* " in *fsyntax-only*) ;; *" -c "*) echo "$*" >> {log} ;; esac'
    built = tree.build(CC=program(tmp_path / "cc", f'{refuses}\n{notes}\nexec {shutil.which("cc")} "$@"'))
    assert NOTE not in built.names, built.said
    known = {"-fno-semantic-interposition", "-fno-plt"} - unknown
    compilings = log.read_text().splitlines()
    assert [known <= set(line.split()) for line in compilings] == [True] * len(compilings)


@needs_compiler
@pytest.mark.parametrize(("environment", "level"), [({}, "-O3"), ({"RADGATE_QUICK": "1"}, "-O0")])
def test_what_users_get_is_optimised_and_what_tests_want_quickly_is_not(tree, tmp_path, environment, level):
    log = tmp_path / "log"
    notes = f'case " $* " in *fsyntax-only*) ;; *" -c "*) echo "$*" >> {log} ;; esac'
    built = tree.build(CC=program(tmp_path / "cc", f'{notes}\nexec {shutil.which("cc")} "$@"'), **environment)
    assert NOTE not in built.names, built.said
    levels = [[each for each in line.split() if each.startswith("-O")][-1] for line in log.read_text().splitlines()]
    assert set(levels) == {level}


@needs_compiler
def test_any_compiler_will_do_where_that_of_the_interpreter_is_not_there(tree, tmp_path):
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin" / "clang", f"{TRIAL_SUCCEEDS}; echo 'clang: error: no room'; exit 1")
    assert "clang: error: no room" in tree.build(PATH=str(tmp_path / "bin")).text(NOTE)


def test_who_insists_gets_an_error(tree):
    built = tree.build(RADGATE_PURE="0", CC="/nonexistent/cc")
    assert built.status != 0
    assert built.wheel is None
    assert "there was no C compiler (/nonexistent/cc)" in built.said


@needs_compiler
def test_a_build_that_is_killed_leaves_the_tree_as_it_was(tree, tmp_path):
    before = tree.files()
    fifo = tmp_path / "begun"
    os.mkfifo(fifo)
    compiler = program(tmp_path / "cc", f"{TRIAL_SUCCEEDS}; echo yes > {fifo}; read _ < {fifo}")
    building = tree.start_build(CC=compiler)
    try:
        assert set(fifo.read_text().split()) == {"yes"}  # from one compiler or from several
    finally:
        os.killpg(building.pid, signal.SIGKILL)
        building.communicate()
    assert tree.files() == before


@needs_compiler
def test_what_compiling_needs_is_fetched_in_the_versions_of_the_lock(tree):
    lock = (ROOT / "requirements" / "dev.lock").read_text().splitlines()
    wanted = tree.requirements()
    assert {line.partition("==")[0] for line in wanted} == {"mypy", "setuptools", "certifi"}
    assert set(wanted) <= set(lock)


def test_nothing_is_fetched_where_nothing_is_compiled(tree):
    assert tree.requirements(RADGATE_PURE="1") == []


def test_an_editable_installation_is_interpreted_for_those_who_change_the_source(tree):
    build = "import hatchling.build as b, sys; b.build_editable(sys.argv[1])"
    tree.wheels.mkdir()
    said, _ = tree.start("-c", build, str(tree.wheels)).communicate(timeout=60)
    assert said == ""
    (wheel,) = tree.wheels.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert all(name.endswith(".pth") for name in names)
