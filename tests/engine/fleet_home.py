"""A stage whose section has a first factor and asks its users for more, at one of several hosts."""

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

from gateway.engine.challenges.memory import ChallengeMemory, UnixClock
from gateway.engine.modes.challenge import Challenge
from tests.engine.home_scene import GO_ON, HomeStage

if TYPE_CHECKING:
    from gateway.engine.challenges.records import ChallengeRecord

AHEAD = 1_700_000_000.0


def drawing() -> Callable[[int], bytes]:
    """Names that no other host of the same fleet draws."""
    numbers = count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


class Host(HomeStage):
    """One that shares its logins; `shared` is what others may have of what it keeps."""

    def __init__(self, draw: Callable[[int], bytes] | None = None, **mode: Any) -> None:
        self.memory = ChallengeMemory(UnixClock(AHEAD))
        self.shared: list[ChallengeRecord] = []
        self.memory.share = lambda record, _life_s: self.shared.append(record)
        super().__init__(Challenge, memory=self.memory, fleet="fleet", draw=draw or drawing(), **mode)

    def asked_for_a_factor(self) -> bytes:
        """Let alice be shown the menu; return its State."""
        self.ask()
        self.accept()
        self.answer(GO_ON)
        return self.state

    @property
    def question(self) -> Any:
        (asked,) = self.asked
        return asked.question
