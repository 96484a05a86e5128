#!/usr/bin/env python3
"""Print two state diagrams of ARCHITECTURE.md in Mermaid's language, from their tables: a slot and a changeover."""

from collections.abc import Mapping
from enum import StrEnum

from gateway.supervisor import changeover, slot_life


def draw(first: StrEnum, transitions: Mapping[StrEnum, Mapping[StrEnum, StrEnum]]) -> str:
    """Return a table's diagram, without a line end behind it; what leads from one state to another shares an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for state, events in transitions.items():
        for event, following in events.items():
            arrows.setdefault((state, following), []).append(event.replace("_", " "))
        if not events:
            arrows[state, "[*]"] = []
    lines = [
        f"    {state} --> {following}{': ' * bool(of)}{', '.join(of)}" for (state, following), of in arrows.items()
    ]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {first}", *lines])


def draw_slot() -> str:
    """Return the diagram of a slot's life."""
    return draw(slot_life.SlotState.EMPTY, slot_life.TRANSITIONS)


def draw_changeover() -> str:
    """Return the diagram of a changeover."""
    return draw(changeover.ChangeoverState.SETTLING, changeover.TRANSITIONS)


if __name__ == "__main__":
    print(draw_slot(), draw_changeover(), sep="\n\n")
