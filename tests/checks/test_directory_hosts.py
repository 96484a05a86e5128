"""Each step at real directories, OpenLDAP's and Samba's, and what is told of one that is not as the file says."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from gateway.checks import directory_hosts
from gateway.checks.directory_hosts import examine_directory
from gateway.checks.findings import Finding, Severity
from gateway.config.settings import AdClient, AuthType, DirectoryHost, Secret, Transport
from gateway.ldap.filters import parse_filter
from tests.directories.certificates import nameless, signed
from tests.directories.people import ALICE, BASE, SERVICE, VPN, open_dn
from tests.directories.processes import own_address
from tests.directories.samba import LDAP, LDAPS, needs_samba, samba
from tests.directories.slapd import Slapd, needs_slapd, slapd
from tests.https.peer import run

CLEAR, STARTTLS, TLS = Transport.CLEAR, Transport.STARTTLS, Transport.LDAPS
NTLM2, PLAIN = AuthType.NTLM2, AuthType.PLAIN
OK, PROBLEM, UNREACHABLE = Severity.OK, Severity.PROBLEM, Severity.UNREACHABLE


def of_everybody(transport: Transport, host: DirectoryHost, authority: bytes, **how) -> AdClient:
    given = {
        "section": "ad_client",
        "hosts": (host,),
        "transport": transport,
        "service_account_username": SERVICE.name,
        "service_account_password": Secret(SERVICE.password.encode()),
        "search_dn": BASE,
        "ca_certs": b"" if transport is CLEAR else authority,
    }
    return AdClient(**{**given, **how})


def section(server: Slapd, transport: Transport = CLEAR, **how) -> AdClient:
    """Return the settings of a client of OpenLDAP."""
    port = server.tls_port if transport is TLS else server.port
    host = DirectoryHost(host=server.address, port=port)
    of_slapd = {"auth_type": PLAIN, "bind_dn": open_dn(SERVICE), "username_attribute": "uid"}
    return of_everybody(transport, host, server.files.authority.read_bytes(), **{**of_slapd, **how})


def findings(client: AdClient) -> list[Finding]:
    found = run(examine_directory(client))
    assert not any(SERVICE.password in each.text + each.remedy for each in found)
    return found


def steps(client: AdClient) -> list[tuple[str, Severity]]:
    return [(each.step, each.severity) for each in findings(client)]


def last(client: AdClient) -> Finding:
    return findings(client)[-1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with slapd(tmp_path_factory.mktemp("slapd")) as found:
        yield found


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """One that demands TLS."""
    with slapd(tmp_path_factory.mktemp("strict"), "localSSF 256", "security simple_bind=128") as found:
        yield found


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., AdClient]]:
    """What returns the settings of a client of one that demands signatures, as Samba and new domains do."""
    address = own_address()
    files = signed(tmp_path_factory.mktemp("tls"), [address])
    with samba(tmp_path_factory, address=address, tls_files=files):

        def client(auth_type: AuthType, transport: Transport, **how) -> AdClient:
            host = DirectoryHost(host=address, port=LDAPS if transport is TLS else LDAP)
            authority = files.authority.read_bytes()
            return of_everybody(transport, host, authority, auth_type=auth_type, **how)

        yield client


class TestOpenLdap:
    pytestmark = needs_slapd

    @pytest.mark.parametrize("transport", Transport)
    def test_each_step_is_told_of_over_each_transport(self, server, transport):
        certificate = [] if transport is CLEAR else ["certificate"]
        found = findings(section(server, transport, security_group_dn=VPN, ldap_filter=parse_filter("(cn=alice)")))
        assert [each.step for each in found] == [
            "connection", *certificate, "account", "search_dn", "username_attribute", "security_group_dn",
            "ldap_filter",
        ]  # fmt: skip
        assert [each.step for each in found if each.severity is not OK] == certificate  # it is for a few days
        assert f"it can be reached by {transport.value}, " in found[0].text
        assert found[0].subject.startswith(f"directory {server.address}:")
        assert found[0].subject.endswith(" of [ad_client]")

    @pytest.mark.parametrize(
        ("changes", "step", "text", "remedy"),
        [
            ({"service_account_password": Secret(b"no")}, "account", "refuses the service account", "see bind_dn"),
            ({"auth_type": NTLM2}, "account", "does not know this kind of bind", "write auth_type=plain"),
            ({"search_dn": "dc=exmaple,dc=test"}, "search_dn", "has nothing at search_dn", "write the DN as the"),
            ({"security_group_dn": f"cn=vnp,{BASE}"}, "security_group_dn", "has nothing at security_group_dn", "write"),
        ],
    )
    def test_what_the_file_has_wrong_is_a_problem_that_names_the_key(self, server, changes, step, text, remedy):
        found = last(section(server, **changes))
        assert (found.step, found.severity) == (step, PROBLEM)
        assert text in found.text
        assert remedy in found.remedy

    def test_an_attribute_that_nobody_has_is_a_warning_that_says_what_to_write(self, server):
        found = last(section(server, username_attribute="sAMAccountName"))
        assert (found.step, found.severity) == ("username_attribute", Severity.WARNING)
        assert found.text == "nobody below search_dn has sAMAccountName"
        assert "sAMAccountName in Active Directory, uid in most others" in found.remedy

    def test_an_attribute_that_cannot_be_read_is_a_problem_for_nobody_can_log_in(self, tmp_path):
        searched_alone = f'access to attrs=uid by dn.exact="{open_dn(SERVICE)}" search by * read'
        with slapd(tmp_path, searched_alone, "access to * by * read") as server:
            found = last(section(server))
        assert (found.step, found.severity) == ("username_attribute", PROBLEM)
        assert found.text == "the service account cannot read uid of people below search_dn"
        assert "let it read that" in found.remedy

    def test_an_attribute_may_be_named_otherwise_there(self, server):
        assert last(section(server, username_attribute="userid")).severity is OK

    def test_who_was_refused_is_named(self, server):
        found = last(section(server, service_account_password=Secret(b"no")))
        assert found.text.startswith(f"refuses the service account {open_dn(SERVICE)}: ")

    def test_a_filter_that_nobody_matches_is_a_warning(self, server):
        found = last(section(server, ldap_filter=parse_filter("(uid=nobody)")))
        assert (found.step, found.severity) == ("ldap_filter", Severity.WARNING)

    def test_who_demands_more_than_is_spoken_says_what_to_write(self, strict):
        found = last(section(strict))
        assert (found.step, found.severity) == ("account", PROBLEM)
        assert found.remedy == "write transport=ldaps or transport=starttls, or auth_type=ntlm2"
        assert last(section(strict, STARTTLS)).severity is OK

    def test_a_name_without_address_is_said_to_be_none(self, server):
        (found,) = findings(section(server, hosts=(DirectoryHost(host="localhost.test"),)))
        assert (found.step, found.severity) == ("connection", UNREACHABLE)
        assert "cannot resolve localhost.test" in found.text

    def test_a_certificate_of_somebody_else_is_a_problem(self, server, strict):
        (found,) = findings(section(server, TLS, ca_certs=strict.files.authority.read_bytes()))
        assert (found.step, found.severity) == ("connection", PROBLEM)
        assert "is not believed" in found.text
        assert "ssl_ca_certs_file must hold the certificate of who has issued it" in found.remedy

    def test_a_certificate_that_names_nobody_is_a_problem(self, tmp_path):
        with slapd(tmp_path, files=nameless(tmp_path / "tls", "ldap")) as server:
            (found,) = findings(section(server, TLS))
            assert "ssl_verify_hostname=false" in found.remedy
            assert last(section(server, TLS, verify_hostname=False)).severity is OK

    def test_a_wrong_password_of_the_service_account_is_tried_once(self, server):
        host = DirectoryHost(host=server.address, port=server.port)
        before = server.binds(open_dn(SERVICE))
        client = section(server, hosts=(host, host, host), service_account_password=Secret(b"wrong"))
        accounts = [each for each in findings(client) if each.step == "account"]
        assert [each.severity for each in accounts] == [PROBLEM, Severity.NOTE, Severity.NOTE]
        assert accounts[0].text.endswith("the name or the password is wrong")
        assert accounts[1].text == "the service account is not tried here, which another host has refused"
        assert server.binds(open_dn(SERVICE)) == before + 1

    def test_one_host_that_is_gone_keeps_nobody_from_trying_the_others(self, server):
        hosts = (DirectoryHost(host=own_address()), DirectoryHost(host=server.address, port=server.port))
        assert steps(section(server, hosts=hosts)) == [
            ("connection", UNREACHABLE),
            ("connection", OK),
            ("account", OK),
            ("search_dn", OK),
            ("username_attribute", OK),
        ]

    def test_who_takes_connections_and_says_nothing_is_not_waited_for(self, server, monkeypatch):
        monkeypatch.setattr(directory_hosts, "STEP_S", 0.5)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            host = DirectoryHost(host="127.0.0.1", port=silent.getsockname()[1])
            found = last(section(server, hosts=(host,)))
        assert (found.step, found.severity, found.text) == ("answer", UNREACHABLE, "does not answer in time")

    def test_who_hangs_up_is_said_to(self, server):
        with socket.create_server(("127.0.0.1", 0)) as other:
            host = DirectoryHost(host="127.0.0.1", port=other.getsockname()[1])
            thread = threading.Thread(target=lambda: other.accept()[0].close())
            thread.start()
            found = last(section(server, hosts=(host,)))
            thread.join()
        assert (found.step, found.severity) == ("account", UNREACHABLE)


class TestDomainController:
    pytestmark = needs_samba

    @pytest.mark.parametrize(
        ("auth_type", "transport"), [(NTLM2, CLEAR), (PLAIN, STARTTLS), (PLAIN, TLS)], ids=lambda each: each.value
    )
    def test_each_step_is_told_of_by_each_way_that_it_takes(self, controller, auth_type, transport):
        client = controller(auth_type, transport, security_group_dn=VPN, ldap_filter=parse_filter("(cn=alice)"))
        found = [each for each in findings(client) if each.step != "certificate"]
        assert [each.step for each in found] == [
            "connection", "account", "search_dn", "username_attribute", "security_group_dn", "ldap_filter",
        ]  # fmt: skip
        assert {each.severity for each in found} == {OK}

    @pytest.mark.parametrize(
        ("auth_type", "transport", "remedy"),
        [(PLAIN, CLEAR, "write transport=ldaps or transport=starttls"), (NTLM2, TLS, "write auth_type=plain")],
    )
    def test_a_way_that_it_does_not_take_says_what_to_write(self, controller, auth_type, transport, remedy):
        found = last(controller(auth_type, transport))
        assert (found.step, found.severity) == ("account", PROBLEM)
        assert remedy in found.text + found.remedy

    def test_a_wrong_password_has_its_code(self, controller):
        found = last(controller(NTLM2, CLEAR, service_account_password=Secret(ALICE.password.encode())))
        assert (found.step, found.severity) == ("account", PROBLEM)
        assert "the name or the password is wrong (52e)" in found.text
