"""`make demo FLEET=1`: two gateways that act as one, a store, a simulated Duo, and logins asked at both.

The exit status is 0 only if everybody was answered as they should be, with no push more than there must be.
"""

import base64
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Self

from bench.demo_stage import Asked, server_section, stay, write_config
from bench.observe import ask_gateway
from bench.processes import GatewayProcess, SimulatorProcess, free_udp_port
from bench.store import StoreProcess
from gateway.radius.dictionary import Code

NAMES = ("gw-a", "gw-b")
WARM_UP = ("olivia", "654321")
PATIENCE_S = 20.0

FLEET = """\
[fleet]
engine={engine}
fleet_key_file={key}
name={name}
patience_ms=500
"""


def answer(asked: Asked) -> str:
    """Wait for the reply, and return what it is called."""
    reply = asked.reply(PATIENCE_S)
    return Code(reply.code).label if reply is not None else "no answer"


class Host:
    """One of the gateways; it can be killed, and started again."""

    def __init__(self, folder: Path, name: str, simulator: SimulatorProcess, engine: str, key: Path) -> None:
        folder.mkdir()
        self.name, self.port = name, free_udp_port()
        sections = [server_section(simulator, self.port), FLEET.format(engine=engine, key=key, name=name)]
        self.config = write_config(folder, simulator, sections, n_workers=1)
        self.gateway = GatewayProcess(self.config)

    def start_again(self) -> None:
        """Be there again."""
        self.gateway = GatewayProcess(self.config)

    def status(self) -> dict[str, Any]:
        """Return what it says of itself."""
        status: dict[str, Any] = ask_gateway(self.config.parent / "run", "status")["status"]
        return status

    def n_claims(self, outcome: str) -> int:
        """Return of how many claims this has become: `granted`, `joined` …"""
        n_claims: int = self.status()["fleet"]["claims"][outcome]
        return n_claims

    def sees(self, *names: str) -> bool:
        """Whether these hosts, this one among them, live and serve, and this one shares its logins."""
        fleet = self.status()["fleet"]
        return fleet["up"] and {host["name"] for host in fleet["hosts"] if host["state"] == "ready"} == set(names)

    def shares(self) -> bool:
        """Whether its worker shares logins: shown by one, of which nothing else is seen."""
        before = self.n_claims("granted") + self.n_claims("joined")
        answer(self.ask(*WARM_UP))
        return self.n_claims("granted") + self.n_claims("joined") > before

    def ask(self, user: str, typed: str) -> Asked:
        """Send it a login."""
        return Asked(self.port, user, typed)

    def kill(self) -> None:
        """End all its processes in one instant, as a power cut does."""
        self.gateway.kill_whole()
        self.gateway.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.gateway.stop()


class Outcome(NamedTuple):
    """What became of a scene.

    Attributes:
        answers: of each host, or why there is none.
        n_asked: pushes, or passcodes, that came to Duo.
    """

    answers: tuple[str, ...]
    n_asked: int


class Stage(NamedTuple):
    """Who plays."""

    simulator: SimulatorProcess
    a: Host
    b: Host

    @property
    def hosts(self) -> tuple[Host, Host]:
        """Both gateways."""
        return self.a, self.b

    def pushed(self) -> dict[str, Any]:
        """Wait for a push, and until its host knows it by name and asks what becomes of it; return the push."""
        (push,) = self.simulator.pending()
        self.simulator.until(polls=1)
        return push

    def pushes(self) -> int:
        """Return how many pushes Duo has sent so far."""
        n_pushes: int = self.simulator.get("/api/counts")["pushes"]
        return n_pushes

    def passcodes(self) -> int:
        """Return how many passcodes, and pushes, Duo was asked about so far."""
        n_asked: int = self.simulator.get("/api/counts")["calls"]["auth"]
        return n_asked


def at_both(stage: Stage, user: str) -> Outcome:
    """A directory turns to its second gateway while the person still looks at the phone."""
    before, n_joined = stage.pushes(), stage.b.n_claims("joined")
    first = stage.a.ask(user, "push")
    push = stage.pushed()
    second = stage.b.ask(user, "push")
    until(lambda: stage.b.n_claims("joined") > n_joined)
    stage.simulator.decide(push)
    return Outcome((answer(first), answer(second)), stage.pushes() - before)


def denied_at_both(stage: Stage, user: str) -> Outcome:
    """The same, and the person says no."""
    before, n_joined = stage.pushes(), stage.a.n_claims("joined")
    first = stage.b.ask(user, "push")
    push = stage.pushed()
    second = stage.a.ask(user, "push")
    until(lambda: stage.a.n_claims("joined") > n_joined)
    stage.simulator.decide(push, "deny")
    return Outcome((answer(second), answer(first)), stage.pushes() - before)


def passcode_at_both(stage: Stage, user: str) -> Outcome:
    """A passcode is good once: asked of Duo a second time it would be refused."""
    before = stage.passcodes()
    asked = [host.ask(user, "123456") for host in (stage.a, stage.b)]
    return Outcome(tuple(answer(each) for each in asked), stage.passcodes() - before)


def killed(stage: Stage, user: str) -> Outcome:
    """A host dies, and the directory turns to the other one."""
    before, n_takeovers = stage.pushes(), stage.b.n_claims("takeover")
    lost = stage.a.ask(user, "push")
    push = stage.pushed()
    stage.a.kill()
    lost.give_up()
    second = stage.b.ask(user, "push")
    until(lambda: stage.b.n_claims("takeover") > n_takeovers)  # two seconds of silence tell it
    stage.simulator.decide(push)
    return Outcome(("killed", answer(second)), stage.pushes() - before)


def stopped(stage: Stage, user: str) -> Outcome:
    """A host is stopped, for an upgrade say, and leaves its push to the other one."""
    before, n_takeovers = stage.pushes(), stage.a.n_claims("takeover")
    lost = stage.b.ask(user, "push")
    push = stage.pushed()
    stage.b.gateway.stop()
    lost.give_up()
    second = stage.a.ask(user, "push")
    until(lambda: stage.a.n_claims("takeover") > n_takeovers)
    stage.simulator.decide(push)
    return Outcome((answer(second), "stopped"), stage.pushes() - before)


class Scene(NamedTuple):
    """A scene and how it should end."""

    what: str
    user: str
    play: Callable[[Stage, str], Outcome]
    answers: tuple[str, ...]
    of_what: str = "push"
    of_many: str = "pushes"


ACCEPT, REJECT = Code.ACCESS_ACCEPT.label, Code.ACCESS_REJECT.label
SCENES = (
    Scene("a push, asked at both hosts", "ann", at_both, (ACCEPT, ACCEPT)),
    Scene("a push, asked at both and denied", "ben", denied_at_both, (REJECT, REJECT)),
    Scene("a passcode, asked at both hosts", "alice", passcode_at_both, (ACCEPT, ACCEPT), "question", "questions"),
    Scene("a host killed in mid-push", "cem", killed, ("killed", ACCEPT)),
    Scene("a host stopped in mid-push", "dina", stopped, (ACCEPT, "stopped")),
)


def run(folder: Path, *, is_kept: bool) -> int:
    """Start the store, Duo and two hosts; play; tell how it went."""
    key = folder / "fleet.key"
    key.touch(mode=0o600)
    key.write_bytes(base64.b64encode(os.urandom(32)) + b"\n")
    with ExitStack() as stack:
        store = stack.enter_context(StoreProcess(folder / "store"))
        simulator = stack.enter_context(SimulatorProcess(folder / "duo"))
        a, b = (stack.enter_context(Host(folder / name, name, simulator, store.url, key)) for name in NAMES)
        stage = Stage(simulator, a, b)
        for scene in SCENES:
            let_decide(simulator, scene.user)
        for host in (a, b):
            print(f"{host.name}: {host.gateway.announced}")
        print(f"simulated Duo at https://{simulator.api_host}, store at {store.url}\n")
        n_wrong = sum(not is_right for is_right in play_all(stage))
        print(f"\n{len(SCENES) - n_wrong} of {len(SCENES)} scenes ended as they should.")
        if is_kept:
            invite(stage)
            stay()
    return 1 if n_wrong else 0


def let_decide(simulator: SimulatorProcess, user: str) -> None:
    """Let Duo know a user whose pushes are answered when we say so; passcode 123456."""
    phone = {"device": f"DP{user.upper():0<18}", "capabilities": ["push"]}
    simulator.post("/api/users", {"username": user, "devices": [phone], "answer": "person", "passcodes": ["123456"]})


def play_all(stage: Stage) -> Iterator[bool]:
    """Play each scene and print its line; yield whether it ended as it should. Who was killed comes back in between."""
    for scene in SCENES:
        until(lambda: all(host.sees(*NAMES) for host in stage.hosts))
        for host in stage.hosts:
            until(host.shares)
        outcome = play(scene, stage)
        is_right = outcome == (scene.answers, 1)
        answers = "  ".join(f"{name}: {answer:<13}" for name, answer in zip(NAMES, outcome.answers, strict=True))
        counted = f"{outcome.n_asked} {scene.of_what if outcome.n_asked == 1 else scene.of_many} at Duo"
        print(f"{'ok   ' if is_right else 'WRONG'} {scene.what:<33} {scene.user:<6} {answers}  {counted}", flush=True)
        yield is_right
        for host in stage.hosts:
            if host.gateway.process.poll() is not None:
                host.start_again()


def play(scene: Scene, stage: Stage) -> Outcome:
    """Return what became of a scene; of one that could not be played to its end, why."""
    try:
        return scene.play(stage, scene.user)
    except (OSError, ValueError) as error:
        return Outcome((f"failed: {error}", ""), 0)


def until(is_so: Callable[[], bool]) -> None:
    """Return once it is so, or when it should have been."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.05)


def invite(stage: Stage) -> None:
    """Say what can be tried while everything keeps running."""
    radgate = Path(sys.executable).with_name("radgate")
    for host in stage.hosts:
        print(f"Status page of {host.name}: {host.status()['console']['url']}")
    print(
        f"""The simulated Duo's page, where pushes can be answered: {stage.simulator.control}/

Everything keeps running; Ctrl-C ends it. Ask both in two other terminals, and answer the one push:

  {radgate} login trent push --config {stage.a.config}
  {radgate} login trent push --config {stage.b.config}
  {radgate} status --config {stage.a.config}

Passcode: 123456.""",
        flush=True,
    )
