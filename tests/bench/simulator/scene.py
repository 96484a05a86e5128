"""A simulated Duo on sockets, and a client of its."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.simulator.people import Answer, Person, phone
from bench.simulator.server import Simulator
from tests.bench.simulator.api_client import ApiClient, simulator_and_client

Scenario = Callable[[Simulator, ApiClient], Awaitable[None]]


QUICK = (
    Person("alice", devices=(phone("alice"),), passcodes=("123456",), answer_after_s=0.0),
    Person("trent", devices=(phone("trent"),), answer=Answer.PERSON),
    Person("heidi"),
    Person("ユーザー", devices=(phone("ユーザー"),), passcodes=("123456",)),
    Person("dave", devices=(phone("dave"), phone("dave", 2, ("push", "phone"))), answer=Answer.PERSON),
)


def play(folder: Path, scenario: Scenario, *, poll_hold_s: float = 20.0) -> None:
    """Run a scenario against a simulator of its own."""

    async def run() -> None:
        async with simulator_and_client(folder, people=QUICK, poll_hold_s=poll_hold_s) as (simulator, client):
            await scenario(simulator, client)

    asyncio.run(run())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- gives way to the loop, waits for no time
            await asyncio.sleep(0)


async def begin_push(client: ApiClient, username: str = "trent") -> str:
    answer = await client.post("/auth/v2/auth", username=username, factor="push", device="auto", **{"async": "1"})
    return str(answer.response["txid"])
