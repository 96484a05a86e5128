#!/usr/bin/env python3
"""Print the state diagram of docs/fail-mode.md, in Mermaid's language, from the breaker's table."""

from gateway.failmode.states import TRANSITIONS, BreakerState


def draw() -> str:
    """Return the diagram, without a line end behind it."""
    arrows = [
        f"    {state} --> {following}: {event.replace('_', ' ')}"
        for state, events in TRANSITIONS.items()
        for event, following in events.items()
    ]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {BreakerState.HEALTHY}", *arrows])


if __name__ == "__main__":
    print(draw())
