"""The section [ad_client]: public shapes of files as they are, and what is wrong with others, with what to write."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from gateway.config.ad_client import CLIENT_KEYS, read_client
from gateway.config.ini import IniSection, parse_ini
from gateway.config.problems import Problem
from gateway.config.reading import parse_settings
from gateway.config.scope import Context, Scope
from gateway.config.settings import AdClient, AuthType, DirectoryHost, Secret, Settings, Transport
from gateway.config.surroundings import FileContent, Surroundings
from gateway.ldap.filters import parse_filter
from tests.config.certificates import certificate

SHAPES = sorted((Path(__file__).parent / "shapes").glob("*.cfg"))
PASSWORD = "qx7-Blue-Harbor-19"
ACCOUNT = f"service_account_username=reader\nservice_account_password={PASSWORD}\n"
LEAST = f"host=dc1.corp.test\nsearch_dn=DC=corp,DC=test\n{ACCOUNT}"
PLAIN = f"{LEAST}auth_type=plain\ntransport=ldaps\nssl_ca_certs_file=ca.pem\n"
CHAIN, KEY = certificate()
FILES = {
    "/etc/radgate/ca.pem": b"an exporter's words\n" + CHAIN,
    "/etc/radgate/with_key.pem": CHAIN + KEY,
    "/etc/radgate/ca.der": b"\x30\x82\x03\x00",
    "/etc/radgate/reader": b"from a file \n",
    "/etc/radgate/latin": b"p\xe4ssw\xf6rter-19",
    "/opt/duoauthproxy/conf/ad_ca.pem": CHAIN,
    "/etc/ssl/certs/directory.pem": CHAIN,
}


def reader_of(files: Mapping[str, bytes]):
    def read_file(path: str) -> FileContent:
        try:
            return FileContent(files[path], 0o600)
        except KeyError:
            raise FileNotFoundError(2, "No such file or directory", path) from None

    return read_file


def read(lines: str, main: str = "", *, has_secrets: bool = True) -> tuple[AdClient, list[Problem]]:
    """Return what a section says, and its problems."""
    sections, problems = parse_ini(f"[ad_client]\n{lines}\n[main]\n{main}\n".encode())
    assert not problems
    by_name = {section.name: section for section in sections}
    found: list[Problem] = []
    scope = Scope(by_name["ad_client"], by_name.get("main", IniSection("main")), CLIENT_KEYS, found)
    surroundings = Surroundings(folder="/etc/radgate", read_file=reader_of(FILES), has_secrets=has_secrets)
    return read_client(scope, Context(surroundings)), found


def client(lines: str = LEAST, main: str = "") -> AdClient:
    settings, problems = read(lines, main)
    assert not problems
    return settings


def texts(lines: str, main: str = "") -> list[str]:
    return [f"{each.severity.value} {each.key}: {each.text}" for each in read(lines, main)[1]]


def only(lines: str, main: str = "") -> str:
    (text,) = texts(lines, main)
    return text


def shape(path: Path) -> tuple[Settings, list[Problem]]:
    return parse_settings(path.read_bytes(), "/opt/duoauthproxy/conf/authproxy.cfg", reader_of(FILES))


class TestShapes:
    """Files as they are about, which run unchanged."""

    @pytest.mark.parametrize("path", SHAPES, ids=lambda path: path.stem)
    def test_a_public_shape_of_a_file_is_taken_as_it_is(self, path):
        settings, problems = shape(path)
        assert not [problem for problem in problems if "ignored" not in problem.text]
        assert any(isinstance(each, AdClient) for each in settings.clients)

    @pytest.mark.parametrize("path", SHAPES, ids=lambda path: path.stem)
    def test_every_section_names_a_directory_that_is_there(self, path):
        settings, _ = shape(path)
        clients = {each.section for each in settings.clients}
        assert all(server.client in clients for server in settings.servers)

    def test_several_domains_are_several_sections(self):
        settings, _ = shape(next(path for path in SHAPES if path.stem == "several_domains"))
        directories = [each for each in settings.clients if isinstance(each, AdClient)]
        assert [(each.section, each.search_dn, each.service_account_username) for each in directories] == [
            ("ad_client", "DC=corp,DC=test", "duoservice"),
            ("ad_client1", "DC=other,DC=test", "OTHER\\duoservice"),
        ]
        assert directories[0].host_names == ("dc1.corp.test:389", "dc2.corp.test:389")

    def test_sections_of_kinds_that_are_not_served_are_each_one_warning_whatever_they_hold(self):
        _, problems = shape(next(path for path in SHAPES if path.stem == "whole_proxy"))
        sections = ["radius_server_eap", "radius_server_iframe", "ldap_server_auto", "cloud"]
        assert [(each.section, each.is_error) for each in problems] == [(name, False) for name in sections]

    def test_a_filter_may_go_on_in_lines_that_are_indented(self):
        settings, _ = shape(next(path for path in SHAPES if path.stem == "whole_proxy"))
        (directory,) = settings.clients
        groups = "(memberOf=CN=VPN Users,OU=Groups,DC=corp,DC=test)(memberOf=CN=Admins,OU=Groups,DC=corp,DC=test)"
        assert isinstance(directory, AdClient)
        assert directory.ldap_filter == parse_filter(f"(&(objectClass=user)(|{groups}))")


class TestSettings:
    def test_what_need_not_be_said(self):
        assert client() == AdClient(
            section="ad_client",
            hosts=(DirectoryHost(host="dc1.corp.test", port=389),),
            service_account_username="reader",
            service_account_password=Secret(PASSWORD.encode()),
            search_dn="DC=corp,DC=test",
        )

    def test_every_key_is_one_of_the_settings(self):
        settings = client(
            f"host=dc1\nport=6360\nauth_type=PLAIN\ntransport=StartTLS\n{ACCOUNT}bind_dn=CN=reader,DC=corp,DC=test\n"
            "search_dn=OU=a,DC=corp,DC=test\nsecurity_group_dn=CN=vpn,DC=corp,DC=test\nnested_groups=true\n"
            "ldap_filter=(cn=*)\nusername_attribute=cn\nat_attribute=mail\ntimeout=5\nmax_in_flight=7\n"
            "ssl_ca_certs_file=ca.pem\nssl_verify_hostname=false\nminimum_tls_version=tls1.3\ncipher_list=HIGH\n"
        )
        default = client()
        same = ("section", "ntlm_domain", "ntlm_workstation", "service_account_username", "service_account_password")
        for field in AdClient.__struct_fields__:
            assert field in same or getattr(settings, field) != getattr(default, field), field
        assert settings.auth_type is AuthType.PLAIN
        assert settings.transport is Transport.STARTTLS
        ntlm = client(f"{LEAST}ntlm_domain=CORP\nntlm_workstation=PROXY1\n")
        assert (ntlm.ntlm_domain, ntlm.ntlm_workstation) == ("CORP", "PROXY1")

    def test_it_travels_to_the_workers_as_it_is_and_shows_no_password(self):
        settings = client(f"{PLAIN}ldap_filter=(cn=*)\n")
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(settings), type=AdClient) == settings
        assert PASSWORD not in repr(settings)

    def test_hosts_in_the_order_of_their_numbers_with_the_port_of_the_transport(self):
        assert client(f"{LEAST}host_10=dc3\nhost_2=2001:db8::2\nport_2=3268\n").host_names == (
            "dc1.corp.test:389",
            "[2001:db8::2]:3268",
            "dc3:389",
        )
        assert client(PLAIN).host_names == ("dc1.corp.test:636",)

    def test_certificates_are_kept_without_what_stands_between_them(self):
        assert client(PLAIN).ca_certs == CHAIN
        assert client(PLAIN.replace("ca.pem", "System")).ca_certs == b"system"

    def test_the_password_may_be_in_a_file_where_blanks_at_its_end_count(self):
        lines = LEAST.replace(f"service_account_password={PASSWORD}", "service_account_password_file=reader")
        settings, _ = read(lines)
        assert settings.service_account_password == Secret(b"from a file ")

    def test_main_has_defaults_but_for_ports_which_are_of_server_sections(self):
        settings = client("host=dc1\nsearch_dn=DC=corp,DC=test\n", f"{ACCOUNT}port=1812\ntimeout=3\n")
        assert settings.host_names == ("dc1:389",)
        assert settings.timeout_s == 3

    def test_without_the_secrets_another_stands_for_the_password(self):
        lines = LEAST.replace(f"service_account_password={PASSWORD}", "service_account_password_file=gone")
        settings, problems = read(lines, has_secrets=False)
        assert [problem.severity.value for problem in problems] == ["note"]
        assert settings.service_account_password is not None


class TestProblems:
    """Each says what to write instead."""

    @pytest.mark.parametrize(
        ("left_out", "key"),
        [
            ("host=dc1.corp.test\n", "host"),
            ("search_dn=DC=corp,DC=test\n", "search_dn"),
            ("service_account_username=reader\n", "service_account_username"),
            (f"service_account_password={PASSWORD}\n", "service_account_password"),
        ],
    )
    def test_what_is_missing(self, left_out, key):
        assert only(LEAST.replace(left_out, "")).startswith(f"error {key}: is missing; write {key}=")

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            (
                "host_2=ldaps://dc2.corp.test",
                "error host_2: 'ldaps://dc2.corp.test' is a URL; write only the host, and",
            ),
            ("host_2=ldap://dc2:389", "error host_2: 'ldap://dc2:389' is a URL"),
            ("host_2=dc2, dc3", "error host_2: 'dc2, dc3' names several hosts; write one to a key"),
            ("host_2=dc2 dc3", "error host_2: 'dc2 dc3' names several hosts"),
            ("host_2=dc2:636", "error host_2: 'dc2:636' has a port; write only the host"),
            ("host_2=0.0.0.0", "error host_2: '0.0.0.0' is no address that a server answers at"),
            ("host_2=DC1.corp.test", "warning host_2: dc1.corp.test:389 is host already"),
            ("host_2=", "warning host_2: has no value: there is no such host of the directory"),
            ("port_3=389", "error port_3: there is no host_3 to go with it"),
            ("port=636", "warning port: 636 is the port where TLS begins at once; write transport=ldaps, or port 389"),
            (
                "port=3269",
                "warning port: 3269 is the port where TLS begins at once; write transport=ldaps, or port 3268",
            ),
            ("auth_type=sspi", "error auth_type: sspi is only for Windows"),
            ("auth_type=NTLM1", "error auth_type: ntlm1 is broken"),
            ("auth_type=ntlm", "error auth_type: 'ntlm' is not known; write ntlm2 or plain"),
            ("transport=ssl", "error transport: 'ssl' is not known; write clear, starttls or ldaps"),
            ("transport=clear ; for now", "error transport: the value is not known; write clear, starttls or ldaps; a"),
            ("bind_dn=CN=reader,DC=corp", "warning bind_dn: has no effect with auth_type=ntlm2"),
            ("security_group_dn=VPN Users", "error security_group_dn: is no distinguished name; write that of one"),
            ("security_group_dn=CN=a,DC=b;CN=c,DC=b", "error security_group_dn: is no distinguished name"),
            ("security_group_dn=CN=Domain Users,CN=Users,DC=b", "warning security_group_dn: has nobody as a member"),
            ("security_group_dn=CN=a\u200b,DC=b", "warning security_group_dn: the name holds a character that cannot"),
            ("nested_groups=true", "warning nested_groups: has no effect without security_group_dn"),
            ("ldap_filter=objectClass=user", "error ldap_filter: is no filter: character 1: "),
            ("ldap_filter=(cn=${VPN})", "warning ldap_filter: looks like the ${…} of a template"),
            (
                "username_attribute=s AMAccountName",
                "error username_attribute: 's AMAccountName' is no attribute's name",
            ),
            ("username_attribute=uid", "warning username_attribute: is an attribute of directories that know no NTLM"),
            (f"ntlm_domain={'x' * 257}", "error ntlm_domain: has 257 characters; write 256 at most"),
            ("timeout=0", "error timeout: '0' is out of range; write seconds from 1 to 300"),
            ("ssl_ca_certs_file=gone.pem", "warning ssl_ca_certs_file: has no effect with transport=clear"),
            ("minimum_tls_version=tls1.0", "warning minimum_tls_version: is older than what is spoken here"),
            ("minimum_tls_version=1.2", "error minimum_tls_version: '1.2' is not known; write tls1.2 or tls1.3"),
            ("cipher_list=NONE-SUCH", "error cipher_list: 'NONE-SUCH' cannot be used: OpenSSL knows no cipher"),
        ],
    )
    def test_a_line(self, line, problem):
        assert only(f"{LEAST}{line}\n").startswith(problem)

    def test_names_that_are_not_compared_where_any_authority_is_trusted(self):
        tls = "transport=ldaps\nssl_ca_certs_file=system\nssl_verify_hostname=false\n"
        assert only(f"{LEAST}{tls}").startswith("error ssl_verify_hostname: lets whoever has any public certificate be")

    @pytest.mark.parametrize(
        ("old", "new", "problem"),
        [
            ("DC=corp,DC=test", "corp.test", "error search_dn: is no distinguished name; write it as in OU=Staff,DC="),
            ("DC=corp,DC=test", "", "error search_dn: has no value; write search_dn=DC=example,DC=com"),
            ("=reader", "=CN=reader,DC=corp", "error service_account_username: is a distinguished name, and NTLM"),
            (PASSWORD, "${AD_PASSWORD}", "warning service_account_password: looks like the ${…} of a template"),
            (
                PASSWORD,
                "password1",
                "warning service_account_password: looks like a placeholder; write the real secret",
            ),
            (PASSWORD, "XXXXXXXX", "error service_account_password: is X only, the placeholder of samples"),
        ],
    )
    def test_another_value(self, old, new, problem):
        assert only(LEAST.replace(old, new)).startswith(problem)

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("bind_dn=CN=reader;DC=corp", "error bind_dn: is no distinguished name; write it as in CN="),
            (
                "bind_dn=reader",
                "warning bind_dn: 'reader' is no distinguished name, and no directory takes a name by itself",
            ),
            ("bind_dn=CN=a,DC=b\nntlm_domain=CORP", "warning ntlm_domain: has no effect with auth_type=plain"),
            ("ntlm_workstation=PROXY1", "warning ntlm_workstation: has no effect with auth_type=plain"),
            (
                "port=389",
                "warning port: 389 is a port where TLS does not begin at once; write 636, or transport=starttls",
            ),
        ],
    )
    def test_with_simple_binds_over_tls(self, line, problem):
        assert only(f"{PLAIN}{line}\n").startswith(problem)

    def test_the_domain_of_ntlm_goes_with_a_name_that_would_be_alone(self):
        assert not texts(f"{PLAIN}ntlm_domain=CORP\n")
        lines = PLAIN.replace("=reader", "=reader@corp.test")
        assert only(f"{lines}ntlm_domain=CORP\n").startswith("warning ntlm_domain: has no effect with auth_type=plain")

    def test_a_password_that_is_no_text_is_good_for_simple_binds_alone(self):
        in_file = f"service_account_password={PASSWORD}", "service_account_password_file=latin"
        problem = "error service_account_password_file: is not UTF-8, as which NTLM has it"
        assert only(LEAST.replace(*in_file)).startswith(problem)
        assert not texts(PLAIN.replace(*in_file))

    def test_nested_groups_are_for_active_directory(self):
        lines = f"{PLAIN}security_group_dn=CN=a,DC=b\nnested_groups=true\n"
        assert not texts(lines)
        assert only(f"{lines}username_attribute=uid\n").startswith("warning nested_groups: is a rule that only Active")

    def test_a_simple_bind_needs_somebody_who_searches(self):
        lines = PLAIN.replace("service_account_username=reader\n", "")
        assert only(lines).startswith("error bind_dn: is missing; write bind_dn=CN=radgate,")
        assert not texts(f"{lines}bind_dn=CN=reader,DC=corp\n")
        assert not texts(f"{lines}bind_dn=reader@corp.test\n")

    @pytest.mark.parametrize(
        ("file", "problem"),
        [
            (
                "",
                "error ssl_ca_certs_file: is missing: nobody knows else whether it is our directory that answers",
            ),
            ("gone.pem", "error ssl_ca_certs_file: cannot read '/etc/radgate/gone.pem': No such file or directory"),
            (
                "ca.der",
                "error ssl_ca_certs_file: '/etc/radgate/ca.der' cannot be used: it holds no certificate; it looks",
            ),
            ("with_key.pem", "warning ssl_ca_certs_file: the file has a private key in it"),
        ],
    )
    def test_of_certificates(self, file, problem):
        line = f"ssl_ca_certs_file={file}" if file else "timeout=9"
        assert only(PLAIN.replace("ssl_ca_certs_file=ca.pem", line)).startswith(problem)

    def test_passwords_that_cross_a_network_readable_are_a_warning_that_says_so(self):
        lines = f"{LEAST}auth_type=plain\ntransport=clear\n"
        assert only(lines).startswith("warning transport: THE PASSWORDS OF ALL USERS cross the network readable")
        assert only(f"{LEAST}auth_type=plain\n").startswith("warning auth_type: THE PASSWORDS")
        assert not texts(lines.replace("dc1.corp.test", "localhost"))


@pytest.mark.parametrize(
    ("line", "key", "part"),
    [
        ("search_dn=dc=corp dc=example dc=com", "search_dn", "dc"),
        ("search_dn=OU=Staff DC=corp,DC=test", "search_dn", "dc"),
        (
            "search_dn=DC=corp,DC=test\nsecurity_group_dn=cn=VPN Users  OU=Groups,DC=corp,DC=test",
            "security_group_dn",
            "ou",
        ),
        ("search_dn=DC=corp,DC=test\nauth_type=plain\nbind_dn=OU=x\tCn=reader", "bind_dn", "cn"),
    ],
)
def test_blanks_where_commas_belong_are_a_warning(line, key, part):
    found = texts(f"host=127.0.0.1\n{ACCOUNT}{line}\n")
    (text,) = [text for text in found if "commas" in text]
    assert text.startswith(f"warning {key}: blanks where commas belong? {part}= and what follows is part of the value")


@pytest.mark.parametrize(
    "name", ["OU=Staff, DC=corp, DC=test", "OU=Staff ,DC=corp;dc=test", r"CN=Doe\, cn=Jo,DC=test", "OU=a doc=1,DC=test"]
)
def test_blanks_beside_commas_are_none(name):
    assert "commas" not in "".join(texts(LEAST.replace("DC=corp,DC=test", name)))
