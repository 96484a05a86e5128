"""What `make test` runs in which order, and how it ends: with programs that only tell that they were started."""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.signals import as_at_a_terminal

ROOT = Path(__file__).parents[2]
TELLS = 'echo "$(basename $0) $*" >> log'
COMPILES = f"""\
{TELLS}
case $1 in tools/compiling.py) mkdir -p $2/gateway && touch $2/gateway/hot.so; echo compiled ;; esac
ls gateway >> log
"""

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None or not Path(sysconfig.get_path("include"), "Python.h").exists(),
    reason="there is no C compiler, or no Python.h",
)


class Tree:
    """A project whose programs are scripts of ours; each run of one is a line of the log."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        self.programs = folder / "bin"
        self.temporary = folder / "tmp"
        for each in (self.root / "tools", self.root / "gateway", self.programs, self.temporary):
            each.mkdir(parents=True)
        for name in ("checking.py", "compile"):
            shutil.copy(ROOT / "tools" / name, self.root / "tools" / name)
        for name in ("ruff", "mypy", "lint-imports"):
            self.program(name, TELLS)
        self.program("python", COMPILES)

    def program(self, name: str, text: str) -> None:
        (self.programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.programs / name).chmod(0o755)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        search = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        ours = {name: text for name, text in os.environ.items() if name != "RADGATE_QUICK"}
        return subprocess.Popen(
            [sys.executable, "tools/checking.py", *arguments],
            cwd=self.root,
            env={**ours, "PATH": search, "TMPDIR": str(self.temporary), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=as_at_a_terminal,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Return the exit status and what was said."""
        process = self.start(*arguments)
        said, _ = process.communicate(timeout=60)
        return process.returncode, said

    @property
    def log(self) -> list[str]:
        return (self.root / "log").read_text().splitlines()

    def is_clean(self) -> bool:
        return not [*self.root.rglob("*.so"), *self.temporary.iterdir()]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_every_stage_has_its_heading_and_what_it_says_stands_under_it(tree: Tree) -> None:
    tree.program("mypy", "echo all well")
    headings = ["== ruff", "== mypy", "all well", "== import contracts", "== pytest"]
    said = [*headings, "== pytest, with the hot path compiled", "compiled", ""]
    assert tree.run() == (0, "\n".join(said))


def test_what_is_compiled_is_in_the_tree_for_the_last_stage_alone(tree: Tree) -> None:
    tree.run()
    plain, compiled = [number for number, line in enumerate(tree.log) if line.startswith("python -m pytest -ra")]
    assert tree.log.index("hot.so") > compiled > plain
    assert "tests/engine" in tree.log[compiled].split()
    assert "tests/engine" not in tree.log[plain].split()
    assert tree.is_clean()


def test_assertions_are_rewritten_once_where_they_are_not_yet(tree: Tree) -> None:
    tree.run()
    assert tree.log.count("python -m pytest --collect-only") == 1
    (tree.root / "tests" / "__pycache__").mkdir(parents=True)
    (tree.root / "tests" / "__pycache__" / "test_values.cpython-311-pytest-8.0.0.pyc").touch()
    tree.run()
    assert tree.log.count("python -m pytest --collect-only") == 1


def test_the_compiler_is_quick_and_the_tests_of_what_it_makes_know_it(tree: Tree) -> None:
    tree.program("python", f'[ -z "$RADGATE_QUICK" ] || echo "quick $*" >> log\n{COMPILES}')
    tree.run()
    testing, compiling = sorted(line for line in tree.log if line.startswith("quick"))
    assert "tests/engine" in testing
    assert "tools/compiling.py" in compiling


@pytest.mark.parametrize(("failing", "n_stages"), [("ruff", 1), ("mypy", 2), ("lint-imports", 3), ("python", 4)])
def test_the_first_stage_that_fails_ends_it_with_its_status(tree: Tree, failing: str, n_stages: int) -> None:
    tree.program(failing, "exit 7")
    status, said = tree.run()
    assert (status, said.count("== ")) == (7, n_stages)
    assert tree.is_clean()


def test_a_compiler_that_fails_is_heard_and_ends_it(tree: Tree) -> None:
    tree.program("python", 'case $1 in tools/compiling.py) echo "error: no room"; exit 3 ;; esac')
    status, said = tree.run()
    assert (status, said.splitlines()[-1]) == (3, "error: no room")
    assert tree.is_clean()


def test_arguments_are_for_pytest_and_nothing_is_compiled_then(tree: Tree) -> None:
    status, said = tree.run("tests/engine")
    assert (status, said.count("== ")) == (0, 4)
    assert tree.log[-1].endswith(" tests/engine")
    assert not [line for line in tree.log if "compiling.py" in line]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("stage", ["pytest", "tests/engine"], ids=["interpreted", "compiled"])
def test_who_ends_it_ends_what_is_at_work_and_nothing_is_left(tree: Tree, stage: str, number: signal.Signals) -> None:
    os.mkfifo(tree.root / "begun")
    tree.program("python", f'{COMPILES}\ncase "$*" in *{stage}*) echo yes > begun; read _ < begun ;; esac')
    process = tree.start()
    assert (tree.root / "begun").read_text() == "yes\n"
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert tree.is_clean()
