"""Workers of two hosts, each with its client, and a real store between them."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import uvloop

from gateway.duoapi.calls import Factor
from gateway.engine.effects import ShareEnd
from gateway.engine.login import Login
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.pending import PendingLogin
from gateway.engine.typed_factor import TypedFactor
from gateway.engine.verdict import Reason, Verdict
from gateway.fleet.client import FleetClient
from gateway.fleet.opening import Opener, StoreAccess
from gateway.fleet.patience import Patience
from gateway.fleetapi.address import parse_addresses
from gateway.fleetapi.questions import Claim, Held, Question
from gateway.fleetapi.sealing import Sealer
from gateway.https.resolver import Resolver
from tests.engine.scene import section_of
from tests.fleet.redis_server import RedisServer

if TYPE_CHECKING:
    from gateway.fleet.effects import Outcome

KEY = bytes(range(32))
LOGIN = b"l" * 16
PACKET = b"p" * 16
WAIT_S = 20.0


class Host:
    """A worker of a host: what it has asked, and was answered."""

    def __init__(self, store: RedisServer, digit: str, key: bytes = KEY) -> None:
        self.instance = digit * 16
        self.outcomes: list[Outcome] = []
        self.displaced: list[Any] = []
        self.waited: list[float] = []
        self.standings: list[str] = []
        self.duo_time: float | None = 1_000.0
        self.n_asked_for_time = 0
        self.patience = Patience(1.0)  # the machine may be busy: no claim is late here
        clock = asyncio.get_running_loop().time
        access = StoreAccess(parse_addresses(f"unix://{store.path}"), "", None)
        self.client = FleetClient(
            self.instance,
            f"gw-{digit}",
            Opener(access, Resolver(clock), clock),
            self.patience,
            Sealer([key], os.urandom),
            os.urandom,
            lambda: self.duo_time,
            self.outcomes.append,
            self.waited.append,
            self.displaced.append,
            self.standings.append,
            self.ask_duo_time,
        )
        self._n = 0

    async def start(self) -> "Host":
        self.client.start()
        await until(lambda: self.client.is_usable)
        return self

    def owner(self) -> str:
        self._n += 1
        return f"{self.instance}:{self.instance[:8]}{self._n:08x}"

    def ask_duo_time(self) -> None:
        self.n_asked_for_time += 1

    async def claim(self, number: int = 1, login: bytes = LOGIN) -> Any:
        return await self.ask(Claim(number, login, self.owner(), PACKET))

    async def ask(self, question: Question) -> Any:
        answered = asyncio.get_running_loop().create_future()
        self.asking = self.client.ask(question, answered.set_result)
        assert not answered.done()  # an answer comes in a later turn
        return await asyncio.wait_for(answered, WAIT_S)

    def pending(self, held: Held, number: int = 1, txid: str = "") -> PendingLogin:
        """As the engine has it."""
        login = Login(LoginPolicy("app"), "alice")
        login.ask_duo(TypedFactor(Factor.PUSH), Reason.NO_PASSWORD, preauth_always=True, now=0.0)
        login.held, login.txid, login.pushed_at = held, txid, time.monotonic()
        pending = PendingLogin(number, login, section_of(), b"", 0, 0.0)
        pending.fleet_key = LOGIN
        return pending

    def end(self, verdict: Verdict | None, held: Held, *, is_asked: bool = True) -> None:
        self.client.end(ShareEnd(self.pending(held), verdict, is_asked, []))


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 -- nothing tells
            await asyncio.sleep(0.005)


def play(scene: Callable[..., Coroutine[Any, Any, None]], store: RedisServer) -> None:
    async def both() -> None:
        hosts = [await Host(store, digit).start() for digit in "ab"]
        try:
            await scene(*hosts)
        finally:
            for host in hosts:
                await host.client.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(both())
