"""With which flags the hook compiles: those that the compiler knows, and optimised for users alone.

One build is real. To see flags in the others, a compiler will do that makes empty files.
"""

from pathlib import Path

import pytest

from tests.tools.small_project import NOTE, Built, Tree, needs_compiler, noting

pytestmark = needs_compiler

PRETENDS = (
    'case " $* " in *fsyntax-only*) exit 0 ;; esac; while [ $# -gt 1 ]; do [ "$1" != -o ] || : > "$2"; shift; done'
)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What the compiler was told in a real build that is not optimised, by a compiler that knows all flags."""
    folder = tmp_path_factory.mktemp("quick")
    built = Tree(folder).build(CC=noting(folder), RADGATE_QUICK="1")
    return compilings(built, folder)


def pretended(folder: Path, before: str = "", **environment: str) -> list[list[str]]:
    """Return what a compiler was told that compiles nothing; `before` is what else it does first."""
    built = Tree(folder).build(CC=noting(folder, before, PRETENDS), **environment)
    return compilings(built, folder)


def compilings(built: Built, folder: Path) -> list[list[str]]:
    assert NOTE not in built.names, built.said
    return [line.split() for line in (folder / "log").read_text().splitlines()]


@pytest.mark.parametrize("unknown", [{"-fno-plt"}, {"-fno-plt", "-fno-semantic-interposition"}, set()])
def test_flags_that_a_compiler_does_not_know_are_left_out(request, tmp_path, unknown):
    refuses = f'for each; do case $each in {"|".join(unknown)}) echo "cc: error: $each?"; exit 1 ;; esac; done'
    told = pretended(tmp_path, refuses, RADGATE_QUICK="1") if unknown else request.getfixturevalue("quick")
    known = {"-fno-semantic-interposition", "-fno-plt"} - unknown
    assert told
    assert [known <= set(flags) for flags in told] == [True] * len(told)


@pytest.mark.parametrize(("environment", "level"), [({}, "-O3"), ({"RADGATE_QUICK": "1"}, "-O0")])
def test_what_users_get_is_optimised_and_what_tests_want_quickly_is_not(request, tmp_path, environment, level):
    told = request.getfixturevalue("quick") if environment else pretended(tmp_path)
    levels = [[each for each in flags if each.startswith("-O")][-1] for flags in told]
    assert set(levels) == {level}
