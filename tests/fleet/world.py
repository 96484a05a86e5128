"""Hosts, a store and Duo, in one thread and one clock: nothing moves but what a test moves.

Commands of a host reach the store in their order, answers come back in theirs, and messages come on another connection,
in an order of its own. A host's engine is as small as can be: it asks the fleet, Duo, and the fleet again.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from gateway.fleet.claiming import GRACE_S
from gateway.fleet.claims import Claims
from gateway.fleet.effects import AnswerLogin, AskDuoTime, Displaced, Effect, Outcome, Publish, RunScript
from gateway.fleet.endings import REMEMBERED_S
from gateway.fleet.hosts import BEAT_INTERVAL_S, Hosts, encode_beat
from gateway.fleet.reading import BELIEVED_S
from gateway.fleetapi.messages import Message, encode_message
from gateway.fleetapi.names import ALL_HOSTS, mailbox
from gateway.fleetapi.questions import (
    Claim,
    Decided,
    Granted,
    Held,
    Join,
    Joined,
    Lost,
    Released,
    TakenOver,
    UsedBefore,
)
from tests.fleet.store import Record, Store

PUSH_LIFE_S = 60.0
PERSON_PATIENCE_S = 75.0
STALE_S = 10.0  # a login that is so old is not begun with Duo any more
STUCK_S = 2.0  # a connection whose commands are not answered for so long is given up
FAR_AWAY = 1_700_000_000.0
APPLICATION = "app"


class Sealing:
    """Opens what it has sealed; nobody else can make that, for the octets mean nothing by themselves."""

    def __init__(self) -> None:
        self._texts: list[tuple[bytes, bytes]] = []

    def seal(self, plain: bytes, associated: bytes) -> bytes:
        self._texts.append((plain, associated))
        return b"sealed %d" % (len(self._texts) - 1)

    def open(self, sealed: bytes, associated: bytes) -> bytes | None:
        word, _, number = sealed.partition(b" ")
        if word != b"sealed" or not number.isdigit() or int(number) >= len(self._texts):
            return None
        plain, expected = self._texts[int(number)]
        return plain if associated == expected else None


@dataclass
class Push:
    txid: str
    login: bytes
    at: float
    host: str
    verdict: bool | None = None


class Duo:
    def __init__(self) -> None:
        self.pushes: list[Push] = []

    def push(self, login: bytes, now: float, host: str) -> Push:
        push = Push(f"tx-{len(self.pushes)}", login, now, host)
        self.pushes.append(push)
        return push

    def find(self, txid: str) -> Push:
        return self.pushes[int(txid.removeprefix("tx-"))]


@dataclass
class Login:
    """What a host's engine has of one login.

    Attributes:
        step: `fleet` (asks the fleet), `auth` (is about to ask Duo), `pushing` (Duo has pushed, and the name is on its
            way), `polling`, `ended`.
        result: how it ended.
    """

    number: int
    digest: bytes
    packet: bytes
    asked_at: float
    step: str = "fleet"
    held: Held | None = None
    push: Push | None = None
    pushed_at: float = 0.0
    result: str = ""
    ended_at: float = 0.0
    is_repeatable: bool = False
    is_alone: bool = False
    again_s: float = 0.0
    history: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.history.append("asked")


class Host:
    """One host with one worker."""

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.name = name
        self.counts: Counter[Outcome] = Counter()
        self.is_dead = True
        self.slow_s = 0.0  # by how much its clock is behind Duo's
        self.knows_duo_time = True
        self.asks_duo_time = False
        self.start()

    def start(self) -> None:
        """Begin with nothing in memory, under a new instance."""
        self.instance = f"{next(self.world.instances):016x}"
        self.is_dead = self.is_paused = self.is_cut = self.is_isolated = False
        self.logins: dict[int, Login] = {}
        self._begin()

    def _begin(self) -> None:
        world = self.world
        self.commands: deque[RunScript | Publish] = deque()
        self.replies: deque[tuple[RunScript, object]] = deque()
        self.messages: deque[bytes] = deque()
        self.beat_at = world.now
        self.stuck_s = 0.0
        self.hosts = Hosts(self.instance)
        self.claims = Claims(
            self.instance, self.name, self.hosts, world.sealing, world.draw, self._duo_time, self._count
        )
        self.claims.patience_s = world.patience_s
        self.claims.mailbox_back(world.now)
        self.perform(self.claims.store_back(world.now))

    def restart_worker(self) -> None:
        """A worker dies, and its successor goes on with what the journal holds."""
        logins = [login for login in self.logins.values() if not login.result]
        self._begin()
        for login in logins:
            self._adopt(login)

    def restart(self) -> None:
        """All of its processes die, and a new instance goes on with what the journals hold."""
        self.instance = f"{next(self.world.instances):016x}"
        self.restart_worker()

    def _adopt(self, login: Login) -> None:
        claim = Claim(login.number, login.digest, packet=login.packet)
        if login.held is not None and login.step != "fleet":
            txid = login.push.txid if login.push is not None and login.step == "polling" else ""
            now = self.world.now
            self.perform(self.claims.adopt(login.number, claim, login.held, txid, "push", now - login.pushed_at, now))
            if login.step == "auth":
                self._end(login, "forgotten", None, may_have_pushed=False)
            elif login.step == "pushing":
                self._end(login, "push_lost", None, may_have_pushed=True)
        elif "joined" in login.history:
            self._join(login)
        else:
            login.result, login.ended_at = "forgotten", self.world.now

    def _duo_time(self) -> float | None:
        return FAR_AWAY + self.world.now - self.slow_s if self.knows_duo_time else None

    def forget_duo_time(self) -> None:
        """Begin anew with a worker that nobody has told it yet."""
        self.knows_duo_time = False
        self.restart_worker()

    def hear_duo_time(self) -> None:
        """Have Duo tell its time."""
        self.slow_s, self.knows_duo_time, self.asks_duo_time = 0.0, True, False
        self.perform(self.claims.duo_has_told(self.world.now))

    def _count(self, outcome: Outcome) -> None:
        self.counts[outcome] += 1
        self.world.counted(self, outcome)

    # The engine.

    def ask(
        self, digest: bytes, packet: bytes = b"p" * 16, *, is_repeatable: bool = False, again_s: float = 0.0
    ) -> Login:
        number = next(self.world.numbers)
        login = Login(number, digest, packet, self.world.now, is_repeatable=is_repeatable, again_s=again_s)
        self.logins[number] = login
        self._claim(login)
        return login

    def _claim(self, login: Login) -> None:
        claim = Claim(
            login.number,
            login.digest,
            packet=login.packet,
            is_repeatable=login.is_repeatable,
            again_s=login.again_s,
        )
        self.perform(self.claims.ask(login.number, claim, self.world.now))

    def _join(self, login: Login) -> None:
        self.perform(self.claims.ask(login.number, Join(login.number, login.digest, APPLICATION), self.world.now))

    def live(self, digest: bytes) -> Login | None:
        return next((each for each in self.logins.values() if each.digest == digest and not each.result), None)

    def step(self, login: Login) -> None:
        """Let this login come further with Duo."""
        world = self.world
        if login.step == "auth":
            if world.now - login.asked_at >= STALE_S:
                self._end(login, "deadline", None, may_have_pushed=False)
                return
            login.push, login.pushed_at, login.step = world.pushed(self, login), world.now, "pushing"
        elif login.step == "pushing":
            assert login.push is not None
            login.step = "polling"
            self.perform(self.claims.pushed(login.number, login.push.txid, "push", self.world.now))
            self.perform(self.claims.offer(login.number, is_offered=self.is_isolated))
        elif login.step == "polling" and not self.is_isolated:
            assert login.push is not None
            if login.push.verdict is not None:
                result = "accept" if login.push.verdict else "reject"
                verdict = f"{result} {login.push.txid} ".encode() + login.digest
                self._end(login, result, verdict)
            elif world.now - login.pushed_at >= PERSON_PATIENCE_S:
                self._end(login, "reject", b"timeout " + login.push.txid.encode() + b" " + login.digest)

    def leave(self, login: Login) -> None:
        """Give a login up, as a host does that stops."""
        may_have_pushed = login.step in ("pushing", "polling")
        self._end(login, "left", None, may_have_pushed)

    def _end(self, login: Login, result: str, verdict: bytes | None, may_have_pushed: bool = True) -> None:
        login.result, login.ended_at, login.step = result, self.world.now, "ended"
        login.history.append(result)
        if verdict is not None and login.push is not None:
            self.world.ends.setdefault(login.push.txid, []).append((login.ended_at, login.packet))
        packets = [login.packet]
        self.perform(self.claims.ended(login.number, verdict, may_have_pushed, packets, self.world.now))

    def perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, AnswerLogin):
                self._answered(self.logins[effect.number], effect.answer)
            elif isinstance(effect, Displaced):
                login = self.logins[effect.number]
                assert login.step != "ended"
                login.step = "fleet"
                login.history += ["displaced", "joined"]
                self._join(login)
            elif isinstance(effect, AskDuoTime):
                self.asks_duo_time = True
            elif not self.is_cut:
                self.commands.append(effect)
            elif isinstance(effect, RunScript):
                self.perform(self.claims.script_failed(effect))

    def _answered(self, login: Login, answer: object) -> None:
        now = self.world.now
        assert login.step == "fleet", login
        login.history.append(type(answer).__name__.lower())
        if isinstance(answer, Granted):
            login.step, login.held = "auth", answer.held
        elif isinstance(answer, Joined):
            self._join(login)
        elif isinstance(answer, TakenOver):
            login.step, login.held = "polling", answer.held
            login.push, login.pushed_at = self.world.duo.find(answer.txid), now - answer.age_s
            self.world.took_over(self, login)
        elif isinstance(answer, Released):
            self._claim(login)
        elif isinstance(answer, Decided):
            self.world.told(login, answer.verdict)
            login.result, login.ended_at, login.step = answer.verdict.split()[0].decode(), now, "ended"
        elif isinstance(answer, UsedBefore):
            login.result, login.ended_at, login.step = "used", now, "ended"
        elif isinstance(answer, Lost):
            login.result, login.ended_at, login.step = "push_lost", now, "ended"

    # Its connections.

    def send(self) -> None:
        """Let the store do the oldest command."""
        if self.commands and not self.is_cut:
            command = self.commands.popleft()
            self.stuck_s = 0.0
            if isinstance(command, RunScript):
                reply = self.world.store.run(command.script, command.key, command.arguments)
                self.replies.append((command, reply))
            else:
                self.world.publish(command.channel, command.message)

    def receive(self) -> None:
        """Let the oldest answer come."""
        if self.replies:
            run, reply = self.replies.popleft()
            self.perform(self.claims.script_answered(run, reply, self.world.now))

    def be_refused(self) -> None:
        """Let the store refuse the oldest command, a script."""
        command = self.commands.popleft()
        assert isinstance(command, RunScript)
        self.perform(self.claims.script_failed(command))

    def hear(self) -> None:
        """Let the oldest message come."""
        if self.messages:
            self.perform(self.claims.heard(self.messages.popleft(), self.world.now))

    def cut(self) -> None:
        """Lose the connection to the store, with all that is on its way."""
        if not self.is_cut:
            self.is_cut = True
            under_way = [each for each in self.commands if isinstance(each, RunScript)]
            under_way += [run for run, _ in self.replies]
            self.commands.clear()
            self.replies.clear()
            self.messages.clear()
            self.claims.mailbox_lost()
            self.perform(self.claims.store_lost())
            for run in under_way:
                self.perform(self.claims.script_failed(run))

    def mend(self) -> None:
        """Have a connection again."""
        if self.is_cut:
            self.is_cut = False
            self.claims.mailbox_back(self.world.now)
            self.perform(self.claims.store_back(self.world.now))

    def isolate(self, *, is_isolated: bool = True) -> None:
        """Reach Duo no more while others do, or reach it again."""
        self.is_isolated = is_isolated
        self.claims.cannot_reach(frozenset({APPLICATION} if is_isolated else ()))
        for login in list(self.logins.values()):
            if not login.result:
                self.perform(self.claims.offer(login.number, is_offered=is_isolated))

    def tick(self, by_s: float) -> None:
        """Do what is due."""
        now = self.world.now
        self.stuck_s = self.stuck_s + by_s if self.commands else 0.0
        if self.stuck_s > STUCK_S:
            self.cut()
        if now >= self.beat_at:
            self.beat_at = now + BEAT_INTERVAL_S
            if not self.is_cut:
                self.commands.append(
                    Publish(ALL_HOSTS, encode_beat(self.instance, self.name, False, self.world.sealing))
                )
        if self.asks_duo_time and self.world.tells_time and not self.is_isolated:
            self.hear_duo_time()
        timer = self.claims.next_timer
        if timer is not None and timer <= now:
            self.perform(self.claims.run(now))

    @property
    def is_up(self) -> bool:
        return not self.is_dead and not self.is_paused


class World:
    """All of it. `pushed_twice` holds the logins whose users were pushed while another push of theirs was under way."""

    def __init__(self, names: str = "ab", patience_s: float = 1e9) -> None:
        self.now = 0.0
        self.patience_s = patience_s
        self.store = Store()
        self.sealing = Sealing()
        self.duo = Duo()
        self.tells_time = True  # Duo, to whoever asks
        self.numbers = count(1)
        self.instances = count(0xA0)
        self._drawn = count(1)
        self.said: list[bytes] = []
        self.pushed_twice: list[str] = []
        self.wrong: list[str] = []
        self.excuses: list[str] = []
        self.hosts = [Host(self, name) for name in names]
        self.ghosts: list[Login] = []
        self.ends: dict[str, list[tuple[float, bytes]]] = {}

    def draw(self, size: int) -> bytes:
        return next(self._drawn).to_bytes(size, "big")

    def publish(self, channel: str, message: bytes) -> None:
        self.said.append(message)
        for host in self.hosts:
            if not host.is_dead and not host.is_cut and channel in (ALL_HOSTS, mailbox(host.instance)):
                host.messages.append(message)

    # What is held against the rules.

    def counted(self, host: Host, outcome: Outcome) -> None:
        if outcome.startswith("alone") or outcome is Outcome.CLAIMED_MEANWHILE:
            self.excuses.append(f"{host.name} {outcome}")

    def pushed(self, host: Host, login: Login) -> Push:
        """Push, and note it if that is one too many."""
        others = [each for host in self.hosts for each in host.logins.values()] + self.ghosts
        for other in others:
            if other is not login and other.digest == login.digest and self._is_under_way(other) and not self.excuses:
                self.pushed_twice.append(f"{host.name} {login} beside {other}")
        return self.duo.push(login.digest, self.now, host.name)

    def _is_under_way(self, login: Login) -> bool:
        """Whether its user may still be looking at a push, and some host, or one that has died, waits for that."""
        push = login.push
        return push is not None and push.verdict is None and not login.result and self.now - push.at < PUSH_LIFE_S

    def took_over(self, host: Host, login: Login) -> None:
        assert login.push is not None
        if login.push.login != login.digest:
            self.wrong.append(f"{login} has another login's push")
        if self.now - login.push.at - host.slow_s >= BELIEVED_S:
            self.wrong.append(f"{login} has a push of long ago")

    def told(self, login: Login, verdict: bytes) -> None:
        """A verdict must be Duo's, of a push for this very login: not of an earlier one of the same user."""
        word, txid, digest = verdict.split(b" ", 2)
        push = self.duo.find(txid.decode())
        is_right = digest == login.digest == push.login and (word != b"accept" or push.verdict is True)
        is_meant = any(
            login.asked_at - ended_at < (REMEMBERED_S if packet == login.packet else GRACE_S)
            for ended_at, packet in self.ends.get(txid.decode(), [])
        )
        if not is_right or not is_meant:
            self.wrong.append(f"{login} was told {verdict!r}")

    # What may happen.

    def kill(self, host: Host) -> None:
        """Lose all that a host has in memory; what had been sent may still come to the store."""
        host.is_dead = True
        self.ghosts += [login for login in host.logins.values() if not login.result]
        host.logins = {}

    def advance(self, seconds: float) -> None:
        """Let time pass, and timers run, while nothing moves on connections."""
        end = self.now + seconds
        while self.now < end:
            by_s = min(0.25, end - self.now)
            self.now += by_s
            self.store.now += by_s
            self._expire()
            for host in self.hosts:
                if host.is_up:
                    host.tick(by_s)

    def _expire(self) -> None:
        """Drop records whose time has come; that of a host that could not keep it counts as lost."""
        for key, record in list(self.store.records.items()):
            if record.expires_at <= self.store.now:
                del self.store.records[key]
                if record.state != b"decided":
                    owner = [host for host in self.hosts if record.owner.decode().startswith(host.instance)]
                    if any(not host.is_up or host.is_cut for host in owner):
                        self.excuses.append(f"expired {record.owner!r}")

    def empty(self) -> None:
        """Let the store forget everything."""
        if self.store.records:
            self.store.records.clear()
            self.excuses.append("emptied")

    def forge(self, key: bytes, record: Record) -> None:
        """Put something into the store that no script has put there."""
        self.store.records[key] = record
        self.excuses.append("forged")

    def say(self, host: Host, message: Message) -> None:
        """Say something to a host that nobody of the fleet has said."""
        if not host.is_dead and not host.is_cut:
            host.messages.append(encode_message(message))

    def settle(self) -> None:
        """Let everything come that is on its way."""
        for _ in range(10_000):
            busy = [host for host in self.hosts if host.is_up and (host.commands or host.replies or host.messages)]
            if not busy:
                return
            for host in busy:
                host.send()
                host.receive()
                host.hear()
        raise AssertionError("this never ends")

    def live(self, seconds: float) -> None:
        """Let time pass while everything moves."""
        end = self.now + seconds
        while self.now < end:
            self.settle()
            self.advance(min(0.25, end - self.now))
        self.settle()

    def decide(self, push: Push, is_accepted: bool) -> None:
        if push.verdict is None:
            push.verdict = is_accepted and self.now - push.at < PUSH_LIFE_S

    def steps(self) -> None:
        """Let every engine come a step further with Duo."""
        for host in self.hosts:
            if host.is_up:
                for login in list(host.logins.values()):
                    if not login.result:
                        host.step(login)

    def find(self, condition: Callable[[Login], bool]) -> list[Login]:
        return [each for host in self.hosts for each in host.logins.values() if condition(each)]
