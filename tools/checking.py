"""The stages of `make test`: lint, types, import contracts and all tests; then those of the hot path, compiled.

Each stage's output stands under its heading, and the first that fails ends the run with its exit status. The hot path
is compiled meanwhile, in a copy and unoptimised: that takes a minute of one core, and what comes of it must not be in
the tree before the interpreted tests are over. However the run ends, its children end with it; only after a SIGKILL may
compiled files be left in the tree, for `tools/compile clean` to remove.

`python tools/checking.py ARGUMENTS…` hands the arguments to pytest, and does without the compiled stage.
"""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from bench.endings import in_order, scratch_folder, start

ROOT = Path(__file__).resolve().parents[1]
LINT: dict[str, list[tuple[str, ...]]] = {
    "ruff": [("ruff", "check", "-q", "."), ("ruff", "format", "-q", "--check", ".")],
    "mypy": [("mypy", "--no-error-summary")],
    "import contracts": [("lint-imports", "--no-logo")],
}
# Three pytests for each core, for each waits more than half of its time, in networks of their own
# (tests/side_by_side.py); files in the order of their names, in which those with long tests come first.
BESIDE = ("-n", str(3 * len(os.sched_getaffinity(0))), "--dist", "loadfile", "--no-loadscope-reorder")
QUICK = {"RADGATE_QUICK": "1"}  # for tools/compiling.py, and for tests/micro, which counts what that makes
PYTEST = ("python", "-m", "pytest", "-ra", *BESIDE)
COLLECT = ("python", "-m", "pytest", "--collect-only")
# The way of a login through whole processes: as most users have it, compiled, and only so where that can be had.
WHOLE = tuple(f"tests/integration/test_{name}.py" for name in ("logins", "outages", "reload", "survival", "workers"))
ONCE = (
    *WHOLE,
    *("tests/firstfactor/directory/test_samba.py", "tests/conformance/test_vectors_on_the_wire.py"),
    *("tests/duoapi/test_echoes.py", "tests/fleet/test_claims_properties.py"),  # pure, and long
)
HOT = (  # the longest first
    "tests/micro/test_instructions.py",
    *WHOLE,
    *("tests/engine", "tests/radius", "tests/duoapi", "tests/http1", "tests/https", "tests/duo", "tests/ipc"),
    *("tests/listeners", "tests/failmode/test_evidence.py", "tests/statistics", "tests/worker", "tests/conformance"),
    *("tests/fleet", "tests/fleetapi", "tests/firstfactor", "tests/ldap"),
)


def main(arguments: Sequence[str]) -> None:
    """Run all stages, in the order of their cost."""
    is_whole = not arguments and can_compile()
    beside: AbstractContextManager[Compiling | None] = compiling() if is_whole else nullcontext()
    with in_order(), beside as compiled:
        for heading, commands in LINT.items():
            say(heading)
            for command in commands:
                run(command)
        say("pytest")
        if not arguments:
            rewrite_tests()
        run((*PYTEST, *arguments, *(f"--ignore={each}" for each in ONCE if compiled is not None)))
        if compiled is not None:
            say("pytest, with the hot path compiled")
            with in_place(compiled):
                run((*PYTEST, *HOT), env={**os.environ, **QUICK})


def rewrite_tests() -> None:
    """Let one pytest rewrite all assertions, as in a new tree: each of those side by side would, for 14 s of CPU.

    It says nothing: what it cannot collect, they cannot either, and they say so.
    """
    if not any(ROOT.glob("tests/__pycache__/*-pytest-*.pyc")):
        with begun(COLLECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            process.wait()


class Compiling(NamedTuple):
    """The compiler at work on a copy of the package."""

    process: "subprocess.Popen[bytes]"
    copy: Path
    said: Path


@contextmanager
def compiling() -> Iterator[Compiling]:
    """Compile beside all else; when this is left, that is over and the copy is gone."""
    with scratch_folder("radgate-check-") as room:
        copy, said = room / "copy", room / "said"
        known = {**os.environ, **QUICK, "RADGATE_SYMBOLS": "1", "TMPDIR": str(room)}
        command = ("python", "tools/compiling.py", str(copy))
        with said.open("wb") as output, begun(command, env=known, stdout=output, stderr=output) as process:
            yield Compiling(process, copy, said)


@contextmanager
def in_place(compiled: Compiling) -> Iterator[None]:
    """Wait for the compiler, and have what it made in the tree until this is left."""
    status = compiled.process.wait()
    print(compiled.said.read_text(), end="", flush=True)
    end_if_failed(status)
    try:
        for path in compiled.copy.rglob("*.so"):
            shutil.copy2(path, ROOT / path.relative_to(compiled.copy))
        yield
    finally:
        subprocess.run([ROOT / "tools" / "compile", "clean"], check=True)


def can_compile() -> bool:
    """Whether there is what a compiler needs."""
    return shutil.which("cc") is not None and Path(sysconfig.get_path("include"), "Python.h").exists()


def say(heading: str) -> None:
    """Begin a stage."""
    print(f"== {heading}", flush=True)


def run(command: Sequence[str], **options: Any) -> None:
    """Run a program to its end; the run is over if it fails."""
    with begun(command, **options) as process:
        end_if_failed(process.wait())


def end_if_failed(status: int) -> None:
    """End the run with a program's exit status, as a shell does, unless it is 0."""
    if status != 0:
        sys.exit(status if status > 0 else 128 - status)


@contextmanager
def begun(command: Sequence[str], **options: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """A program at work; if it still is when this is left, it and what it has started are interrupted."""
    process = start(command, cwd=ROOT, preexec_fn=may_be_interrupted, **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            process.wait()


def may_be_interrupted() -> None:
    """Undo for a child that we ignore SIGINT, as programs in the background do."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
