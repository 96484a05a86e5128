"""A login that comes again with its State, at another host: it goes on where it is under way, and begins nothing anew
where it has ended.
"""

import pytest

from gateway.fleet.claiming import REMEMBERED_S
from tests.fleet.steps import ALICE, PACKET, begin, decide, push
from tests.fleet.world import Host, Login, World


def again(world: World, host: Host, after_s: float = 20.0) -> Login:
    login = host.ask(ALICE, PACKET, again_s=after_s)
    world.settle()
    return login


def test_while_it_is_under_way_it_joins(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    at_b = again(world, b)
    decide(world, a, at_a)
    assert at_b.result == "accept"


def test_a_push_of_a_host_that_has_gone_is_taken_over(world: World):
    a, b = world.hosts
    push(world, a)
    world.kill(a)
    world.live(3.0)
    assert again(world, b, 40.0).step == "polling"


def test_a_verdict_of_a_moment_ago_is_its_own(world: World):
    a, b = world.hosts
    decide(world, a, push(world, a))
    world.live(1.0)
    assert again(world, b).result == "accept"


@pytest.mark.parametrize("where", [0, 1])
def test_what_has_ended_before_begins_nothing_anew(world: World, where: int):
    decide(world, world.hosts[0], push(world, world.hosts[0]), is_accepted=False)
    world.live(2.5)
    assert again(world, world.hosts[where]).result == "used"
    assert len(world.duo.pushes) == 1
    assert not world.hosts[where].claims.knows(2)


def test_a_verdict_that_nobody_remembers_any_more_begins_nothing_anew(world: World):
    a, b = world.hosts
    decide(world, a, push(world, a))
    a.restart_worker()
    at_b = again(world, b)
    world.live(1.0)
    assert at_b.result == "used"


def test_a_host_that_died_before_it_claimed_is_not_waited_for(world: World):
    assert again(world, world.hosts[1]).step == "auth"


def test_as_soon_as_the_store_may_have_forgotten_its_end_it_counts_as_ended(world: World):
    b = world.hosts[1]
    assert again(world, b, REMEMBERED_S).result == "used"
    assert world.store.records == {}


def test_without_a_store_it_is_alone_like_any_other(world: World):
    a, b = world.hosts
    begin(world, a)
    b.cut()
    assert again(world, b).step == "auth"
