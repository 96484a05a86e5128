"""What stands in the project's own files, and would be forgotten when a room is added."""

import ast
import re
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

from gateway import __version__
from tools.checking import HOT

ROOT = Path(__file__).parents[1]
CODECS = {"gateway.radius", "gateway.duoapi", "gateway.ldap"}


def test_the_bench_may_import_no_room_of_the_gateway_but_the_codecs():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (forbidden,) = [
        each["forbidden_modules"] for each in contracts if each["name"] == "The bench knows the codecs alone"
    ]
    rooms = {f"gateway.{path.parent.name}" for path in (ROOT / "gateway").glob("*/__init__.py")}
    assert set(forbidden) == rooms - CODECS


def test_make_clean_leaves_nothing_compiled():
    (recipe,) = re.findall(r"^clean:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert "tools/compile clean" in recipe


def test_each_wheel_is_tried_with_the_tests_of_the_hot_path():
    command = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["cibuildwheel"]["test-command"]
    rooms = {each for each in HOT if (ROOT / each).is_dir()}
    assert set(command.removeprefix("python -m pytest ").split()) == rooms


def test_what_those_tests_read_lies_beside_them():
    given = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["cibuildwheel"]["test-sources"]
    files = [path for each in HOT if (ROOT / each).is_dir() for path in (ROOT / each).rglob("*.py")]
    read = {name for path in files for name in re.findall(r'\bROOT / "([^"]+)"', path.read_text())}
    assert read
    assert read <= set(given)


def test_what_builds_takes_a_licence_as_it_is_written_here():
    """hatchling 1.25 refuses a list of `license-files`; 1.27 is the first that writes License-Expression."""
    radgate, bench = (tomllib.loads((ROOT / path).read_text()) for path in ("pyproject.toml", "bench/pyproject.toml"))
    for lines in (
        radgate["build-system"]["requires"],
        bench["build-system"]["requires"],
        radgate["project"]["optional-dependencies"]["dev"],
    ):
        assert "hatchling>=1.27" in lines


def modules():
    """Return each module's path, by its name."""
    paths = [*ROOT.glob("gateway/**/*.py"), *ROOT.glob("bench/**/*.py")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imported(path, known):
    """Yield which modules a file imports, for types alone or not, within functions or not."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else node.module for name in names)


def test_no_modules_import_each_other_in_a_circle_not_even_for_their_types():
    known = modules()
    arrows = {name: known.keys() & set(imported(path, known)) for name, path in known.items()}
    assert len(list(TopologicalSorter(arrows).static_order())) == len(known)  # a circle raises, and names its modules


def test_the_changelog_has_the_version_that_this_is_with_its_date():
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    dated = [heading for heading in headings if heading != "Unreleased"]
    assert re.fullmatch(rf"{re.escape(__version__)} - \d{{4}}-\d\d-\d\d", dated[0])
    assert headings.index(dated[0]) <= 1


def test_no_address_is_named_that_does_not_exist():
    """The project has no public one; documentation comes along with it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "urls" not in project
