"""The client against OpenLDAP's slapd, over each transport."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.config.settings import AdClient, DirectoryHost, Secret, Transport
from gateway.engine.first_factor import Accepted, Refused
from gateway.firstfactor.directory.client import DirectoryClient
from gateway.firstfactor.directory.clients import open_directory_client
from gateway.ldap.filters import parse_filter
from gateway.unavailable import Trouble, Unavailable
from tests.directories.slapd import needs_slapd
from tests.firstfactor.directory.answers import ask
from tests.firstfactor.directory.slapd import GROUP, PASSWORDS, SUFFIX, Directory, slapd
from tests.https.peer import in_loop, run

pytestmark = needs_slapd

ALICE = PASSWORDS["alice"]
BOB = PASSWORDS["bob"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    with slapd(tmp_path_factory.mktemp("slapd")) as server:
        yield server


@contextmanager
def client_of(settings: AdClient) -> Iterator[DirectoryClient]:
    client = open_directory_client(settings, 1)
    try:
        yield client
    finally:
        client.close()


def asked(settings: AdClient, name: bytes, password: bytes) -> object:
    async def one() -> object:
        with client_of(settings) as client:
            return await ask(client, name, password)

    return run(one())


def why(settings: AdClient, name: bytes = b"alice", password: bytes = ALICE) -> tuple[Trouble, str]:
    answer = asked(settings, name, password)
    assert isinstance(answer, Unavailable)
    return answer.trouble, str(answer)


@pytest.mark.parametrize("transport", Transport)
def test_over_each_transport_one_is_let_in_and_the_other_is_not(directory, transport):
    section = directory.section(transport)
    host = section.hosts[0].name
    assert asked(section, b"alice", ALICE) == Accepted(b"", host, None)
    assert asked(section, b"alice", b"wrong") == Refused("first_factor_rejected", "", b"", host)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        (b"EXAMPLE\\bob", BOB),
        (b"bob@example.test", BOB),
        (b"BOB", BOB),
        (b"carol", PASSWORDS["carol"]),
    ],
)
def test_names_and_passwords_of_any_kind(directory, name, password):
    assert isinstance(asked(directory.section(), name, password), Accepted)


@pytest.mark.parametrize(
    ("name", "password", "reason"),
    [
        (b"nobody", b"x", "user_not_found"),
        (b"*", b"x", "user_not_found"),
        (b"ali*", ALICE, "user_not_found"),
        (b"dave", PASSWORDS["dave"], "user_ambiguous"),
        (b"alice", b"", "first_factor_rejected"),
        (b"alice", ALICE + b" ", "first_factor_rejected"),
        (b"alice", ALICE + b"\0", "first_factor_rejected"),
    ],
)
def test_who_is_refused_and_why(directory, name, password, reason):
    answer = asked(directory.section(), name, password)
    assert isinstance(answer, Refused)
    assert answer.reason == reason


@pytest.mark.parametrize("attribute", ["uid", "userid", "0.9.2342.19200300.100.1.1"])
def test_another_spelling_is_nobody_by_whatever_name_the_attribute_is_asked_for(directory, attribute):
    section = directory.section(username_attribute=attribute)
    assert isinstance(asked(section, b"ALICE", ALICE), Accepted)
    for name in ("ａlice", "alice "):
        answer = asked(section, name.encode(), ALICE)
        assert isinstance(answer, Refused)
        assert answer.text == "found as alice, whom Duo would not know by what was typed"


def test_members_of_a_group_that_is_not_noted_with_them(directory):
    """slapd without its overlay has no memberOf."""
    section = directory.section(security_group_dn=GROUP)
    assert isinstance(asked(section, b"alice", ALICE), Accepted)
    for name, password in ((b"bob", BOB), (b"dave", b"d")):
        answer = asked(section, name, password)
        assert isinstance(answer, Refused)
        assert answer.reason == "not_in_group"
    answer = asked(directory.section(security_group_dn=f"cn=no,{SUFFIX}"), b"alice", ALICE)
    assert isinstance(answer, Refused)
    assert answer.reason == "not_in_group"
    assert "security_group_dn" in answer.text


def test_the_operators_own_filter(directory):
    section = directory.section(ldap_filter=parse_filter("(mail=alice@*)"))
    assert isinstance(asked(section, b"alice", ALICE), Accepted)
    answer = asked(section, b"bob", BOB)
    assert isinstance(answer, Refused)
    assert answer.reason == "not_in_group"


@in_loop
async def test_connections_are_kept_and_bound_again(directory: Directory) -> None:
    with client_of(directory.section(Transport.LDAPS)) as client:
        for name, password in ((b"alice", ALICE), (b"alice", b"wrong"), (b"bob", BOB), (b"nobody", b"x")) * 5:
            await ask(client, name, password)
        assert client.n_connections == 2
        assert client.n_pending == 0


def test_mistakes_in_the_file_are_said_as_such(directory):
    trouble, text = why(directory.section(search_dn="dc=elsewhere"))
    assert (trouble, "search_dn" in text) == (Trouble.CONFIGURATION, True)
    trouble, text = why(directory.section(service_account_password=Secret(b"not-the-readers")))
    assert (trouble, "refuses the service account" in text) == (Trouble.CONFIGURATION, True)
    assert "not-the-readers" not in text


def test_an_anonymous_search_finds_nobody(directory):
    trouble, text = why(directory.section(service_account_password=None))
    assert trouble is Trouble.CONFIGURATION, text


def test_a_certificate_for_another_name(directory):
    port = directory.tls_port
    hosts = (DirectoryHost(host="127.0.0.2", port=port),)
    section = directory.section(Transport.LDAPS, hosts=hosts)
    trouble, text = why(section)
    assert trouble in (Trouble.CERTIFICATE, Trouble.CONNECT), text  # slapd listens at 127.0.0.1


def test_a_certificate_of_somebody_else(directory, authority_pem):
    trouble, text = why(directory.section(Transport.LDAPS, ca_certs=authority_pem))
    assert trouble is Trouble.CERTIFICATE
    assert "ssl_ca_certs_file" in text


def test_plain_ldap_at_a_port_for_tls(directory):
    port = DirectoryHost(host="127.0.0.1", port=directory.port)
    trouble, text = why(directory.section(Transport.LDAPS, hosts=(port,)))
    assert trouble is Trouble.TLS, text


def test_an_empty_password_never_leaves(tmp_path: Path):
    """This slapd would say that it succeeds."""
    with slapd(tmp_path, "allow bind_anon_dn") as directory:
        for password in (b"", b"\0"):
            assert isinstance(asked(directory.section(), b"alice", password), Refused)
        assert isinstance(asked(directory.section(), b"alice", ALICE), Accepted)
