"""`python -m tests.chaos.hosts_networks`: hosts that are machines by themselves, and ways between them that are cut.

Each host has a network namespace of its own, and three ways out of it: to Duo, to the store, and to the NAS. There is
none from host to host. Duo, store and NAS share the namespace of this program, which it makes for itself; that takes
root. While a push is pending at both hosts one of the first one's ways is cut, and what is on it is lost without a
word. What should be seen: each NAS that can be reached is answered, and nobody is pushed twice.

The exit status is 77 where namespaces cannot be made.
"""

import asyncio
import ctypes
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tests.chaos.checker import Violation
from tests.chaos.figures import each_seed, parser, play, summary, tell
from tests.chaos.fleet import Fleet, Habits
from tests.chaos.hosts_scene import LOOK_S, Host, HostsScene
from tests.chaos.records import PUSH, Plan
from tests.fleet.redis_server import RedisServer

DUO, STORE, NAS = "10.77.0.1", "10.77.0.2", "10.77.0.3"
WAYS = {"duo": DUO, "store": STORE, "nas": NAS}
NOT_PERMITTED = 77
HABITS = Habits(retry_s=1.0, tries=60)
_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


def leave_network() -> bool:
    """Give this process, and all that it starts, a network of its own; False if it may not."""
    if _LIBC.unshare(_CLONE_NEWNET) != 0:
        return False
    try:
        _ip("link", "set", "lo", "up")
        for address in WAYS.values():
            _ip("address", "add", f"{address}/32", "dev", "lo")
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _ip(*words: str, **options: Any) -> None:
    subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL, **options)


class Network:
    """The namespace of one host, and its ways out."""

    def __init__(self, number: int) -> None:
        """Make it; `number` is part of its addresses."""
        self._number = number
        ours = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            _LIBC.unshare(_CLONE_NEWNET)
            self._descriptor = os.open("/proc/self/ns/net", os.O_RDONLY)
        finally:
            _LIBC.setns(ours, _CLONE_NEWNET)
            os.close(ours)
        self._run("link", "set", "lo", "up")
        for place, (way, address) in enumerate(WAYS.items()):
            self._make(way, f"10.77.{10 * number + place}", address)

    def enter(self) -> None:
        """Move this thread into it."""
        if _LIBC.setns(self._descriptor, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    @property
    def address(self) -> str:
        """Where NAS reach the host."""
        return f"10.77.{10 * self._number + list(WAYS).index('nas')}.2"

    def cut(self, way: str) -> None:
        """Lose what is on a way, in both directions."""
        _ip("link", "set", self._far_end(way), "down")

    def mend(self, way: str) -> None:
        """Let it pass again."""
        _ip("link", "set", self._far_end(way), "up")

    def close(self) -> None:
        """Let it go, once no process is in it."""
        for way in WAYS:
            _ip("link", "delete", self._far_end(way))
        os.close(self._descriptor)

    def _far_end(self, way: str) -> str:
        return f"{way}{self._number}"

    def _make(self, way: str, subnet: str, address: str) -> None:
        netns = f"/proc/{os.getpid()}/fd/{self._descriptor}"
        _ip("link", "add", self._far_end(way), "type", "veth", "peer", "name", way, "netns", netns)
        _ip("address", "add", f"{subnet}.1/30", "dev", self._far_end(way))
        _ip("link", "set", self._far_end(way), "up")
        self._run("address", "add", f"{subnet}.2/30", "dev", way)
        self._run("link", "set", way, "up")
        self._run("route", "add", f"{address}/32", "via", f"{subnet}.1")

    def _run(self, *words: str) -> None:
        _ip(*words, preexec_fn=self.enter)


class NetworksScene(HostsScene):
    """Hosts in networks of their own.

    Attributes:
        networks: by the hosts' names.
    """

    clients = f"{NAS}/32"
    sources = (NAS,)
    store_arguments = ("--bind", STORE, "127.0.0.1", "--protected-mode", "no")

    def __init__(self, folder: Path, plans: Sequence[Plan], *, seed: int = 0) -> None:
        super().__init__(folder, plans, seed=seed)
        self._duo_options = ("--host", DUO, "--name", DUO)
        self.networks: dict[str, Network] = {}
        for number, host in enumerate(self.hosts, 1):
            network = self.networks[host.name] = Network(number)
            self._resources.callback(network.close)
            host.address = (network.address, host.address[1])
            host.options = {"preexec_fn": network.enter}

    async def _way_to_store(self, _host: Host, store: RedisServer) -> str:
        return f"redis://radgate@{STORE}:{store.port}"


class Outcome(NamedTuple):
    """What was seen; `codes` of the replies at the first and at the second host, None for silence."""

    codes: list[int | None]
    n_pushes: int
    claims: dict[str, int]
    violations: list[Violation]


Act = Callable[[NetworksScene], Any]


class Cut(NamedTuple):
    """A way of the first host's, and whether it is mended before people decide, or only once both NAS are answered.

    Attributes:
        takeover: whether the second host takes the push over, and nobody decides before that.
    """

    way: str
    is_mended_before: bool = False
    is_mended_last: bool = False
    takeover: bool = False


CUTS = {
    "store": Cut("store", takeover=True),
    "store for a moment": Cut("store", is_mended_before=True),
    "duo": Cut("duo"),
    "duo for good": Cut("duo", is_mended_last=True, takeover=True),
    "nas": Cut("nas"),
}


async def cut(folder: Path, seed: int, name: str) -> Outcome:
    """Play the scenario once: one push, asked for at both hosts."""
    what = CUTS[name]
    plan = Plan(f"user{seed}", PUSH, "person")
    async with NetworksScene(folder, [plan], seed=seed) as scene:
        first, second = scene.hosts
        network = scene.networks[first.name]
        fleets = [scene.fleet_of(host, habits=HABITS, n_ports=1) for host in scene.hosts]
        runs = [asyncio.create_task(fleets[0].run([plan], 1.0))]
        await scene.until_duo(fleets[0], polls=1)
        before = await asyncio.to_thread(second.totals)
        runs.append(asyncio.create_task(fleets[1].run([plan], 1.0)))
        await until_counted(second, before.claims, fleets[1], joined=1)
        network.cut(what.way)
        if what.takeover:
            await until_counted(second, before.claims, fleets[1], takeover=1)
        if what.is_mended_before:
            network.mend(what.way)
        await scene.approve_all()
        reached = fleets[1] if what.way == "nas" else None
        if reached is not None:
            await reached.until(lambda: bool(reached.answers))
        if what.is_mended_last:
            await asyncio.gather(*runs)
        network.mend(what.way)
        await asyncio.gather(*runs)
        claims = (await asyncio.to_thread(second.totals)).since(before).claims
        evidence = await scene.evidence_of([record for fleet in fleets for record in fleet.records])
        codes = [fleet.records[0].code for fleet in fleets]
        return Outcome(codes, sum(evidence.n_pushes.values()), claims, scene.judge(evidence))


async def until_counted(host: Host, before: dict[str, int], fleet: Fleet, **more: int) -> None:
    """Return once a host has counted so many of these outcomes since then, or the fleet is done."""
    while not fleet.answers:
        claims = (await asyncio.to_thread(host.totals)).claims
        if all(claims[outcome] - before[outcome] >= count for outcome, count in more.items()):
            return
        await asyncio.sleep(LOOK_S)  # nothing tells


def main(arguments: Sequence[str] | None = None) -> int:
    """Play with several seeds and print what was seen."""
    options = parser("hosts_networks", __doc__)
    options.add_argument("--cuts", nargs="+", choices=CUTS, default=list(CUTS))
    chosen = options.parse_args(arguments)
    if not leave_network():
        tell("this process may not make network namespaces")
        return NOT_PERMITTED
    return each_seed(chosen, partial(_run, chosen.cuts))


def _run(cuts: Sequence[str], folder: Path, seed: int) -> bool:
    right = [_is_right(folder / name.replace(" ", "-"), seed, name) for name in cuts]
    return all(right)


def _is_right(folder: Path, seed: int, name: str) -> bool:
    outcome = play(cut(folder, seed, name))
    tell(
        f"seed {seed}, cut: {name}: replies {outcome.codes}, {outcome.n_pushes} pushes, {outcome.claims}; "
        f"violations: {summary(outcome.violations)}"
    )
    return outcome.codes == [2, 2] and outcome.n_pushes == 1 and not outcome.violations


if __name__ == "__main__":
    sys.exit(main())
