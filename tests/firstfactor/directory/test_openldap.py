"""The client against slapd with an overlay that notes groups with their members, as LLDAP does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.config.settings import AdClient, AuthType, DirectoryHost, Secret, Transport
from gateway.engine.first_factor import Accepted, Answer, Refused
from gateway.firstfactor.directory.client import DirectoryClient
from gateway.firstfactor.directory.clients import open_directory_client
from gateway.unavailable import Trouble, Unavailable
from tests.directories.certificates import nameless
from tests.directories.people import (
    ALICE,
    ANNA,
    BASE,
    BLANK,
    DELIMITED,
    LONG,
    MINNA,
    OTTO,
    SERVICE,
    SHORT,
    UNICODE,
    VPN,
    WANDA,
    Person,
    open_dn,
)
from tests.directories.slapd import Slapd, needs_slapd, slapd
from tests.firstfactor.directory.answers import ask
from tests.https.peer import run
from tests.signals import let_stand_still

pytestmark = needs_slapd

CLEAR, STARTTLS, TLS = Transport.CLEAR, Transport.STARTTLS, Transport.LDAPS


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with slapd(tmp_path_factory.mktemp("slapd")) as found:
        yield found


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """One that says yes to an empty password."""
    with slapd(tmp_path_factory.mktemp("slapd"), "allow bind_anon_dn") as found:
        yield found


def at(server: Slapd, transport: Transport = CLEAR) -> DirectoryHost:
    return DirectoryHost(host=server.address, port=server.tls_port if transport is TLS else server.port)


def section(server: Slapd, transport: Transport = CLEAR, **how) -> AdClient:
    """Return the settings that guides for OpenLDAP and LLDAP tell to write."""
    given = {
        "section": "ad_client",
        "hosts": (at(server, transport),),
        "auth_type": AuthType.PLAIN,
        "transport": transport,
        "bind_dn": open_dn(SERVICE),
        "service_account_username": SERVICE.name,
        "service_account_password": Secret(SERVICE.password.encode()),
        "search_dn": BASE,
        "username_attribute": "uid",
        "at_attribute": "mail",
        "ca_certs": b"" if transport is CLEAR else server.files.authority.read_bytes(),
    }
    return AdClient(**{**given, **how})


@contextmanager
def client_of(settings: AdClient) -> Iterator[DirectoryClient]:
    client = open_directory_client(settings, 1)
    try:
        yield client
    finally:
        client.close()


def asked(settings: AdClient, *people: Person) -> list[Answer | Unavailable]:
    async def all_of_them() -> list[Answer | Unavailable]:
        with client_of(settings) as client:
            return [await ask(client, person.name.encode(), person.password.encode()) for person in people]

    return run(all_of_them())


@pytest.mark.parametrize("transport", Transport)
def test_passwords_of_any_kind_and_one_bind_for_each(server: Slapd, transport: Transport) -> None:
    people = (ALICE, UNICODE, DELIMITED, BLANK, SHORT, LONG)
    before = server.binds(open_dn(ALICE))
    answers = asked(section(server, transport, security_group_dn=VPN), *people)
    assert answers == [Accepted(b"", at(server, transport).name, None)] * len(people)
    assert server.binds(open_dn(ALICE)) == before + 1


def test_who_is_in_no_group_is_not_asked_for_a_password(server: Slapd) -> None:
    (answer,) = asked(section(server, security_group_dn=VPN), OTTO)
    assert isinstance(answer, Refused)
    assert answer.reason == "not_in_group"
    assert server.binds(open_dn(OTTO)) == 0


@pytest.mark.parametrize("name", ["ａlice", "ⓐlice", "alice ", "alice\u3000"])
def test_spelling_that_this_directory_takes_for_the_same_is_not_taken(server: Slapd, name: str) -> None:
    before = server.binds(open_dn(ALICE))
    (answer,) = asked(section(server), Person(name, ALICE.password))
    assert isinstance(answer, Refused)
    assert (answer.reason, answer.text.partition(",")[0]) == ("user_not_found", "found as alice")
    assert server.binds(open_dn(ALICE)) == before


def test_address_as_a_name(server: Slapd) -> None:
    mail = Person("m.mail@example.test", MINNA.password)
    twins = Person("twins@example.test", ANNA.password)
    accepted, refused = asked(section(server), mail, twins)
    assert isinstance(accepted, Accepted)
    assert isinstance(refused, Refused)
    assert refused.reason == "user_ambiguous"


def test_wrong_password_is_one_bind(server: Slapd) -> None:
    before = server.binds(open_dn(WANDA))
    (answer,) = asked(section(server), Person(WANDA.name, "wrong"))
    assert isinstance(answer, Refused)
    assert (answer.reason, answer.code) == ("first_factor_rejected", "")
    assert server.binds(open_dn(WANDA)) == before + 1


@pytest.mark.parametrize("password", ["", "\0", "\0\0"])
def test_empty_password_never_leaves(trap: Slapd, password: str) -> None:
    (answer,) = asked(section(trap), Person(ALICE.name, password))
    assert isinstance(answer, Refused)
    assert trap.binds(open_dn(ALICE)) == 0


def test_empty_password_of_the_service_account_is_a_mistake(trap: Slapd) -> None:
    (answer,) = asked(section(trap, service_account_password=Secret(b"")), ALICE)
    assert isinstance(answer, Unavailable)
    assert answer.trouble is Trouble.CONFIGURATION


def test_ntlm_is_not_known_here(server: Slapd) -> None:
    (answer,) = asked(section(server, auth_type=AuthType.NTLM2), ALICE)
    assert isinstance(answer, Unavailable)
    assert answer.trouble is Trouble.CONFIGURATION
    assert "auth_type=plain" in str(answer)


def test_server_that_demands_tls_says_what_to_write(tmp_path: Path) -> None:
    with slapd(tmp_path, "security simple_bind=1") as demanding:
        (answer,) = asked(section(demanding), ALICE)
        assert isinstance(answer, Unavailable)
        assert answer.trouble is Trouble.CONFIGURATION
        assert "transport=ldaps" in str(answer)
        (answer,) = asked(section(demanding, TLS), ALICE)
        assert isinstance(answer, Accepted)


@pytest.mark.parametrize("transport", [STARTTLS, TLS])
def test_certificate_of_the_server_itself_may_be_whom_to_trust(server: Slapd, transport: Transport) -> None:
    (answer,) = asked(section(server, transport, ca_certs=server.files.certificate.read_bytes()), ALICE)
    assert isinstance(answer, Accepted)


def test_certificate_without_a_host_name(tmp_path: Path) -> None:
    with slapd(tmp_path, files=nameless(tmp_path / "tls", "ldap.example.test")) as found:
        for transport in (STARTTLS, TLS):
            (answer,) = asked(section(found, transport), ALICE)
            assert isinstance(answer, Unavailable)
            assert answer.trouble is Trouble.CERTIFICATE
            (answer,) = asked(section(found, transport, verify_hostname=False), ALICE)
            assert isinstance(answer, Accepted)


def test_second_server_is_asked_when_the_first_is_dead_or_stands_still(server: Slapd, tmp_path: Path) -> None:
    with slapd(tmp_path) as first:
        both = section(server, hosts=(at(first), at(server)), timeout_s=6.0)
        (answer,) = asked(both, ALICE)
        assert isinstance(answer, Accepted)
        assert answer.host == at(first).name
        let_stand_still(first.process.pid)
        (answer,) = asked(both, ALICE)
        assert isinstance(answer, Accepted)
        assert answer.host == at(server).name
        first.kill()
        (answer,) = asked(both, ALICE)
        assert isinstance(answer, Accepted)
        assert answer.host == at(server).name


def test_refusal_is_final(server: Slapd, trap: Slapd) -> None:
    before = trap.binds(open_dn(WANDA))
    (answer,) = asked(section(server, hosts=(at(server), at(trap))), Person(WANDA.name, "wrong"))
    assert isinstance(answer, Refused)
    assert trap.binds(open_dn(WANDA)) == before


def test_all_dead(tmp_path: Path) -> None:
    with slapd(tmp_path) as found:
        gone = section(found, timeout_s=1.0)
        found.kill()
    (answer,) = asked(gone, ALICE)
    assert isinstance(answer, Unavailable)
    assert answer.trouble is Trouble.CONNECT


def test_server_that_is_back_is_asked_at_once(tmp_path: Path) -> None:
    async def over_its_life(found: Slapd) -> None:
        with client_of(section(found, TLS)) as client:
            assert isinstance(await ask(client, b"alice", ALICE.password.encode()), Accepted)
            found.kill()
            assert isinstance(await ask(client, b"alice", ALICE.password.encode()), Unavailable)
            with found.running():
                assert isinstance(await ask(client, b"alice", ALICE.password.encode()), Accepted)

    with slapd(tmp_path) as found:
        run(over_its_life(found))
