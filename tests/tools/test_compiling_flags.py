"""With which flags the hook compiles: those that the compiler knows, and optimised for users alone."""

from pathlib import Path

import pytest

from tests.tools.small_project import NOTE, Tree, needs_compiler, noting


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@needs_compiler
@pytest.mark.parametrize("unknown", [{"-fno-plt"}, {"-fno-plt", "-fno-semantic-interposition"}, set()])
def test_flags_that_a_compiler_does_not_know_are_left_out(tree, tmp_path, unknown):
    refuses = f'for each; do case $each in {"|".join(unknown)}) echo "cc: error: $each?"; exit 1 ;; esac; done'
    built = tree.build(CC=noting(tmp_path, refuses if unknown else ""), RADGATE_QUICK="1")
    assert NOTE not in built.names, built.said
    known = {"-fno-semantic-interposition", "-fno-plt"} - unknown
    compilings = (tmp_path / "log").read_text().splitlines()
    assert [known <= set(line.split()) for line in compilings] == [True] * len(compilings)


@needs_compiler
@pytest.mark.parametrize(("environment", "level"), [({}, "-O3"), ({"RADGATE_QUICK": "1"}, "-O0")])
def test_what_users_get_is_optimised_and_what_tests_want_quickly_is_not(tree, tmp_path, environment, level):
    built = tree.build(CC=noting(tmp_path), **environment)
    assert NOTE not in built.names, built.said
    compilings = (tmp_path / "log").read_text().splitlines()
    levels = [[each for each in line.split() if each.startswith("-O")][-1] for line in compilings]
    assert set(levels) == {level}
