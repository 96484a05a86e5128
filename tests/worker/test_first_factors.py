"""Sections that check passwords become clients, modes know what they can do, and the board has their hosts."""

import pytest

from gateway.config.settings import Settings
from gateway.engine.modes.parts import FirstFactor
from gateway.firstfactor.directory.client import DirectoryClient
from gateway.firstfactor.home.client import HomeClient
from gateway.ipc.plan import board_plan
from gateway.supervisor.facts import _first_factors as facts_of
from gateway.worker.first_factor_modes import first_factor_of
from gateway.worker.first_factors import open_first_factors
from gateway.worker.heartbeat import private_row
from tests.config.files import SERVER, parse
from tests.https.peer import in_loop

DIRECTORY = """\
[ad_client]
host=127.0.0.1
port=1
host_2=127.0.0.2
port_2=1
service_account_username=duo
service_account_password=secret of the service
search_dn=DC=example,DC=test
"""
HOME = "[radius_client]\nhost=127.0.0.1\nport=1\nsecret=secret of home\n"
HOSTS = [("ad_client", "127.0.0.1:1"), ("ad_client", "127.0.0.2:1"), ("radius_client", "127.0.0.1:1")]


def settings() -> Settings:
    clients = ("ad_client", "radius_client", "duo_only_client")
    servers = [
        f"[radius_server_auto{number}]\nclient={client}\nport={18120 + number}\n{SERVER}"
        for number, client in enumerate(clients, 1)
    ]
    return parse("\n".join([*servers, DIRECTORY, HOME, "[duo_only_client]"]))[0]


def test_a_mode_knows_what_its_first_factor_can_do():
    found = settings()
    by_client = {server.client: first_factor_of(server, found) for server in found.servers}
    assert by_client["ad_client"] == FirstFactor("ad_client", is_directory=True, pw_codec="utf-8")
    assert not by_client["ad_client"].relays
    assert (by_client["radius_client"].relays, by_client["radius_client"].is_directory) == (True, False)
    assert by_client["duo_only_client"] == FirstFactor()


@pytest.mark.parametrize(
    ("server", "home", "main", "wanted"),
    [
        ("", "", "", ""),
        ("utf8", "UTF-8", "", ""),
        ("latin-1", "", "", "utf-8"),
        ("", "cp932", "", "cp932"),
        ("latin-1", "iso-8859-1", "", ""),
        ("", "", "cp1252", ""),
        ("cp932", "", "cp1252", "cp1252"),
    ],
)
def test_a_home_server_gets_the_octets_as_they_came_where_both_sections_name_one_charset(server, home, main, wanted):
    def line(codec: str) -> str:
        return f"pw_codec={codec}\n" if codec else ""

    section = f"[radius_server_auto]\nclient=radius_client\n{SERVER}{line(server)}"
    found = parse(f"{section}{HOME}{line(home)}[main]\n{line(main)}")[0]
    assert first_factor_of(found.servers[0], found).pw_codec == wanted


def test_the_board_and_the_status_have_the_hosts_of_both_kinds():
    found = settings()
    assert [host for host in HOSTS if host not in board_plan(found, 2).hosts] == []
    kinds = {facts.section: (facts.kind, facts.hosts[0], facts.sections) for facts in facts_of(found)}
    assert kinds == {
        "ad_client": ("ad_client", "127.0.0.1:1", ("radius_server_auto1",)),
        "radius_client": ("radius_client", "127.0.0.1:1", ("radius_server_auto2",)),
    }


@in_loop
async def test_each_section_has_a_client_that_counts_by_the_boards_names() -> None:
    found = settings()
    row = private_row(board_plan(found, 1))
    clients = open_first_factors(found, 1, row.first_factors)
    try:
        kinds = {section: type(client) for section, client in clients.items()}
        assert kinds == {"ad_client": DirectoryClient, "radius_client": HomeClient}
        for client in clients.values():
            client.show()
            assert client.n_pending == 0
    finally:
        for client in clients.values():
            client.close()
