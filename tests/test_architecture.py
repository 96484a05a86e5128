"""`ARCHITECTURE.md` and the tree are in step: paths, names in its tables, rooms and layers."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "ARCHITECTURE.md").read_text()
ROWS = [line for line in DOCUMENT.splitlines() if line.startswith("| ") and ".py`" in line]
FOLDERS = ("gateway", "bench", "tests", "tools", "conf")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


@cache
def words() -> frozenset[str]:
    """Return every word of the tree, but for those of this file."""
    files = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    sources = (path for path in files if path.suffix in (".py", ".cfg", ".js", "") and path.is_file())
    texts = (path.read_text(errors="replace") for path in sources if path != Path(__file__))
    return frozenset(word for text in texts for word in re.findall(r"\w+", text))


def find(path: str) -> Path:
    """Return where a path of the document leads: without a first part of its own it is one of the gateway's."""
    inside = ROOT / "gateway" / path
    return inside if inside.exists() else ROOT / path


def named_in(row: str) -> list[tuple[str, str]]:
    """Return the names in a row of a table, each with the path that it stands behind."""
    path, found = "", []
    for word in re.findall(r"`([^`]+)`", row.rpartition(" | ")[2]):
        if word.endswith(".py"):
            path = word
        elif path and re.fullmatch(r"[A-Za-z_]\w*(\.\w+)?", word):
            found.append((path, word))
    return found


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w./]+\.py)`", DOCUMENT))))
def test_every_path_leads_somewhere(path: str):
    assert find(path).is_file()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2:60])
def test_what_a_table_names_is_where_it_says(row: str):
    for path, name in named_in(row):
        text = find(path).read_text()
        assert all(re.search(rf"\b{part}\b", text) for part in name.split(".")), f"{path} {name}"


def test_every_room_is_in_the_tree():
    tree = DOCUMENT.partition("## Rooms")[2].partition("```\n")[2].partition("```")[0]
    gateway = tree.partition("\nbench/")[0]
    rooms = {path.parent.name for path in (ROOT / "gateway").glob("*/__init__.py")}
    assert rooms <= set(re.findall(r"\b(\w+)/", gateway))
    modules = {path.stem for path in (ROOT / "gateway").glob("[!_]*.py")}
    assert modules <= set(re.findall(r"(?:^|  )(\w+)  ", gateway, re.MULTILINE))


def test_the_layers_are_those_of_the_contract():
    (layers,) = [each["layers"] for each in CONTRACTS if each["type"] == "layers"]
    drawn = "\n".join(layers).replace("gateway.", "")
    assert f"```\n{drawn}\n```" in DOCUMENT


def test_the_pure_modules_are_those_of_the_contract():
    (pure,) = [each["source_modules"] for each in CONTRACTS if "is pure" in each["name"]]
    table = DOCUMENT.partition("\nPure (")[2].partition("| --- | --- |\n")[2].partition("\n\n")[0]
    told = []
    for row in table.splitlines():
        rooms, modules = (re.findall(r"`([\w.]+)`", cell) for cell in row.strip("| ").split(" | "))
        told += [f"{room}.{module}" for room in rooms for module in modules] or rooms
    assert sorted(f"gateway.{name}" for name in told) == sorted(pure)


def says_pure(path: Path) -> bool:
    """Whether a docstring of a module, or of a class in it, says that it is pure."""
    tree = ast.parse(path.read_text())
    documented = [each for each in ast.walk(tree) if isinstance(each, ast.Module | ast.ClassDef)]
    return any(re.search(r"\bPure\b", ast.get_docstring(each) or "") for each in documented)


def test_what_calls_itself_pure_is_held_to_it():
    (pure,) = [each["source_modules"] for each in CONTRACTS if "is pure" in each["name"]]
    paths = [path for path in sorted((ROOT / "gateway").rglob("*.py")) if says_pure(path)]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    assert [name for name in names if not any(f"{name}.".startswith(f"{each}.") for each in pure)] == []


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(\w+(?:\.\w+)*)`", DOCUMENT))))
def test_what_the_text_names_is_somewhere(name: str):
    assert set(name.split(".")) <= words()


def test_lines_are_short_enough_to_read():
    """A row cannot be broken, and may be longer."""
    assert [line for line in DOCUMENT.splitlines() if len(line) > (190 if line.startswith("|") else 125)] == []


def test_links_within_the_page_lead_somewhere():
    headings = re.findall(r"^#+ (.+)$", DOCUMENT, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([\w-]+)\)", DOCUMENT)) <= anchors
