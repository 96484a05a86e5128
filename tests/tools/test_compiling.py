"""The hook that compiles what pip installs, on a package of two modules: what the wheel holds, and what is left."""

import os
import signal
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import NamedTuple

import mypyc
import pytest

from tests.tools.small_project import NOTE, ROOT, TRIAL_SUCCEEDS, Built, Tree, needs_compiler, not_executable, program

LOCK = (ROOT / "requirements" / "dev.lock").read_text().splitlines()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


class Compiled(NamedTuple):
    """A build that has compiled; `before` is what the tree had in it."""

    tree: Tree
    before: dict[str, bytes]
    built: Built


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    tree = Tree(tmp_path_factory.mktemp("compiled"))
    return Compiled(tree, tree.files(), tree.build(RADGATE_QUICK="1"))


@needs_compiler
def test_where_there_is_a_compiler_the_wheel_is_compiled_and_the_tree_as_before(compiled):
    tree, before, built = compiled
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
def test_no_path_of_the_machine_is_in_it(compiled):
    """pip's folder for a build has another name each time: the same source would not make the same octets."""
    built = compiled.built
    wheel = zipfile.ZipFile(built.wheel)
    octets = b"".join(wheel.read(name) for name in built.names if name.endswith(".so"))
    assert str(Path(mypyc.__file__).parent).encode() not in octets


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


def test_a_compiler_that_cannot_be_executed_is_named(tree, tmp_path):
    """One of another architecture, say."""
    compiler = not_executable(tmp_path / "cc")
    built = tree.build(CC=compiler)
    assert built.status == 0, built.said
    assert built.text(NOTE).startswith(f"the C compiler ({compiler}) does not work: ")
    assert "Exec format error" in built.text(NOTE)
    assert tree.requirements(CC=compiler) == []


@needs_compiler
def test_a_compiler_that_goes_while_its_flags_are_tried_fails_the_compiling_alone(tree, tmp_path):
    gone = not_executable(tmp_path / "gone")
    built = tree.build(CC=program(tmp_path / "cc", f'case " $* " in *fsyntax-only*) mv {gone} "$0" ;; esac'))
    assert built.status == 0, built.said
    assert built.text(NOTE).startswith("mypyc or the C compiler failed: ")


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


@pytest.mark.parametrize("word", ["yes", "true", "2", "no"])
def test_neither_0_nor_1_is_no_answer(tree, word):
    """It was compiled for whoever had asked that it be not."""
    built = tree.build(RADGATE_PURE=word)
    assert built.status != 0
    assert built.wheel is None
    assert built.said.strip().splitlines()[-1].startswith(f"RADGATE_PURE={word}: write 1 ")
    assert "Traceback" not in built.said


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
def test_compiling_needs_mypy_as_it_was_tested_and_else_what_the_installation_needs_anyway(tree):
    """An index that lacks one version of a library ends no installation that could do with another."""
    (mypy,) = [line for line in LOCK if line.startswith("mypy==")]
    assert set(tree.requirements()) == {mypy, "setuptools>=75", "certifi>=2020"}
    dev = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["dev"]
    assert "setuptools>=75" in dev


@needs_compiler
def test_who_insists_compiles_with_the_versions_of_the_lock(tree):
    wanted = tree.requirements(RADGATE_PURE="0")
    assert {line.partition("==")[0] for line in wanted} == {"mypy", "setuptools", "certifi"}
    assert set(wanted) <= set(LOCK)


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
