"""An arbiter that says what a test wants it to say."""

import asyncio
from collections.abc import Sequence
from typing import Any

from gateway.config.listening import ListeningAddress
from gateway.supervisor.control import ReloadOutcome
from gateway.supervisor.login import LoginQuestion
from gateway.supervisor.login_helper import LoginOutcome


class ScriptedArbiter:
    """Performs the commands of a control socket.

    Attributes:
        answer: its status; an exception is raised.
        outcome: of a reload; an exception is raised.
        login_outcome: of a login; an exception is raised, None is never.
        questions: logins that it was asked for.
        given_up: is set when a login that never ends is given up.
        stops: how often it was asked to stop, or to leave.
        is_forced: whether the last reload was.
        n_tries: how often it was asked what a reload would come to.
        taken: what it says of addresses.
    """

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer: dict[str, Any] | Exception = answer
        self.outcome: ReloadOutcome | Exception = ReloadOutcome(2, ["a.cfg:3 warning: odd"], [])
        self.login_outcome: LoginOutcome | Exception | None = LoginOutcome(reply="Access-Accept", text="Hi", took_s=0.5)
        self.questions: list[LoginQuestion] = []
        self.given_up = asyncio.Event()
        self.stops = 0
        self.is_forced = False
        self.n_tries = 0
        self.taken: dict[str, str] = {}

    def status(self) -> dict[str, Any]:
        """Tell."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def reload(self, *, is_forced: bool = False) -> ReloadOutcome:
        """Pretend to reload."""
        self.is_forced = is_forced
        await asyncio.sleep(0)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    async def try_reload(self, *, is_forced: bool = False) -> ReloadOutcome:
        """Pretend to look."""
        self.n_tries += 1
        return await self.reload(is_forced=is_forced)

    def taken_addresses(self, addresses: Sequence[ListeningAddress]) -> dict[str, str]:
        """Tell of those that it was asked for."""
        return {name: why for name, why in self.taken.items() if name in map(str, addresses)}

    async def upgrade(self) -> ReloadOutcome:
        """Pretend to make place."""
        return await self.reload()

    def leave(self) -> None:
        """Count."""
        self.stops += 1

    async def login(self, question: LoginQuestion) -> LoginOutcome:
        """Pretend to log in."""
        self.questions.append(question)
        if isinstance(self.login_outcome, Exception):
            raise self.login_outcome
        if self.login_outcome is not None:
            return self.login_outcome
        try:
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]
        finally:
            self.given_up.set()

    def stop(self) -> None:
        """Count."""
        self.stops += 1
