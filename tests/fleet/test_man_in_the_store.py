"""Somebody who may read and write everything in the store, hear and say everything on its channels: what he can do.

He has the first factor of a user, too, and asks for this user's login; nobody approves a push for it. He knows all
that was ever in the store and on the channels: logins of this user that were approved, but so long ago that Duo's
pushes have ended; logins of others, and of this user in another section, that were approved just now. Hosts may not
have known Duo's time when they wrote their records, nor when they read what he makes of them.

He can delay, and he can keep hosts from knowing of each other. He must not get in, and no host pushes twice for a
login.
"""

import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.fleet.effects import RunScript
from gateway.fleet.script_answers import ScriptName
from gateway.fleetapi import messages, records
from gateway.fleetapi.messages import Ended, Join, Known, Taken, decode_message, encode_message
from gateway.fleetapi.names import ALL_HOSTS, mailbox, record_key
from gateway.fleetapi.sealing import Sealer
from tests.fleet.store import Record, Store
from tests.fleet.world import Host, Login, Push, World
from tests.long_form import is_long_form

ALICE, ELSEWHERE, BOB = b"alice's login 16", b"another section!", b"bob has approved"
PACKET = b"the same packet!"
N_TRIES = 1000 if is_long_form() else 100  # of each kind
N_ACTS = 12
KEY = bytes(range(32))
HOWS = (messages.VERDICT, messages.LEAVE, messages.RELEASED, messages.LOST)
STATES = (records.ASKING, records.PUSHED, records.DECIDED, "")


class WatchedStore(Store):
    """A store that remembers each record it ever had, with its key."""

    def __init__(self) -> None:
        super().__init__()
        self.history: list[tuple[bytes, Record]] = []

    def run(self, script: ScriptName, key: bytes, arguments: tuple[bytes, ...]) -> object:
        before = self.records.get(key)
        answer = super().run(script, key, arguments)
        after = self.records.get(key)
        if after is not None and after != before:
            self.history.append((key, after))
        return answer


class WatchedWorld(World):
    """A world whose seals are real, and whose messages are kept with their channels."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, bytes]] = []
        self.pushes_of: Counter[tuple[str, int]] = Counter()
        super().__init__()
        self.store: WatchedStore = WatchedStore()
        self.sealing: Any = Sealer([KEY], os.urandom)
        self.hosts = [Host(self, name) for name in "ab"]

    def stand_still(self, seconds: float) -> None:
        """Let time pass in which nothing happens."""
        self.now += seconds
        self.store.now += seconds
        self.live(3.0)

    def publish(self, channel: str, message: bytes) -> None:
        self.letters.append((channel, message))
        super().publish(channel, message)

    def pushed(self, host: Host, login: Login) -> Push:
        self.pushes_of[host.name, login.number] += 1
        return super().pushed(host, login)


class Man:
    """Who acts in the store."""

    def __init__(self, world: WatchedWorld, chance: random.Random) -> None:
        self.world = world
        self.chance = chance
        self.key = record_key(ALICE)

    # What he does.

    def replays_records(self) -> None:
        """What was there once is there again, as it was, or as if it had just been written."""
        key, record = self.chance.choice(self.world.store.history)
        self._put(self.chance.choice((self.key, key)), record)

    def replays_messages(self) -> None:
        """What was said once is said again, to the same host or to another."""
        channel, message = self.chance.choice(self.world.letters)
        self._say(self.chance.choice((channel, *self._channels())), message)

    def forges_verdicts(self) -> None:
        """He answers the last join that he heard: its nonce is no secret, and he has seals of other verdicts."""
        heard = [each for each in self._heard() if isinstance(each, Join)]
        join, how = heard[-1], self.chance.choice(HOWS)
        message = self.chance.choice(
            (
                Ended(join.nonce, how, self.chance.choice(self._seals())),
                Ended(join.nonce, messages.VERDICT, self.chance.choice(self._seals()[-4:])),
                Ended(join.nonce, how, b"accept"),
                Known(join.nonce),
                Taken(join.owner),
            )
        )
        self._say(mailbox(join.joiner), encode_message(message))

    def swaps_pushes(self) -> None:
        """The name of a push that somebody else has approved, in this login's record, under a host that is gone."""
        others = [record for key, record in self.world.store.history if key != self.key and record.state == b"pushed"]
        record = self.chance.choice(others)
        self._put(self.key, self._moved(record))

    def turns_back(self) -> None:
        """This login's own former records, with epochs that they had, and that they had not."""
        former = [record for key, record in self.world.store.history if key == self.key]
        record = self._moved(self.chance.choice(former))
        state = self.chance.choice((record.state, record.state, *(state.encode() for state in STATES)))
        self._put(self.key, replace(record, state=state))

    def moves_sections(self) -> None:
        """The records of the same user in another section, whole."""
        theirs = [record for key, record in self.world.store.history if key == record_key(ELSEWHERE)]
        self._put(self.key, self.chance.choice(theirs))

    def lies(self) -> None:
        """The store's answers to scripts are his."""
        for host in self.world.hosts:
            host.replies = type(host.replies)((run, self._lie(run, reply)) for run, reply in host.replies)

    def forgets(self) -> None:
        """Records vanish, and messages are swallowed."""
        self.world.store.records.pop(self.key, None)
        for host in self.world.hosts:
            host.messages.clear()

    def does_anything(self) -> None:
        """All of it."""
        self.chance.choice(ACTS)(self)

    # What he has.

    def _put(self, key: bytes, record: Record) -> None:
        now = self.world.store.now
        changed_at = self.chance.choice((now, record.changed_at, now - 1.0, now + 5.0))
        self.world.store.records[key] = replace(record, changed_at=changed_at, expires_at=now + 90.0)

    def _say(self, channel: str, message: bytes) -> None:
        for host in self.world.hosts:
            if channel in (ALL_HOSTS, mailbox(host.instance)):
                host.messages.append(message)

    def _channels(self) -> list[str]:
        return [mailbox(host.instance) for host in self.world.hosts]

    def _moved(self, record: Record) -> Record:
        """The record under another epoch, perhaps of a host that is gone."""
        owner = self.chance.choice((b"00000000000000ff:00000000000000ff", record.owner))
        return replace(record, owner=owner, epoch=self._epoch(record))

    def _epoch(self, record: Record) -> int:
        return self.chance.choice((record.epoch, record.epoch + 1, max(1, record.epoch - 1), 2**50))

    def _heard(self) -> list[messages.Message | None]:
        return [decode_message(message) for _, message in self.world.letters]

    def _seals(self) -> list[bytes]:
        """All that he has seen: of records, one that is none, and last those of verdicts."""
        records = [record.sealed for _, record in self.world.store.history]
        return [*records, os.urandom(60), *(each.sealed for each in self._heard() if isinstance(each, Ended))]

    def _lie(self, run: RunScript, reply: object) -> object:
        _, record = self.chance.choice(self.world.store.history)
        epoch, age_ms = b"%d" % self._epoch(record), self.chance.choice((0, 1000, 80_000, -1000))
        told = [record.owner, epoch, record.state, record.sealed, age_ms]
        lies: list[object] = [
            reply,
            told,
            None,
            int(epoch),
            [1, epoch, record.sealed, age_ms],
            [0, *told],
            -1,
            1,
        ]
        return self.chance.choice(lies)


ACTS: tuple[Callable[[Man], None], ...] = (
    Man.replays_records,
    Man.replays_messages,
    Man.forges_verdicts,
    Man.swaps_pushes,
    Man.turns_back,
    Man.moves_sections,
    Man.lies,
    Man.forgets,
)


def approved(world: WatchedWorld, host: Host, digest: bytes, other: Host) -> None:
    """A login that its user approves, asked at both hosts."""
    login = host.ask(digest, PACKET)
    world.settle()
    other.ask(digest)
    world.settle()
    host.step(login)
    host.step(login)
    world.settle()
    assert login.push is not None
    world.decide(login.push, True)
    host.step(login)
    world.live(0.5)
    assert login.result == "accept"


def world_with_a_past(a_knows: bool = True, b_knows: bool = True) -> WatchedWorld:
    """Logins of the user, approved in time and known to whoever watches; then of others, approved just now."""
    world = WatchedWorld()
    world.tells_time = False
    a, b = world.hosts
    a.knows_duo_time, b.knows_duo_time = a_knows, b_knows
    world.live(3.0)
    approved(world, a, ALICE, b)
    world.stand_still(35.0)
    approved(world, b, ALICE, a)
    world.stand_still(95.0)
    for host in world.hosts:
        host.hear_duo_time()
    approved(world, a, BOB, b)
    approved(world, b, ELSEWHERE, a)
    return world


@pytest.mark.parametrize("act", [*ACTS, Man.does_anything], ids=lambda act: act.__name__)
def test_a_man_in_the_store_gets_nobody_in_and_makes_no_host_push_twice(act: Callable[[Man], None]) -> None:
    for seed in range(N_TRIES):
        attack(act, seed)


def attack(act: Callable[[Man], None], seed: int) -> None:
    """Ask at one host or both, with his acts in between; nobody approves anything."""
    chance = random.Random(seed)
    world = world_with_a_past(chance.random() < 0.7, chance.random() < 0.7)
    man = Man(world, chance)
    for host in world.hosts:
        host.knows_duo_time = chance.random() < 0.7
    former = len(world.duo.pushes)
    world.pushes_of.clear()
    if chance.random() < 0.5:
        act(man)
    asked = [host.ask(ALICE) for host in world.hosts if chance.random() < 0.7]
    world.settle()
    for _ in range(N_ACTS):
        if chance.random() < 0.4 and len(asked) < 4:
            host = chance.choice(world.hosts)
            if host.live(ALICE) is None:
                asked.append(host.ask(ALICE, chance.choice((PACKET, os.urandom(16)))))
        if chance.random() < 0.7:
            for host in world.hosts:
                host.send()
        act(man)
        if chance.random() < 0.7:
            world.settle()
        if chance.random() < 0.5:
            world.steps()
        world.tells_time = chance.random() < 0.2
        world.advance(chance.choice((0.0, 0.25, 1.0, 3.0)))
    world.tells_time = True
    world.live(3.0)
    world.steps()
    assert "accept" not in [login.result for login in asked], f"seed {seed}: {asked}"
    assert not world.wrong, f"seed {seed}: {world.wrong}"
    assert not world.pushes_of or max(world.pushes_of.values()) == 1, f"seed {seed}: {world.pushes_of}"
    assert {push.login for push in world.duo.pushes[former:]} <= {ALICE}, f"seed {seed}"
