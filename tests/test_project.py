"""What stands in the project's own files, and would be forgotten when a room is added."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
CODECS = {"gateway.radius", "gateway.duoapi"}


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
