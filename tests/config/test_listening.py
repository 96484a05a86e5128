"""Which addresses are listened on."""

import socket
from ipaddress import ip_address

import pytest

from gateway.config.listening import ListeningAddress, in_words, listening_addresses, served_in_words
from gateway.config.login_client import login_client
from gateway.config.settings import (
    ApplicationSettings,
    ClientSettings,
    GatewaySettings,
    LogSettings,
    Secret,
    ServerSettings,
    Settings,
)


def server(section: str, *networks: str, **options) -> ServerSettings:
    client = ClientSettings(name="radius_ip_1", networks=networks, shared_secret=Secret(section.encode()))
    application = ApplicationSettings(api_host="api", ikey="DI", secret_key=Secret(b"k"))
    return ServerSettings(section=section, clients=(client,), application=application, **options)


def settings(*servers: ServerSettings) -> Settings:
    return Settings(
        path="/etc/x", log=LogSettings(directory="/l"), gateway=GatewaySettings(run_dir="/r"), servers=servers
    )


def listening(*servers: ServerSettings) -> dict[str, list[str]]:
    addresses = listening_addresses(settings(*servers))
    return {str(address): [server.section for server in address.servers] for address in addresses}


def test_a_section_listens_on_the_families_of_its_clients():
    assert listening(server("a", "10.0.0.0/8")) == {"0.0.0.0:1812": ["a"]}
    assert listening(server("a", "2001:db8::/32")) == {"[::]:1812": ["a"]}
    assert listening(server("a", "10.0.0.0/8", "2001:db8::/32")) == {"0.0.0.0:1812": ["a"], "[::]:1812": ["a"]}


def test_sections_on_one_address_share_it():
    both = listening(server("a", "10.0.0.0/8"), server("b", "192.0.2.0/24"), server("c", "10.0.0.1/32", port=1813))
    assert both == {"0.0.0.0:1812": ["a", "b"], "0.0.0.0:1813": ["c"]}


def test_a_section_for_every_address_is_served_on_those_that_others_name():
    found = listening(server("a", "10.0.0.0/8", interface="192.0.2.1"), server("b", "10.0.0.1/32"))
    assert found == {"192.0.2.1:1812": ["a", "b"], "0.0.0.0:1812": ["b"]}


def test_radgate_login_has_an_address_and_a_secret_of_its_own_for_each_section():
    first, second = server("a", "10.0.0.0/8"), server("b", "192.0.2.0/24")
    site = settings(first, second)
    clients = [login_client(site, each) for each in (first, second)]
    assert [client.source for client in clients] == ["127.82.65.1", "127.82.65.2"]
    assert {client.destination for client in clients} == {"127.0.0.1"}
    assert clients[0].shared_secret != clients[1].shared_secret
    assert clients[0].shared_secret != b"a"


def at(*places: str) -> list[ListeningAddress]:
    found = []
    for place in places:
        host, _, ports = place.rpartition(":")
        first, _, last = ports.partition("-")
        family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
        found += [ListeningAddress(family, host, port, ()) for port in range(int(first), int(last or first) + 1)]
    return found


@pytest.mark.parametrize(
    ("places", "text"),
    [
        ([], ""),
        (["0.0.0.0:1812"], "udp 0.0.0.0:1812"),
        (["0.0.0.0:1812-1813", ":::1812"], "udp 0.0.0.0:1812, udp 0.0.0.0:1813, udp [::]:1812"),
        (["0.0.0.0:22000-22199"], "200 ports (0.0.0.0:22000 to 22199)"),
        (["10.0.0.1:9", "10.0.0.1:7-8", "10.0.0.1:6"], "4 ports (10.0.0.1:6 to 9)"),
        (["0.0.0.0:1-3", "0.0.0.0:5"], "4 ports (0.0.0.0:1 to 3, 0.0.0.0:5)"),
        (["0.0.0.0:1812-1813", ":::1812-1813"], "4 addresses (0.0.0.0:1812 to 1813, [::]:1812 to 1813)"),
        (["0.0.0.0:1-2", "10.0.0.1:3-4"], "4 addresses (0.0.0.0:1 to 2, 10.0.0.1:3 to 4)"),
        (
            ["0.0.0.0:1", "0.0.0.0:3", "0.0.0.0:5", "0.0.0.0:7-1206"],
            "1,203 ports (0.0.0.0:1, 0.0.0.0:3, 0.0.0.0:5, and 1,200 more)",
        ),
    ],
)
def test_addresses_in_words(places: list[str], text: str):
    assert in_words(at(*places), "udp ") == text


def test_many_addresses_are_told_with_the_sections_that_they_serve():
    few = [server(f"s{number}", "10.0.0.0/8", port=22_000 + number) for number in range(3)]
    assert served_in_words(settings(*few)) == "0.0.0.0:22000, 0.0.0.0:22001, 0.0.0.0:22002"
    many = [server(f"s{number}", "10.0.0.0/8", port=22_000 + number) for number in range(200)]
    assert served_in_words(settings(*many)) == "200 server sections on 200 ports (0.0.0.0:22000 to 22199)"
