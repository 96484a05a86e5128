"""An arbiter that says what a test wants it to say."""

import asyncio
from typing import Any

from gateway.supervisor.control import ReloadOutcome


class ScriptedArbiter:
    """Performs the commands of a control socket.

    Attributes:
        answer: its status; an exception is raised.
        outcome: of a reload; an exception is raised.
        stops: how often it was asked to stop.
    """

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer: dict[str, Any] | Exception = answer
        self.outcome: ReloadOutcome | Exception = ReloadOutcome(2, ["a.cfg:3 warning: odd"], [])
        self.stops = 0

    def status(self) -> dict[str, Any]:
        """Tell."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def reload(self) -> ReloadOutcome:
        """Pretend to reload."""
        await asyncio.sleep(0)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def stop(self) -> None:
        """Count."""
        self.stops += 1
