"""`python -m tests.chaos.recovery`: how soon the slot of a killed worker answers again.

A worker is killed with SIGKILL; from then on two requests are sent to its slot every 5 ms: one that it had answered
before, and one of a user who logs in anew. Each slot is killed once, after it has served for a while: a slot whose
workers die in a row is given rest before the next.
"""

import asyncio
import os
import re
import select
import socket
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

from gateway.radius.client import encode_access_request, verify_reply
from gateway.radius.shared_secret import SharedSecret
from tests.chaos.configuration import SECRET
from tests.chaos.figures import each_seed, parser, play, tell
from tests.chaos.fleet import Address
from tests.chaos.records import PASSCODE, Plan
from tests.chaos.scene import WAIT_S, Scene, Worker

N_SLOTS = 20
SERVED_S = 11  # a worker that has served for 10 s is replaced at once
USERS_PER_SLOT = 12
EVERY_S = 0.005
_SLOT = re.compile(r"\), ([^ ,]+), \d+\): .* worker=(\d+)")


class Recovery(NamedTuple):
    """Seconds from the kill to the reply to a retransmission, and to that of a new login."""

    again_s: float
    anew_s: float


async def recover(folder: Path, seed: int, n_slots: int = N_SLOTS, served_s: float = SERVED_S) -> list[Recovery]:
    """Kill the worker of every slot, one after the other, and return how soon each answered again."""
    plans = [Plan(f"user{seed}-{number}") for number in range(n_slots * USERS_PER_SLOT)]
    async with Scene(folder, plans, seed=seed, n_workers=n_slots) as scene:
        fleet = scene.fleet()
        await fleet.run(plans, rate=len(plans) / served_s)
        users: dict[int, list[str]] = {}
        for user, slot in _SLOT.findall(scene.log_text):
            users.setdefault(int(slot), []).append(user)
        workers = [worker for worker in scene.workers() if len(users.get(worker.slot, ())) > 1]
        recoveries = []
        for worker in workers:
            known, other = users[worker.slot][:2]
            recoveries.append(await asyncio.to_thread(kill_and_ask, scene, worker, known, other))
        return recoveries


def kill_and_ask(scene: Scene, worker: Worker, known: str, other: str) -> Recovery:
    """Kill a worker, and ask on behalf of two users of its slot until both are answered.

    Raises:
        TimeoutError: they are not, within a minute.
    """
    with Asker(scene.address(), known) as again, Asker(scene.address(), other) as anew:
        again.send()
        again.wait()
        scene.kill(worker)
        killed_at = time.monotonic()
        while anew.replied_at is None or again.replied_at is None:
            again.send()
            anew.send()
            for asker in select.select([again, anew], [], [], EVERY_S)[0]:
                asker.read()
            if time.monotonic() > killed_at + WAIT_S:
                raise TimeoutError(f"slot {worker.slot} was silent for {WAIT_S:g} s")
        return Recovery(again.replied_at - killed_at, anew.replied_at - killed_at)


class Asker:
    """A NAS with one request.

    Attributes:
        replied_at: when the first reply came after the last `wait`; None without one.
    """

    def __init__(self, server: Address, user: str) -> None:
        self._secret = SharedSecret(SECRET.encode())
        self._authenticator = os.urandom(16)
        self._octets = encode_access_request(1, self._authenticator, self._secret, user.encode(), PASSCODE.encode())
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(WAIT_S)
        self._socket.connect(server)
        self.replied_at: float | None = None

    def fileno(self) -> int:
        """For `select`."""
        return self._socket.fileno()

    def send(self) -> None:
        """Send the same octets as ever."""
        self._socket.send(self._octets)

    def wait(self) -> None:
        """Wait for the reply to the first transmission, which counts for nothing."""
        self.read()
        self.replied_at = None

    def read(self) -> None:
        """Take a reply."""
        verify_reply(self._socket.recv(4096), self._authenticator, self._secret)
        if self.replied_at is None:
            self.replied_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def describe(what: str, values: Sequence[float]) -> str:
    """Return median and range in milliseconds."""
    in_ms = sorted(value * 1000 for value in values)
    return f"{what}: median {statistics.median(in_ms):.0f} ms [{in_ms[0]:.0f} to {in_ms[-1]:.0f}] of {len(in_ms)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    options = parser("recovery", __doc__)
    options.add_argument("--slots", type=int, default=N_SLOTS, help="workers, each killed once (default: %(default)s)")
    chosen = options.parse_args(arguments)

    def run(folder: Path, seed: int) -> bool:
        recoveries: list[Recovery] = play(recover(folder, seed, chosen.slots))
        tell(describe("from SIGKILL to the answer to a retransmission", [each.again_s for each in recoveries]))
        tell(describe("from SIGKILL to the answer to a new login", [each.anew_s for each in recoveries]))
        return len(recoveries) == int(chosen.slots)

    return each_seed(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
