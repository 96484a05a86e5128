"""The client against a domain controller: Samba, which says of accounts what Active Directory does."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.config.settings import AdClient, AuthType, DirectoryHost, Secret, Transport
from gateway.engine.first_factor import Accepted, Answer, Refused
from gateway.firstfactor.directory.client import DirectoryClient
from gateway.firstfactor.directory.clients import open_directory_client
from gateway.ldap.filters import parse_filter
from gateway.unavailable import Trouble, Unavailable
from tests.directories.certificates import TlsFiles, nameless, signed
from tests.directories.people import (
    ALICE,
    ANNA,
    BASE,
    BLANK,
    DELIMITED,
    DORA,
    EMMA,
    ENZO,
    HUGO,
    KURT,
    LOLA,
    LONG,
    MILO,
    MINNA,
    NINA,
    OTTO,
    PEOPLE,
    RUTH,
    SERVICE,
    SHORT,
    UNICODE,
    VPN,
    WANDA,
    Person,
)
from tests.directories.processes import own_address
from tests.directories.samba import LDAP, LDAPS, Samba, needs_samba, samba
from tests.firstfactor.directory.answers import ask
from tests.https.peer import in_loop, run
from tests.signals import let_stand_still

pytestmark = needs_samba

NTLM2, PLAIN = AuthType.NTLM2, AuthType.PLAIN
CLEAR, STARTTLS, TLS = Transport.CLEAR, Transport.STARTTLS, Transport.LDAPS
MANNERS = pytest.mark.parametrize("auth_type", [NTLM2, PLAIN])


class Controller(NamedTuple):
    """A domain controller, and its certificate."""

    server: Samba
    files: TlsFiles

    def section(self, auth_type: AuthType = NTLM2, transport: Transport = CLEAR, **how) -> AdClient:
        """Return the settings of a client of it."""
        port = LDAPS if transport is TLS else LDAP
        given = {
            "section": "ad_client",
            "hosts": (DirectoryHost(host=self.server.address, port=port),),
            "auth_type": auth_type,
            "transport": transport,
            "service_account_username": SERVICE.name,
            "service_account_password": Secret(SERVICE.password.encode()),
            "search_dn": BASE,
            "ca_certs": b"" if transport is CLEAR else self.files.authority.read_bytes(),
        }
        return AdClient(**{**given, **how})


@contextmanager
def client_of(section: AdClient) -> Iterator[DirectoryClient]:
    client = open_directory_client(section, 1)
    try:
        yield client
    finally:
        client.close()


def asked(section: AdClient, name: str, password: str) -> Answer | Unavailable:
    """Return the answer to one question, of a client that is made for it."""

    async def one() -> Answer | Unavailable:
        with client_of(section) as client:
            return await ask(client, name.encode(), password.encode())

    return run(one())


def lets_in(section: AdClient, person: Person) -> bool:
    return isinstance(asked(section, person.name, person.password), Accepted)


def refusal(section: AdClient, name: str, password: str) -> tuple[str, str]:
    """Return the reason and Active Directory's own code."""
    answer = asked(section, name, password)
    assert isinstance(answer, Refused), answer
    return answer.reason, answer.code


def why(section: AdClient) -> tuple[Trouble, str]:
    """Return why nothing can be told of alice."""
    answer = asked(section, ALICE.name, ALICE.password)
    assert isinstance(answer, Unavailable), answer
    return answer.trouble, str(answer)


@contextmanager
def controller(factory: pytest.TempPathFactory, strong_auth: str) -> Iterator[Controller]:
    address = own_address()
    files = signed(factory.mktemp("tls"), [address])
    with samba(factory, strong_auth=strong_auth, address=address, tls_files=files) as server:
        yield Controller(server, files)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """One that demands signatures of NTLM, and knows none over TLS: Samba's own choice."""
    with controller(tmp_path_factory, "yes") as found:
        yield found


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """One that demands signatures or TLS, as Windows does."""
    with controller(tmp_path_factory, "allow_sasl_over_tls") as found:
        yield found


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """One that demands nothing."""
    with controller(tmp_path_factory, "no") as found:
        yield found


WAYS = [
    ("strict", NTLM2, CLEAR),
    ("strict", PLAIN, TLS),
    ("windows", NTLM2, CLEAR),
    ("windows", NTLM2, STARTTLS),
    ("windows", NTLM2, TLS),
    ("windows", PLAIN, STARTTLS),
    ("lenient", NTLM2, CLEAR),
    ("lenient", NTLM2, TLS),
    ("lenient", PLAIN, CLEAR),
]


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-{way[1].value}-{way[2].value}")
def section(request: pytest.FixtureRequest) -> AdClient:
    """A way to a controller that it takes."""
    name, auth_type, transport = request.param
    found: Controller = request.getfixturevalue(name)
    return found.section(auth_type, transport, security_group_dn=VPN)


REFUSED = [
    (WANDA, "first_factor_rejected", "52e", "wrong"),
    (EMMA, "password_expired", "532", None),
    (MILO, "password_expired", "773", None),
    (DORA, "account_disabled", "533", None),
    (ENZO, "account_disabled", "701", None),
    (HUGO, "first_factor_rejected", "530", None),
    (KURT, "first_factor_rejected", "531", None),
    (OTTO, "not_in_group", "", None),
    (NINA, "not_in_group", "", None),
    (Person("nobody", "x"), "user_not_found", "", None),
    (Person("", "x"), "user_not_found", "", None),
    (Person("ali*", ALICE.password), "user_not_found", "", None),
]


def test_who_is_let_in_and_who_is_not_and_why(section: AdClient) -> None:
    async def all_of_them() -> None:
        with client_of(section) as client:
            for person in (ALICE, UNICODE, DELIMITED, BLANK, SHORT, LONG, MINNA):
                answer = await ask(client, person.name.encode(), person.password.encode())
                assert answer == Accepted(b"", section.hosts[0].name, None), person.name
            for person, reason, code, typed in REFUSED:
                answer = await ask(client, person.name.encode(), (typed or person.password).encode())
                assert isinstance(answer, Refused), (person.name, answer)
                assert (answer.reason, answer.code) == (reason, code), person.name
            assert isinstance(
                await ask(client, b"wanda", WANDA.password.encode()), Accepted
            )  # wrong ones count no more

    run(all_of_them())


@MANNERS
def test_one_login_is_one_try_and_the_third_wrong_one_locks(lenient: Controller, auth_type: AuthType) -> None:
    person = LOLA if auth_type is NTLM2 else RUTH
    section = lenient.section(auth_type)
    for count in (1, 2, 3):
        assert refusal(section, person.name, "wrong")[0] == "first_factor_rejected"
        assert lenient.server.bad_tries(person.dn) == count
    assert refusal(section, person.name, person.password) == ("account_locked", "775")


@MANNERS
def test_empty_password_is_no_try(lenient: Controller, auth_type: AuthType) -> None:
    before = lenient.server.bad_tries(ALICE.dn)
    assert refusal(lenient.section(auth_type), "alice", "") == ("first_factor_rejected", "")
    assert lenient.server.bad_tries(ALICE.dn) == before


@MANNERS
@pytest.mark.parametrize("name", ["ALICE", "EXAMPLE\\alice", "alice@ad.example.test", "ALICE@AD.EXAMPLE.TEST"])
def test_names_of_one_account(lenient: Controller, auth_type: AuthType, name: str) -> None:
    assert lets_in(lenient.section(auth_type), Person(name, ALICE.password))


@MANNERS
@pytest.mark.parametrize("name", ["first.last@other.test", "minna@ad.example.test", "minna"])
def test_principal_name_with_another_suffix(lenient: Controller, auth_type: AuthType, name: str) -> None:
    assert lets_in(lenient.section(auth_type), Person(name, MINNA.password))


def test_name_of_two_accounts(lenient: Controller) -> None:
    section = lenient.section(at_attribute="mail")
    assert refusal(section, "twins@example.test", ANNA.password) == ("user_ambiguous", "")


def test_domain_that_the_controller_does_not_know(strict: Controller) -> None:
    assert refusal(strict.section(), "OTHER\\alice", ALICE.password) == ("first_factor_rejected", "51f")


@MANNERS
def test_member_of_a_group_within_the_group(lenient: Controller, auth_type: AuthType) -> None:
    section = lenient.section(auth_type, security_group_dn=VPN, nested_groups=True)
    assert lets_in(section, NINA)
    assert lets_in(section, ALICE)
    assert refusal(section, OTTO.name, OTTO.password) == ("not_in_group", "")


def test_operators_own_filter(lenient: Controller) -> None:
    section = lenient.section(ldap_filter=parse_filter(f"(memberOf:1.2.840.113556.1.4.1941:={VPN})"))
    assert lets_in(section, NINA)
    assert refusal(section, OTTO.name, OTTO.password) == ("not_in_group", "")


@MANNERS
@pytest.mark.parametrize(
    "how",
    [
        {"bind_dn": SERVICE.dn},
        {"service_account_username": f"EXAMPLE\\{SERVICE.name}"},
        {"service_account_username": f"{SERVICE.name}@ad.example.test"},
        {"ntlm_domain": "EXAMPLE"},
        {"search_dn": PEOPLE},
    ],
)
def test_names_of_the_service_account(lenient, auth_type, how):
    assert lets_in(lenient.section(auth_type, **how), ALICE)


def test_workstation_of_the_section(strict: Controller) -> None:
    assert lets_in(strict.section(ntlm_workstation="KIOSK"), KURT)


def test_controller_that_demands_more_says_what_to_write(strict: Controller, windows: Controller) -> None:
    for found in (strict, windows):
        trouble, text = why(found.section(PLAIN, CLEAR))
        assert trouble is Trouble.CONFIGURATION
        assert "transport=ldaps" in text
    trouble, text = why(strict.section(NTLM2, TLS))
    assert trouble is Trouble.CONFIGURATION
    assert "auth_type=plain" in text


@MANNERS
def test_mistakes_in_the_file_are_said_as_such(lenient: Controller, auth_type: AuthType) -> None:
    trouble, text = why(lenient.section(auth_type, service_account_password=Secret(b"not-its-own")))
    assert trouble is Trouble.CONFIGURATION
    assert "service_account_password" in text
    assert "not-its-own" not in text
    trouble, text = why(lenient.section(auth_type, search_dn="DC=elsewhere,DC=test", ntlm_domain="EXAMPLE"))
    assert trouble is Trouble.CONFIGURATION
    assert "search_dn" in text


def test_search_without_a_service_account(lenient: Controller) -> None:
    trouble, text = why(lenient.section(PLAIN, service_account_password=None))
    assert trouble is Trouble.CONFIGURATION
    assert "service_account_username" in text


@pytest.mark.parametrize("transport", [STARTTLS, TLS])
def test_certificate_of_the_controller_itself_may_be_whom_to_trust(windows: Controller, transport: Transport) -> None:
    assert lets_in(windows.section(NTLM2, transport, ca_certs=windows.files.certificate.read_bytes()), ALICE)


@pytest.mark.parametrize("transport", [STARTTLS, TLS])
def test_certificate_of_somebody_else(windows: Controller, transport: Transport, authority_pem: bytes) -> None:
    trouble, text = why(windows.section(NTLM2, transport, ca_certs=authority_pem))
    assert trouble is Trouble.CERTIFICATE
    assert "ssl_ca_certs_file" in text


def test_certificate_without_a_host_name(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    """Its name stands in its subject alone: Samba makes such ones."""
    files = nameless(tmp_path / "tls", "dc1.ad.example.test")
    with samba(tmp_path_factory, strong_auth="allow_sasl_over_tls", tls_files=files) as server:
        found = Controller(server, files)
        for transport in (STARTTLS, TLS):
            trouble, text = why(found.section(NTLM2, transport))
            assert trouble is Trouble.CERTIFICATE
            assert "ssl_verify_hostname=false" in text
            assert lets_in(found.section(NTLM2, transport, verify_hostname=False), ALICE)


@pytest.mark.parametrize(("auth_type", "transport"), [(NTLM2, CLEAR), (NTLM2, TLS), (PLAIN, TLS)])
def test_one_after_the_other_over_kept_connections(
    windows: Controller, auth_type: AuthType, transport: Transport
) -> None:
    @in_loop
    async def some_of_them() -> None:
        with client_of(windows.section(auth_type, transport)) as client:
            for _ in range(5):
                assert isinstance(await ask(client, b"alice", ALICE.password.encode()), Accepted)
                assert isinstance(await ask(client, b"wanda", b"wrong"), Refused)
                assert isinstance(await ask(client, b"wanda", WANDA.password.encode()), Accepted)
            assert client.n_connections <= 2
            assert client.n_pending == 0

    some_of_them()


def test_controller_that_stands_still_costs_nobody_a_try(
    strict: Controller, tmp_path_factory: pytest.TempPathFactory
) -> None:
    @in_loop
    async def through_both(still: Controller) -> None:
        hosts = still.section().hosts + strict.section().hosts
        with client_of(strict.section(hosts=hosts)) as client:
            answer = await ask(client, b"alice", ALICE.password.encode())
            assert answer == Accepted(b"", hosts[0].name, None)
            let_stand_still(still.server.process.pid)
            wrong = await ask(client, b"wanda", b"wrong")
            assert isinstance(wrong, Refused)
            assert wrong.host == hosts[1].name
            right = await ask(client, b"wanda", WANDA.password.encode())  # at once: the first one rests
            assert right == Accepted(b"", hosts[1].name, None)
            still.server.process.send_signal(signal.SIGCONT)
        assert still.server.bad_tries(WANDA.dn) == 0

    with controller(tmp_path_factory, "yes") as still:
        through_both(still)
