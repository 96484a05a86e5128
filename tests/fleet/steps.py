"""How a login comes to where a test begins."""

from tests.fleet.world import Host, Login, World

ALICE = b"alice's login 16"
PACKET = b"another packet 1"


def begin(world: World, host: Host) -> Login:
    """A login that is granted."""
    login = host.ask(ALICE)
    world.settle()
    assert login.step == "auth"
    return login


def push(world: World, host: Host) -> Login:
    """A login whose push has a name."""
    login = begin(world, host)
    host.step(login)
    host.step(login)
    world.settle()
    return login


def decide(world: World, host: Host, login: Login, is_accepted: bool = True) -> None:
    assert login.push is not None
    world.decide(login.push, is_accepted)
    host.step(login)
    world.settle()


def two_workers() -> World:
    """A world whose two hosts are two workers of one."""
    world = World()
    a, b = world.hosts
    b.instance = a.instance
    b.restart_worker()
    world.live(3.0)
    return world


def take_over(world: World, host: Host) -> None:
    """Let time pass until the store has given this host a push, without its answer."""
    for _ in range(100):
        world.advance(0.25)
        while host.commands:
            host.send()
            if any(record.owner.decode().startswith(host.instance) for record in world.store.records.values()):
                return
            host.receive()
            host.hear()
    raise AssertionError("it never takes over")
