"""The tables are whole, and the picture of ARCHITECTURE.md is drawn from one of them."""

import runpy
from pathlib import Path

import pytest

from gateway.engine.first_factor import CheckFirstFactor
from gateway.firstfactor.home.asked import Asked
from gateway.firstfactor.home.server import HomeServer
from gateway.firstfactor.home.states import ASKED_TRANSITIONS, ENDED, OUT, AskedState
from gateway.firstfactor.host_states import HOST_TRANSITIONS, LEFT, UP, HostState
from gateway.radius.shared_secret import SharedSecret

ROOT = Path(__file__).parents[3]
TOOL = runpy.run_path(str(ROOT / "tools" / "draw_succession.py"))


def test_every_state_has_its_row():
    assert HOST_TRANSITIONS.keys() == set(HostState)
    assert ASKED_TRANSITIONS.keys() == set(AskedState)


def test_the_picture_is_that_of_the_table():
    drawn = TOOL["draw"](UP, HOST_TRANSITIONS)
    assert f"```mermaid\n{drawn}\n```" in (ROOT / "ARCHITECTURE.md").read_text()


def test_what_cannot_follow_is_refused():
    asked = Asked(CheckFirstFactor(b"alice"))
    asked.move(OUT)
    asked.move(ENDED)
    with pytest.raises(ValueError, match="out cannot follow ended"):
        asked.move(OUT)
    with pytest.raises(KeyError):
        HomeServer(0, "10.0.0.5:1812", SharedSecret(b"x")).move(LEFT)
