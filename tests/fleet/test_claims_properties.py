"""Two and three hosts, in any order of events: one push, no verdict but Duo's, and an end for every login."""

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fleet.effects import RunScript
from gateway.fleetapi.messages import Ended, Join, Known, decode_message
from gateway.fleetapi.names import record_key
from tests.fleet.world import Host, Login, World
from tests.stories import stories

LOGINS = (b"alice's login 16", b"bob's login   16")
PACKETS = (b"the first packet", b"another packet 1")
PATIENCE_S = 0.3
LONGEST_S = 200.0

_SPANS_LONG_S = (3.0, 12.0, 77.0, 92.0)
_SPANS_S = (0.1, 0.25, 0.5, 1.0, 1.5, 3.0, 20.0, 70.0)


def ask(world: World, host: Host, choice: int) -> None:
    digest = LOGINS[choice % 5 == 4]
    if host.is_up and host.live(digest) is None:
        host.ask(digest, PACKETS[choice % 2])


def send(world: World, host: Host, choice: int) -> None:
    for _ in range(1 + choice % 3):
        host.send()


def receive(world: World, host: Host, choice: int) -> None:
    if host.is_up:
        host.receive()


def hear(world: World, host: Host, choice: int) -> None:
    if host.is_up:
        for _ in range(1 + choice % 4):
            host.hear()


def step(world: World, host: Host, choice: int) -> None:
    for login in living(host):
        host.step(login)


def decide(world: World, host: Host, choice: int) -> None:
    for push in world.duo.pushes[-2:]:
        world.decide(push, choice % 2 == 0)


def advance(world: World, host: Host, choice: int) -> None:
    world.advance(_SPANS_S[choice % 6])


def live(world: World, host: Host, choice: int) -> None:
    world.live(_SPANS_S[choice % 8])


def settle(world: World, host: Host, choice: int) -> None:
    world.settle()


def log_in(world: World, host: Host, choice: int) -> None:
    """As far as can be without anybody in between: granted, pushed, pushed with a name."""
    ask(world, host, choice)
    for _ in range(choice % 4):
        world.settle()
        step(world, host, choice)
    world.settle()


def pause(world: World, host: Host, choice: int) -> None:
    host.is_paused = not host.is_paused


def stand_still(world: World, host: Host, choice: int) -> None:
    """Stop in the middle of whatever it is, and go on so late that others may have given it up."""
    host.is_paused = True
    world.live(_SPANS_LONG_S[choice % 4])
    if choice % 3 == 0:
        log_in(world, world.hosts[choice % len(world.hosts)], choice)
    host.is_paused = False


def kill(world: World, host: Host, choice: int) -> None:
    if host.is_dead:
        host.start()
    else:
        world.kill(host)


def restart_worker(world: World, host: Host, choice: int) -> None:
    if host.is_up and not host.is_cut:
        host.restart_worker()


def restart(world: World, host: Host, choice: int) -> None:
    """Die as a whole, and go on as another instance, perhaps so late that others have called the former one gone."""
    if host.is_up and not host.is_cut:
        host.is_paused = True
        world.live((0.0, 1.0, 3.0)[choice % 3])
        host.is_paused = False
        host.restart()


def leave(world: World, host: Host, choice: int) -> None:
    for login in living(host):
        if login.step in ("auth", "pushing", "polling"):
            host.leave(login)


def cancel(world: World, host: Host, choice: int) -> None:
    """Nobody waits any more for a login that the fleet has not answered."""
    for login in living(host):
        if login.step == "fleet":
            login.result, login.step, login.ended_at = "cancelled", "ended", world.now
            host.perform(host.claims.cancelled(login.number))


def isolate(world: World, host: Host, choice: int) -> None:
    if host.is_up:
        host.isolate(is_isolated=not host.is_isolated)


def fall_behind(world: World, host: Host, choice: int) -> None:
    """Have a clock that knows Duo's time, and has stood still since."""
    host.slow_s = (0.0, 4.0, 20.0, 80.0)[choice % 4]


def forget_time(world: World, host: Host, choice: int) -> None:
    """Go on with a worker that has not heard Duo's time, and may not hear it soon."""
    if host.is_up and not host.is_cut:
        world.tells_time = choice % 2 == 0
        host.forget_duo_time()


def hear_time(world: World, host: Host, choice: int) -> None:
    if host.is_up:
        host.hear_duo_time()


def swallow(world: World, host: Host, choice: int) -> None:
    if host.messages:
        del host.messages[choice % len(host.messages)]


def swallow_all(world: World, host: Host, choice: int) -> None:
    host.messages.clear()


def replay(world: World, host: Host, choice: int) -> None:
    if world.said and not host.is_dead:
        host.messages.append(world.said[-1 - choice % min(len(world.said), 50)])


def reorder(world: World, host: Host, choice: int) -> None:
    host.messages.rotate(choice)


def cut(world: World, host: Host, choice: int) -> None:
    if host.is_up:
        if host.is_cut:
            host.mend()
        else:
            host.cut()


def distrust(world: World, host: Host, choice: int) -> None:
    """Take the store for away although it is only late, or trust it again: its answers come all the same."""
    if host.is_up and not host.is_cut:
        host.perform(host.claims.store_lost() if choice % 2 else host.claims.store_back(world.now))


def refuse(world: World, host: Host, choice: int) -> None:
    if host.is_up and host.commands and isinstance(host.commands[0], RunScript):
        host.be_refused()


def empty(world: World, host: Host, choice: int) -> None:
    world.empty()


# What somebody can do who reads and writes everything in the store, and hears and says everything on its channels.


def put_back(world: World, host: Host, choice: int) -> None:
    """Put an old record into its place again, with whatever is not sealed as it suits."""
    if world.store.history:
        key, record = world.store.history[-1 - choice % len(world.store.history)]
        now = world.store.now
        world.forge(key, replace(record, changed_at=now - (0.0, 5.0, 76.0)[choice % 3], expires_at=now + 90.0))


def swap(world: World, host: Host, choice: int) -> None:
    """Put the record of one login into the place of another."""
    if world.store.history:
        _, record = world.store.history[-1 - choice % len(world.store.history)]
        world.forge(record_key(LOGINS[choice % 2]), replace(record, expires_at=world.store.now + 90.0))


def alter(world: World, host: Host, choice: int) -> None:
    """Change what is not sealed."""
    for key, record in list(world.store.records.items()):
        owners = [each.owner for _, each in world.store.history]
        world.forge(
            key,
            replace(
                record,
                state=(record.state, b"asking", b"pushed", b"decided")[choice % 4],
                epoch=max(1, record.epoch + choice % 3 - 1),
                owner=owners[choice % len(owners)] if choice % 5 == 0 else record.owner,
            ),
        )


def log_in_long_ago(world: World, host: Host, choice: int) -> None:
    """Get in by a push, without Duo's time perhaps; then so much time passes that nobody knows of it any more."""
    if host.live(LOGINS[0]) is None:
        host.knows_duo_time = choice % 2 == 0
        login = host.ask(LOGINS[0])
        for _ in range(3):
            world.settle()
            host.step(login)
            decide(world, host, 0)
        world.kill(host)
        world.live(100.0)
        host.start()


def put_push_back(world: World, host: Host, choice: int) -> None:
    """Put the record of a push into its place again, as if it had been written just now."""
    pushes = [(key, record) for key, record in world.store.history if record.state == b"pushed"]
    if pushes:
        key, record = pushes[-1 - choice % len(pushes)]
        now = world.store.now
        world.forge(key, replace(record, changed_at=now, expires_at=now + 90.0))


def say_again_otherwise(world: World, host: Host, choice: int) -> None:
    """Say what was said with other names, other nonces, other words."""
    said = [message for message in map(decode_message, world.said) if message is not None]
    owners = [each.owner.decode() for _, each in world.store.history]
    nonces = [message.nonce for message in said if isinstance(message, Join)]
    for message in said[-20:]:
        if isinstance(message, Join):
            owner = owners[-1 - choice % len(owners)] if owners else message.owner
            world.say(host, Join(owner, message.nonce, message.joiner, PACKETS[choice % 2]))
        elif isinstance(message, Ended) and nonces:
            how = ("verdict", "leave", "released", "lost")[choice % 4]
            world.say(
                host, Ended(nonces[-1 - choice % len(nonces)], how if choice % 3 else message.how, message.sealed)
            )
    for nonce in nonces[-3:]:
        world.say(host, Known(nonce))


def living(host: Host) -> list[Login]:
    return [login for login in host.logins.values() if not login.result] if host.is_up else []


Act = Callable[[World, Host, int], None]
ORDERLY: tuple[Act, ...] = (ask, ask, log_in, send, receive, hear, step, step, decide, advance, live, settle)
TROUBLES: tuple[Act, ...] = (
    *(pause, stand_still, kill, restart_worker, leave, cancel, isolate, isolate, swallow, swallow_all, replay, reorder),
    *(fall_behind, forget_time, hear_time, restart),
)
OUTAGES: tuple[Act, ...] = (cut, cut, distrust, distrust, refuse, refuse, empty)
REPLAYS: tuple[Act, ...] = (ask, ask, step, live, live, log_in_long_ago, put_push_back, put_push_back)
FORGETS: tuple[Act, ...] = (forget_time, hear_time)
FORGERIES: tuple[Act, ...] = (put_back, swap, alter, say_again_otherwise, say_again_otherwise, replay)


def actions(*kinds: Act) -> st.SearchStrategy[list[tuple[Act, int, int]]]:
    return stories(kinds, 3, 31, at_most=60)


def play(story: list[tuple[Act, int, int]], names: str) -> World:
    world = World(names, PATIENCE_S)
    world.live(3.0)
    for act, which, choice in story:
        act(world, world.hosts[which % len(names)], choice)
    return world


def heal(world: World) -> list[Login]:
    """Let everything be well again, and return the logins that have not ended in bounded time."""
    world.tells_time = True
    for host in world.hosts:
        host.is_paused = False
        if not host.is_dead:
            host.mend()
            host.isolate(is_isolated=False)
            host.perform(host.claims.store_back(world.now))
    until = world.now + LONGEST_S
    while world.now < until and world.find(lambda login: not login.result):
        world.steps()
        world.live(0.5)
        for push in world.duo.pushes:
            if world.now - push.at >= 30.0:
                world.decide(push, False)
    return world.find(lambda login: not login.result)


def check(story: list[tuple[Act, int, int]], names: str) -> World:
    world = play(story, names)
    left = heal(world)
    assert not world.pushed_twice, world.pushed_twice
    assert not world.wrong, world.wrong
    assert not left, left
    return world


@settings(max_examples=200)
@given(actions(*ORDERLY), st.sampled_from(["ab", "abc"]))
def test_in_any_order_each_login_is_pushed_once(story, names):
    check(story, names)


@settings(max_examples=600)
@given(actions(*ORDERLY, *ORDERLY, *TROUBLES), st.sampled_from(["ab", "abc"]))
def test_with_hosts_that_die_and_stand_still_and_messages_that_are_lost(story, names):
    check(story, names)


@settings(max_examples=400)
@given(actions(*ORDERLY, *ORDERLY, *TROUBLES, *OUTAGES), st.sampled_from(["ab", "abc"]))
def test_with_a_store_that_comes_and_goes(story, names):
    check(story, names)


@settings(max_examples=400)
@given(actions(*ORDERLY, *TROUBLES, *FORGERIES), st.sampled_from(["ab", "abc"]))
def test_with_somebody_who_writes_to_the_store_and_says_what_he_likes(story, names):
    check(story, names)


@settings(max_examples=200)
@given(actions(*REPLAYS, *FORGETS), st.sampled_from(["ab", "abc"]))
def test_with_somebody_who_puts_back_pushes_that_were_approved_long_ago(story, names):
    """Whether or not those who wrote their records, and those who read them, know Duo's time."""
    check(story, names)
