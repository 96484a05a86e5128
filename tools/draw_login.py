#!/usr/bin/env python3
"""Print the state diagram of a login in ARCHITECTURE.md, in Mermaid's language, from the login's table."""

from gateway.engine.login_states import TRANSITIONS, LoginState


def draw() -> str:
    """Return the diagram, without a line end behind it."""
    arrows = [
        f"    {state} --> {following}"
        for state, followings in TRANSITIONS.items()
        for following in LoginState
        if following in followings
    ]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {LoginState.NEW}", *arrows, f"    {LoginState.DECIDED} --> [*]"])


if __name__ == "__main__":
    print(draw())
