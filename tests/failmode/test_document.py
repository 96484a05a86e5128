"""`docs/fail-mode.md` and the breaker are in step."""

import re
import runpy
from pathlib import Path

import pytest

from gateway.config.general import GATEWAY
from gateway.failmode import breaker, evidence, probing
from gateway.failmode.breaker import BreakerLimits
from gateway.failmode.states import BreakerEvent, BreakerState
from gateway.ipc.plan import application_key
from gateway.supervisor.fail_mode import consequence
from tests.config.files import MINIMAL, parse

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "fail-mode.md").read_text()
THRESHOLDS = re.findall(r"^\| `(\w+)` \| ([\d.]+)(?: s)? \|", DOCUMENT, re.MULTILINE)


def known_thresholds() -> dict[str, float]:
    """Return what the code has, by name."""
    constants = {**vars(evidence), **vars(probing), **vars(breaker)}
    public = {
        name: value for name, value in constants.items() if re.fullmatch(r"[A-Z]\w*(_S|_FACTOR|_PROBES|_TRIALS)", name)
    }
    del public["LATE_S"]  # a worker's own pause, and nobody's to know
    return {**public, **BreakerLimits()._asdict()}


def test_the_diagram_is_what_the_table_gives():
    draw = runpy.run_path(str(ROOT / "tools" / "draw_breaker.py"))["draw"]
    assert f"```mermaid\n{draw()}\n```" in DOCUMENT


def test_the_thresholds_are_those_of_the_code():
    assert {name: float(value) for name, value in THRESHOLDS} == known_thresholds()


@pytest.mark.parametrize("state", BreakerState)
def test_every_state_says_whether_fail_mode_is_active(state: BreakerState):
    (active,) = re.findall(rf"^\| `{state}` \| (yes|no)\b", DOCUMENT, re.MULTILINE)
    assert (active == "yes") is state.is_fail_mode_active


@pytest.mark.parametrize("event", BreakerEvent)
def test_every_event_is_explained(event: BreakerEvent):
    explained = re.findall(r"^\| ([a-z, ]+) \| ", DOCUMENT.partition("| event |")[2], re.MULTILINE)
    assert event.replace("_", " ") in ", ".join(explained).split(", ")


def test_what_can_be_set_is_a_key_of_the_file():
    settable = {name for name, _ in THRESHOLDS if name.islower()}
    assert settable == set(BreakerLimits._fields) <= set(GATEWAY)


def test_the_lines_in_it_are_those_of_the_log():
    settings, _ = parse(MINIMAL)
    words = consequence(settings, application_key(settings.servers[0].application))
    sentence = f"{words[0].upper()}{words[1:]}"
    assert f". {sentence} application=" in DOCUMENT
