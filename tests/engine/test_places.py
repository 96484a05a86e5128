"""Who may have the next place, by who holds how many."""

import pytest

from gateway.engine.places import ASKING_S, Places


def fill(places: Places, section: str, client: str, n: int, now: float = 0.0, *, address: str = "") -> int:
    """Let an address of a client ask `n` times, each time for another person; return how many places it got."""
    holder = places.asking(section, client, address or client, now)
    n_given = 0
    for _ in range(n):
        if places.may_have(holder, 0, now):
            places.take(holder)
            n_given += 1
    return n_given


def test_whoever_is_alone_has_everything():
    assert fill(Places(100), "tokyo", "192.0.2.1", 200) == 100


def test_a_section_that_floods_leaves_the_last_quarter_to_others():
    places = Places(100)
    assert fill(places, "osaka", "192.0.2.2", 1) == 1
    assert fill(places, "tokyo", "192.0.2.1", 200) == 74
    assert fill(places, "osaka", "192.0.2.2", 200) == 25


def test_a_client_that_floods_leaves_the_last_quarter_to_others_of_its_section():
    places = Places(100)
    fill(places, "tokyo", "192.0.2.2", 1)
    assert fill(places, "tokyo", "192.0.2.1", 200) == 74
    assert fill(places, "tokyo", "192.0.2.2", 200) == 25


def test_what_others_leave_for_a_minute_anybody_may_have():
    places = Places(100)
    fill(places, "osaka", "192.0.2.2", 1)
    fill(places, "tokyo", "192.0.2.1", 200)
    assert fill(places, "tokyo", "192.0.2.1", 200, now=ASKING_S + 2) == 25


def test_one_who_comes_late_finds_room():
    """The flood was there first, and nobody else had asked."""
    places = Places(100)
    assert fill(places, "tokyo", "192.0.2.1", 200) == 100
    tokyo, osaka = (
        places.asking("tokyo", "192.0.2.1", "192.0.2.1", 1.0),
        places.asking("osaka", "192.0.2.2", "192.0.2.2", 1.0),
    )
    assert not places.may_have(osaka, 0, 1.0)  # old work is never given up
    for _ in range(10):
        places.leave(tokyo)
    assert not places.may_have(tokyo, 0, 2.5)
    assert places.may_have(osaka, 0, 2.5)


@pytest.mark.parametrize(("n_places", "n_of_person"), [(100, 3), (1_000, 10)])
def test_a_person_holds_one_place_in_a_hundred_where_they_are_scarce(n_places: int, n_of_person: int):
    places = Places(n_places)
    holder = places.asking("tokyo", "192.0.2.1", "192.0.2.1", 0.0)
    assert places.may_have(holder, 10_000, 0.0)
    fill(places, "tokyo", "192.0.2.1", n_places * 3 // 4)
    assert places.may_have(holder, n_of_person - 1, 0.0)
    assert not places.may_have(holder, n_of_person, 0.0)


def test_a_section_that_begins_to_ask_in_a_flood_finds_room():
    """Nobody knew of it before, but for the configuration."""
    places = Places(1_000, {"tokyo": {"192.0.2.1": 1}, "osaka": {"192.0.2.2": 1}})
    assert fill(places, "tokyo", "192.0.2.1", 2_000) == 750
    assert fill(places, "osaka", "192.0.2.2", 100, now=1.5) == 100


def test_a_client_that_begins_to_ask_in_a_flood_finds_room():
    places = Places(1_000, {"tokyo": {"192.0.2.1": 1, "192.0.2.2": 1}})
    assert fill(places, "tokyo", "192.0.2.1", 2_000) == 750
    assert fill(places, "tokyo", "192.0.2.2", 100, now=1.5) == 100


def test_what_is_alone_in_the_configuration_has_everything():
    assert fill(Places(1_000, {"tokyo": {"192.0.2.1": 1}}), "tokyo", "192.0.2.1", 2_000) == 1_000


def test_the_log_names_who_holds_most():
    places = Places(100)
    assert places.greatest == ""
    fill(places, "osaka", "192.0.2.2", 3)
    fill(places, "tokyo", "192.0.2.1", 70)
    held = "70 by [tokyo]; 192.0.2.1 holds 70, of which 192.0.2.1 holds 70"
    assert places.greatest == f"73 of 100 places are taken, {held}"


def test_addresses_that_are_gone_are_forgotten_when_there_are_many():
    places = Places(100)
    for number in range(65_536):
        places.asking("tokyo", f"client {number}", f"client {number}", 0.0)
    places.take(places.asking("tokyo", "client 0", "client 0", 0.0))
    places.asking("tokyo", "198.51.100.1", "198.51.100.1", ASKING_S)
    assert len(places._holders) == 2


def test_a_network_that_floods_from_all_its_addresses_leaves_the_last_quarter_to_other_clients():
    """Each new address has nothing yet, and would get a place; together they are one client of the configuration."""
    places = Places(100, {"tokyo": {"a network": 65_536, "192.0.2.9": 1}})
    fill(places, "tokyo", "192.0.2.9", 5)
    n_given = sum(fill(places, "tokyo", "a network", 1, 1.0, address=f"address {number}") for number in range(1_000))
    assert n_given == 70
    assert fill(places, "tokyo", "192.0.2.9", 100, now=2.5) == 25


def test_addresses_of_a_network_share_what_it_may_have():
    places = Places(100, {"tokyo": {"a network": 256}})
    fill(places, "tokyo", "a network", 1, address="192.0.2.2")
    assert fill(places, "tokyo", "a network", 200, address="192.0.2.1") == 74
    assert fill(places, "tokyo", "a network", 200, address="192.0.2.2") == 25


def test_repr():
    assert repr(Places(5)) == "<Places held=0 of=5>"
