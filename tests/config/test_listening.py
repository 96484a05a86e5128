"""Which addresses are listened on."""

from gateway.config.listening import listening_addresses
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
