"""Settings into sections, tables and an engine."""

import hashlib
import hmac
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from gateway.config.listening import listening_addresses
from gateway.config.login_client import login_client
from gateway.config.problems import ConfigError
from gateway.config.settings import Settings
from gateway.engine.digests import Digests
from gateway.engine.engine import Engine
from gateway.engine.nas import Nas, NasTable, Section
from gateway.ipc.plan import (
    application_key,
    log_plan,
)
from gateway.logs.setup import LogPlan
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import VENDOR_SPECIFIC
from gateway.radius.packet import decode_packet
from gateway.radius.reply import SignaturePosition
from gateway.radius.shared_secret import SharedSecret
from gateway.worker.generations import GenerationParts
from gateway.worker.wiring import (
    build_engine,
    build_table,
    event_sections,
)
from tests.config.files import IKEY, MINIMAL, SHARED_SECRET, parse
from tests.engine.scene import AUTO, NO, YES
from tests.worker.sections import built_section, built_sections

if TYPE_CHECKING:
    from gateway.engine.modes.duo_only import DuoOnly

PALO_ALTO = 25461  # its number among vendors
ALL_KEYS = """\
failmode=secure
unrecognised_factor=auto
preauth=needed
exempt_username_1=svc
pw_codec=latin-1
api_timeout=7
client_ip_attr=Called-Station-Id
require_message_authenticator=yes
limit_proxy_state=no
reject_delay_s=2.5
response_deadline_s=18
coalesce=false
max_pending_per_user=9
accounting=acknowledge
probe_username_1=nsmonitor
"""


def settings_of(text: str = MINIMAL) -> Settings:
    return parse(text)[0]


def section_of(keys: str = "") -> Section:
    return built_section(settings_of(MINIMAL + keys))


def tables_of(text: str) -> list[NasTable]:
    settings = settings_of(text)
    sections = built_sections(settings)
    return [build_table(settings, address, sections) for address in listening_addresses(settings)]


def address_in(section: Section, attribute: bytes) -> str | None:
    """Return what a section takes for the user's address in a request with this attribute."""
    assert section.mode.client_address is not None
    return section.mode.client_address.read(
        decode_packet(bytes([1, 1, 0, 20 + len(attribute)]) + bytes(16) + attribute)
    )


def found(table: NasTable, source: str) -> Nas:
    nas = table.find(source)
    assert nas is not None, source
    return nas


def has_secret(nas: Nas, secret: str) -> bool:
    return nas.shared_secret.message_authenticator(b"x") == SharedSecret(secret.encode()).message_authenticator(b"x")


def section(name: str, *keys: str) -> str:
    """A server section of the same application with clients of its own."""
    common = "\n".join(line for line in MINIMAL.splitlines()[1:] if not line.startswith("radius_"))
    return "\n".join((f"[{name}]", common, *keys, ""))


def test_where_a_clients_replies_are_signed_reaches_the_engine():
    (table,) = tables_of(MINIMAL + "message_authenticator_in_replies_1=last\n")
    assert found(table, "10.0.1.10").signature_position is SignaturePosition.LAST
    assert found(table, "127.82.65.1").signature_position is SignaturePosition.FIRST  # radgate login takes it first


class TestSection:
    def test_every_key_reaches_the_engine(self):
        section = section_of(ALL_KEYS)
        duo_only = cast("DuoOnly", section.mode)
        assert section.name == "radius_server_duo_only"
        assert not section.policy.fail_open
        assert duo_only.automatic
        assert not duo_only.preauth_always
        assert duo_only.exempt == {"svc"}
        assert duo_only.pw_codec == "latin-1"
        assert address_in(section, encode_attribute(30, b"203.0.113.7")) == "203.0.113.7"
        assert section.require_message_authenticator is YES
        assert not section.rules.limit_proxy_state
        assert (section.reject_delay_s, section.response_deadline_s) == (2.5, 18.0)
        assert not section.coalesce
        assert section.max_pending_per_user == 9
        assert section.acknowledges_accounting
        assert section.probe_usernames == {"nsmonitor"}

    def test_the_defaults_are_those_of_duos_proxy_and_the_contract(self):
        section = section_of()
        duo_only = cast("DuoOnly", section.mode)
        assert section.policy.fail_open
        assert not duo_only.automatic
        assert duo_only.preauth_always
        assert duo_only.exempt == frozenset()
        assert duo_only.pw_codec == "utf-8"
        assert address_in(section, encode_attribute(31, b"203.0.113.7")) == "203.0.113.7"
        assert section.require_message_authenticator is AUTO
        assert section.rules.limit_proxy_state
        assert (section.reject_delay_s, section.response_deadline_s) == (1.0, 0.0)
        assert section.coalesce
        assert section.max_pending_per_user == 3
        assert not section.acknowledges_accounting
        assert section.probe_usernames == frozenset()

    @pytest.mark.parametrize(
        ("text", "required"), [("yes", YES), ("no", NO), ("auto", AUTO), ("AUTO", AUTO), ("true", YES)]
    )
    def test_when_a_message_authenticator_is_required(self, text, required):
        assert section_of(f"require_message_authenticator={text}\n").require_message_authenticator is required

    def test_palo_altos_attribute_for_the_users_address_is_read(self):
        """Duo's proxy knows `client_ip_attr=paloalto`; a file with it starts, so it must mean something."""
        own = encode_attribute(7, b"203.0.113.7")
        attribute = encode_attribute(VENDOR_SPECIFIC, PALO_ALTO.to_bytes(4, "big") + own)
        assert address_in(section_of("client_ip_attr=paloalto\n"), attribute) == "203.0.113.7"

    def test_an_attribute_without_a_name_may_hold_the_users_address(self):
        attribute = encode_attribute(VENDOR_SPECIFIC, (3845).to_bytes(4, "big") + encode_attribute(2, b"203.0.113.8"))
        assert address_in(section_of("client_ip_attr=Attr-26.3845.2\n"), attribute) == "203.0.113.8"

    def test_sections_of_one_application_share_its_key(self):
        servers = settings_of(
            MINIMAL + section("radius_server_duo_only2", "radius_ip_1=10.0.2.1", "radius_secret_1=s")
        ).servers
        assert len({application_key(server.application) for server in servers}) == 1
        assert application_key(servers[0].application) == f"api-12345678.duosecurity.com:443/{IKEY}"


class TestTable:
    def test_the_most_specific_network_wins_whatever_the_order(self):
        keys = [
            "radius_ip_1=10.0.0.0/8",
            "radius_secret_1=secret of the company",
            "radius_ip_2=10.1.2.3",
            "radius_secret_2=secret of one machine",
            "radius_ip_3=10.1.0.0/16",
            "radius_secret_3=secret of the branch",
        ]
        (table,) = tables_of(section("radius_server_duo_only", *keys))
        assert has_secret(found(table, "10.1.2.3"), "secret of one machine")
        assert has_secret(found(table, "10.1.2.4"), "secret of the branch")
        assert has_secret(found(table, "10.2.0.1"), "secret of the company")
        assert table.find("11.0.0.1") is None

    def test_a_range_belongs_to_one_client(self):
        keys = ["radius_ip_1=10.0.0.1-10.0.0.6", "radius_secret_1=secret of a range"]
        (table,) = tables_of(section("radius_server_duo_only", *keys))
        assert len({found(table, f"10.0.0.{number}") for number in range(1, 7)}) == 1
        assert (table.find("10.0.0.0"), table.find("10.0.0.7")) == (None, None)

    def test_a_client_is_called_as_in_the_file(self):
        (table,) = tables_of(MINIMAL)
        assert found(table, "10.0.1.10").name == "radius_ip_1 of [radius_server_duo_only]"

    def test_sections_that_share_a_port_have_each_their_own_clients(self):
        text = MINIMAL + section("radius_server_duo_only2", "radius_ip_1=10.0.2.1", "radius_secret_1=another secret")
        (table,) = tables_of(text)
        assert found(table, "10.0.1.10").section.name == "radius_server_duo_only"
        assert found(table, "10.0.2.1").section.name == "radius_server_duo_only2"
        assert has_secret(found(table, "10.0.2.1"), "another secret")

    def test_sections_of_different_ports_know_their_own_clients_alone(self):
        keys = ("radius_ip_1=10.0.2.1", "radius_secret_1=another secret", "port=1645")
        first, second = tables_of(MINIMAL + section("radius_server_duo_only2", *keys))
        assert (first.find("10.0.2.1"), second.find("10.0.1.10")) == (None, None)
        assert found(second, "10.0.2.1").section.name == "radius_server_duo_only2"

    def test_ipv6_clients_have_a_table_of_their_own(self):
        keys = [
            "radius_ip_1=10.0.1.10",
            "radius_secret_1=secret of version 4",
            "radius_ip_2=2001:db8::/32",
            "radius_secret_2=secret of version 6",
        ]
        settings = settings_of(section("radius_server_duo_only", *keys))
        assert [str(address) for address in listening_addresses(settings)] == ["0.0.0.0:1812", "[::]:1812"]
        assert has_secret(
            found(tables_of(section("radius_server_duo_only", *keys))[1], "2001:db8::1"), "secret of version 6"
        )


class TestOperator:
    def test_each_section_knows_radgate_login_on_this_machine(self):
        text = MINIMAL + section("radius_server_duo_only2", "radius_ip_1=10.0.2.1", "radius_secret_1=another secret")
        (table,) = tables_of(text)
        for source, name in {"127.82.65.1": "radius_server_duo_only", "127.82.65.2": "radius_server_duo_only2"}.items():
            assert found(table, source).is_login_client
            assert found(table, source).section.name == name
        assert table.find("127.82.65.3") is None

    def test_its_requests_are_counted_apart_from_those_of_clients(self):
        (table,) = tables_of(MINIMAL)
        operator, client = found(table, "127.82.65.1"), found(table, "10.0.1.10")
        assert operator.requests is operator.section.counters.tried
        assert client.requests is client.section.counters.requests

    def test_its_secret_is_made_from_the_sections_own(self):
        (table,) = tables_of(MINIMAL)
        words = b"radgate login radius_server_duo_only"
        assert has_secret(
            found(table, "127.82.65.1"), hmac.new(SHARED_SECRET.encode(), words, hashlib.sha256).hexdigest()
        )

    def test_clients_of_the_file_are_not_told_reasons(self):
        (table,) = tables_of(MINIMAL)
        assert not found(table, "10.0.1.10").is_login_client

    def test_a_network_of_loopback_addresses_does_not_hide_it(self):
        (table,) = tables_of(section("radius_server_duo_only", "radius_ip_1=127.0.0.0/8", "radius_secret_1=a client's"))
        assert found(table, "127.82.65.1").is_login_client
        assert has_secret(found(table, "127.0.0.1"), "a client's")

    def test_a_client_with_that_very_address_stays_a_client(self):
        (table,) = tables_of(section("radius_server_duo_only", "radius_ip_1=::1", "radius_secret_1=a client's"))
        assert not found(table, "::1").is_login_client

    def test_of_sections_that_serve_ipv6_alone_on_one_port_the_first_has_the_operator(self):
        """There is one IPv6 loopback address; `radgate login --server` says so for the others."""
        keys = ("radius_ip_1=2001:db8:2::1", "radius_secret_1=another secret")
        first = section("radius_server_duo_only", "radius_ip_1=2001:db8:1::1", "radius_secret_1=one secret")
        settings = settings_of(first + section("radius_server_duo_only2", *keys))
        sections = built_sections(settings)
        (address,) = listening_addresses(settings)
        entries = build_table(settings, address, sections)._networks[6].values()
        (operator,) = [nas for by_prefix in entries for nas in by_prefix.values() if nas.is_login_client]
        assert operator.section.name == "radius_server_duo_only"
        assert login_client(settings, settings.servers[0]).source == "::1"
        with pytest.raises(ConfigError, match="has ::1 on this port"):
            login_client(settings, settings.servers[1])

    def test_where_the_ipv6_loopback_address_is_a_client_its_own_secret_is_used(self):
        settings = settings_of(section("radius_server_duo_only", "radius_ip_1=::1", "radius_secret_1=one secret"))
        assert login_client(settings, settings.servers[0]).shared_secret == b"one secret"


def engine_of(settings: Settings, n_workers: int) -> Engine:
    key = bytes(32)
    return build_engine(settings, GenerationParts(1, settings, key).tables, Digests(key), n_workers)


class TestEventSections:
    def test_a_section_that_names_no_client_has_duo_only_client(self):
        assert event_sections(settings_of(MINIMAL))["radius_server_duo_only"].client == "duo_only_client"

    def test_else_it_is_the_one_that_it_names(self):
        settings = settings_of(MINIMAL + "client=duo_only_client7\n[duo_only_client7]\n")
        assert event_sections(settings)["radius_server_duo_only"].client == "duo_only_client7"


class TestEngine:
    def test_each_worker_takes_its_share_of_max_pending_rounded_up(self):
        settings = settings_of(MINIMAL + "[gateway]\nmax_pending=100\n")
        assert [engine_of(settings, n_workers)._pending.places.n_places for n_workers in (1, 3, 8)] == [100, 34, 13]

    def test_answers_are_kept_as_long_as_the_file_says(self):
        engine = engine_of(settings_of(MINIMAL + "[gateway]\nduplicate_window_s=12\n"), 1)
        assert engine._intake._duplicates._window_s == 12.0

    def test_there_is_a_table_for_each_listener_by_its_number(self):
        keys = ("radius_ip_1=10.0.2.1", "radius_secret_1=another secret", "port=1645")
        engine = engine_of(settings_of(MINIMAL + section("radius_server_duo_only2", *keys)), 1)
        assert [table.find("10.0.2.1") is not None for table in engine._intake._tables] == [False, True]


def test_the_log_plan_has_the_files_words():
    text = "[main]\nlog_dir=/var/log/x\ndebug=true\nlog_stdout=true\nlog_auth_events=true\n"
    settings = settings_of(text + MINIMAL + "[gateway]\nlog_format=json\n")
    plan = log_plan(settings.log)
    assert isinstance(plan, LogPlan)
    assert plan[:5] == (Path("/var/log/x"), True, True, True, True)
