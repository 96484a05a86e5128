"""`ARCHITECTURE.md` and the tables of succession are in step."""

import re
import runpy
from pathlib import Path

import pytest

from gateway.supervisor import changeover, slot_life

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "ARCHITECTURE.md").read_text()
TOOL = runpy.run_path(str(ROOT / "tools" / "draw_succession.py"))
WAY = DOCUMENT.partition("## The way of a worker's knowledge")[2].partition("\n## ")[0]


@pytest.mark.parametrize("name", ["draw_slot", "draw_changeover"])
def test_the_diagrams_are_what_the_tables_give(name):
    assert f"```mermaid\n{TOOL[name]()}\n```" in WAY


@pytest.mark.parametrize("table", [slot_life.TRANSITIONS, changeover.TRANSITIONS])
def test_every_state_and_event_is_in_its_diagram(table):
    drawn = TOOL["draw"](next(iter(table)), table)
    for state, events in table.items():
        assert f" {state} -->" in drawn
        assert all(event.replace("_", " ") in drawn for event in events)


def test_what_it_names_is_there():
    named = re.findall(r"^\| .* \| `([\w/]+\.py)`(.*) \|$", WAY, re.MULTILINE)
    assert len(named) > 8
    for path, others in named:
        text = (ROOT / "gateway" / path).read_text()
        for name in re.findall(r"`(?:\w+\.)?(\w+)`", others.partition(".py`")[0]):
            assert re.search(rf"\b{name}\b", text), f"{path} {name}"
