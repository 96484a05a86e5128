"""What mypyc compiles can be the base of what it does not compile only where it says so: else nobody can make one."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
HOOK = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]
COMPILED = frozenset(HOOK["custom"]["modules"])


class Known(NamedTuple):
    """A class of a module: whether it is compiled, whether others may inherit from it, and its bases."""

    is_compiled: bool
    is_open: bool
    bases: list[tuple[str, str]]


def classes_of(path: Path) -> Iterator[tuple[tuple[str, str], Known]]:
    """Yield the classes of a module, each by the module's name and its own."""
    name, tree = str(path.relative_to(ROOT)), ast.parse(path.read_text())
    module = name.removesuffix(".py").replace("/", ".")
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported = {each.asname or each.name: (node.module or "", each.name) for node in froms for each in node.names}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            is_open = any("allow_interpreted_subclasses" in ast.unparse(each) for each in node.decorator_list)
            names = [base.id for base in node.bases if isinstance(base, ast.Name)]
            bases = [imported.get(base, (module, base)) for base in names]
            yield (module, node.name), Known(name in COMPILED, is_open, bases)


def test_no_class_that_is_not_compiled_has_a_closed_one_that_is_for_its_base():
    classes = dict(each for path in (ROOT / "gateway").rglob("*.py") for each in classes_of(path))
    assert sum(known.is_compiled for known in classes.values()) > 100
    closed = {name for name, known in classes.items() if known.is_compiled and not known.is_open}
    assert [name for name, known in classes.items() if not known.is_compiled and closed & {*known.bases}] == []
