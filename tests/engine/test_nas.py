"""Who may ask: from a source address to a NAS."""

import pytest

from gateway.engine import nas as module
from gateway.engine.nas import Nas, NasTable, count_addresses
from gateway.radius.shared_secret import SharedSecret
from tests.compiled import only_interpreted
from tests.engine.scene import SECRET, Stage, section_of


def nas(name: str = "radius_ip_1") -> Nas:
    return Nas(name, Stage().section, SECRET)


def table(*networks: str) -> NasTable:
    """A table whose clients are called as their networks."""
    return NasTable([(network, nas(network)) for network in networks])


def name_at(found: NasTable, source: str) -> str | None:
    client = found.find(source)
    return client.name if client is not None else None


class CountingDict(dict[int, Nas]):
    """Counts accesses."""

    n_gets = 0

    def get(self, *arguments):
        type(self).n_gets += 1
        return super().get(*arguments)


def test_a_single_address_is_a_client_and_its_neighbours_are_not():
    clients = table("192.0.2.10/32")
    assert [name_at(clients, f"192.0.2.{number}") for number in (9, 10, 11)] == [None, "192.0.2.10/32", None]


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("192.0.2.0/24", ["192.0.2.0", "192.0.2.255"], ["192.0.1.255", "192.0.3.0"]),
        ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0"]),
        ("192.0.2.128/31", ["192.0.2.128", "192.0.2.129"], ["192.0.2.127", "192.0.2.130"]),
        ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::", "::1"]),
        ("2001:db8::/32", ["2001:db8::", "2001:db8:ffff::1"], ["2001:db7::1", "2001:db9::", "192.0.2.1"]),
        ("2001:db8::1/128", ["2001:db8::1", "2001:0db8:0:0::0001"], ["2001:db8::2"]),
        ("::/0", ["::1", "ffff::"], ["127.0.0.1"]),
    ],
)
def test_a_network_begins_and_ends_where_it_says(network, inside, outside):
    clients = table(network)
    assert [name_at(clients, source) for source in inside] == [network] * len(inside)
    assert [name_at(clients, source) for source in outside] == [None] * len(outside)


def test_the_most_specific_network_wins_whatever_the_order():
    networks = ["10.0.0.0/8", "10.1.2.3/32", "0.0.0.0/0", "10.1.0.0/16", "2001:db8::/32", "2001:db8:1::/48"]
    for order in (networks, networks[::-1]):
        clients = table(*order)
        assert name_at(clients, "10.1.2.3") == "10.1.2.3/32"
        assert name_at(clients, "10.1.2.4") == "10.1.0.0/16"
        assert name_at(clients, "10.2.0.0") == "10.0.0.0/8"
        assert name_at(clients, "192.0.2.1") == "0.0.0.0/0"
        assert name_at(clients, "2001:db8:1::7") == "2001:db8:1::/48"
        assert name_at(clients, "2001:db8:2::7") == "2001:db8::/32"


def test_a_remembered_source_is_found_again_as_before():
    clients = table("10.0.0.0/8", "10.1.2.3/32")
    assert [name_at(clients, "10.1.2.3") for _ in range(3)] == ["10.1.2.3/32"] * 3


def test_a_link_local_source_is_found_with_its_zone():
    """The socket gives `fe80::1%eth0` for such a source."""
    assert name_at(table("fe80::/10"), "fe80::1%eth0") == "fe80::/10"


def test_several_networks_may_share_one_client():
    """A range is summarised to networks, which are one NAS with one state."""
    client = nas()
    clients = NasTable([("10.0.0.1/32", client), ("10.0.0.2/31", client), ("10.0.0.4/32", client)])
    assert {clients.find(f"10.0.0.{number}") for number in range(1, 5)} == {client}


def test_a_network_of_two_clients_is_refused():
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/8 belongs to two clients"):
        NasTable([("10.0.0.0/8", nas("one")), ("10.0.0.0/8", nas("other"))])


@pytest.mark.parametrize("network", ["10.0.0.1/8", "10.0.0.0/33", "nonsense", ""])
def test_what_is_no_network_is_refused(network):
    with pytest.raises(ValueError, match=r"network|host bits"):
        table(network)


def test_a_table_without_clients_knows_nobody():
    assert NasTable([]).find("192.0.2.1") is None


@only_interpreted
def test_among_1_000_clients_a_look_up_tries_each_prefix_length_once():
    addresses = [f"10.{number >> 8}.{number & 255}.1/32" for number in range(1_000)]
    clients = table(*addresses, "172.16.0.0/12", "192.168.0.0/16", "2001:db8::/32")
    for prefix, networks in clients._networks[4].items():
        clients._networks[4][prefix] = CountingDict(networks)
    for source, n_gets in {"10.3.231.1": 1, "192.168.7.7": 2, "172.16.0.1": 3, "203.0.113.1": 3}.items():
        CountingDict.n_gets = 0
        assert (clients.find(source) is None) == (source == "203.0.113.1")
        assert CountingDict.n_gets == n_gets, source


def test_a_source_that_was_found_is_looked_up_no_more():
    clients = table("10.0.0.0/8")
    clients.find("10.1.2.3")
    clients._networks[4].clear()
    assert name_at(clients, "10.1.2.3") == "10.0.0.0/8"


def test_sources_that_are_remembered_are_bounded(monkeypatch):
    monkeypatch.setattr(module, "_MAX_REMEMBERED_SOURCES", 100)
    clients = table("10.0.0.0/8")
    for number in range(1000):
        assert name_at(clients, f"10.0.{number >> 8}.{number & 255}") == "10.0.0.0/8"
        assert len(clients._remembered) <= 100


def test_strangers_are_not_remembered_at_all():
    clients = table("10.0.0.0/8")
    for number in range(1000):
        assert clients.find(f"192.0.{number >> 8}.{number & 255}") is None
    assert clients._remembered == {}


def test_a_nas_shows_its_name_and_never_its_secret():
    assert repr(nas("radius_ip_7 of [radius_server_duo_only]")) == "<Nas radius_ip_7 of [radius_server_duo_only]>"


def test_addresses_are_counted_by_client_once_however_many_addresses_listen():
    tokyo, osaka = section_of("tokyo"), section_of("osaka")
    operator = Nas("radgate login", osaka, SharedSecret(b"x"), is_login_client=True)
    entries = [
        ("192.0.2.1/32", Nas("one", tokyo, SharedSecret(b"x"))),
        ("198.51.100.0/24", Nas("many", osaka, SharedSecret(b"x"))),
        ("127.82.65.1/32", operator),
    ]
    assert count_addresses([NasTable(entries), NasTable(entries[:1])]) == {"tokyo": {"one": 1}, "osaka": {"many": 256}}
