"""Every kind of section: its keys are read, and what they say reaches who acts by it."""

import re
from itertools import cycle

import pytest

from gateway.config import spelling
from gateway.config.kinds import FOREIGN, KEYS, KINDS, OWN_KEYS, SERVED, Treatment, section_kind, treatment
from gateway.config.schema import SINGLE, key_pattern
from gateway.config.scope import Scope
from gateway.config.servers import SERVER
from gateway.config.settings import DuoOnlyClient, ServerSettings, Settings
from gateway.engine.rules import SectionRules, rules_of
from tests.config.files import MINIMAL, parse, problems_of
from tests.config.files import SERVER as SERVER_LINES
from tests.worker.sections import built_section

CLIENTS = ("radius_client", "ad_client")
OF_TWO_SORTS = {
    "name",  # of a host of a fleet, and of a section
    "port", "status_server", "force_message_authenticator", "pw_codec",  # of who asks us, and of whom we ask
    "pass_through_attr_names", "pass_through_all",  # there, and back
}  # fmt: skip
RULES = """\
failmode=secure
unrecognised_factor=auto
preauth=needed
client_ip_attr=Called-Station-Id
pw_codec=latin-1
exempt_username_1=svc
probe_username_1=nsmonitor
require_message_authenticator=yes
limit_proxy_state=no
reject_delay_s=2.5
response_deadline_s=18
coalesce=false
max_pending_per_user=9
status_server=no
accounting=acknowledge
"""


class TestKeys:
    @pytest.fixture
    def asked(self, monkeypatch) -> set[str]:
        """The keys that readers ask for, as the tables spell them."""
        found: set[str] = set()
        entries, matching = Scope.entries, Scope.matching

        def note_entries(scope, *keys):
            found.update(map(key_pattern, keys))
            return entries(scope, *keys)

        def note_matching(scope, pattern):
            found.update(key for keys in KEYS.values() for key in keys if pattern.fullmatch(key.replace("N", "1")))
            return matching(scope, pattern)

        monkeypatch.setattr(Scope, "entries", note_entries)
        monkeypatch.setattr(Scope, "matching", note_matching)
        return found

    def test_every_key_of_every_kind_is_read(self, asked):
        servers = "".join(
            f"[{kind}]\n{SERVER_LINES}client={client}\n" for kind, client in zip(SERVED, cycle(CLIENTS), strict=False)
        )
        clients = "[duo_only_client]\n[radius_client]\nhost=a\n[ad_client]\nhost=a\ntransport=ldaps\n"
        problems_of(f"[main]\n[gateway]\n[fleet]\n{clients}{servers}")
        assert asked == frozenset().union(*OWN_KEYS.values())

    def test_main_holds_defaults_for_all(self):
        assert KEYS["main"] == frozenset().union(*OWN_KEYS.values())
        assert {**KEYS, "main": OWN_KEYS["main"]} == OWN_KEYS

    def test_a_key_has_its_effect_in_sections_of_one_sort(self):
        """So that whoever writes it elsewhere can be told where."""
        sorts = [
            OWN_KEYS["main"],
            OWN_KEYS["gateway"],
            OWN_KEYS["fleet"],
            OWN_KEYS["radius_client"] | OWN_KEYS["ad_client"],
            frozenset().union(*(OWN_KEYS[kind] for kind in SERVED)),
        ]
        assert sum(map(len, sorts)) == len(frozenset().union(*sorts)) + len(OF_TWO_SORTS)
        assert (OWN_KEYS["fleet"] | sorts[-2]) & sorts[-1] == OF_TWO_SORTS

    def test_what_is_read_has_no_foreign_keys(self):
        assert not FOREIGN.keys() & KEYS.keys()


class TestTable:
    def test_whoever_has_keys_or_a_reader_is_read(self):
        for name, kind in KINDS.items():
            has_reader = bool(kind.read_client or kind.read_server) or name in SINGLE
            assert has_reader is (kind.treatment is Treatment.READ), name
            assert not kind.keys or has_reader, name

    def test_every_kind_has_its_place_whatever_its_number(self):
        for name, kind in KINDS.items():
            assert (section_kind(name), treatment(name)) == (name, kind.treatment)

    @pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.treatment is not Treatment.READ])
    def test_what_is_not_read_says_what_becomes_of_it(self, kind):
        (problem,) = problems_of(f"[{kind}]\nany=thing\n{MINIMAL}")
        assert problem.text.startswith("ignored: ")
        assert not problem.is_error

    @pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.treatment is not Treatment.READ])
    def test_where_nothing_is_left_to_serve_a_server_that_is_not_served_is_an_error(self, kind):
        nothing, problem = problems_of(f"[{kind}]\nany=thing\n")
        sections = "[radius_server_duo_only], [radius_server_auto], [radius_server_concat] or [radius_server_challenge]"
        assert nothing.text == f"there is nothing to serve; write a section {sections}"
        assert problem.is_error is (KINDS[kind].treatment is Treatment.OTHER_SERVER)

    @pytest.mark.parametrize(
        ("home", "kind", "is_foreign"),
        [
            ("sso", "radius_server_duo_only", True),
            ("duo_only_client", "radius_server_duo_only", True),
            ("radius_server_duo_only", "duo_only_client", False),
            ("radius_server_duo_only", "gateway", False),
            ("main", "radius_server_duo_only", False),
            ("gateway", "radius_server_duo_only", False),
        ],
    )
    def test_a_key_of_another_sort_of_section_does_no_harm(self, home, kind, is_foreign):
        """As long as it is none that is written for us, or decides who gets in."""
        assert spelling._is_foreign(home, kind) is is_foreign


class TestClients:
    def test_all_are_there_in_the_order_of_the_file(self):
        settings, _ = parse(f"[duo_only_client2]\n{MINIMAL}[duo_only_client]\n")
        assert settings.clients == (DuoOnlyClient(section="duo_only_client2"), DuoOnlyClient(section="duo_only_client"))

    @pytest.mark.parametrize(
        ("line", "client"),
        [("", None), ("client=\n", None), ("client=Duo_Only_Client2\n", "duo_only_client2")],
    )
    def test_a_server_names_its_own(self, line, client):
        (server,) = parse(f"{MINIMAL}{line}")[0].servers
        assert server.client == client


class TestRules:
    """What a server section says of its logins is one record; a new rule is a field of it."""

    @pytest.fixture
    def settings(self) -> Settings:
        return parse(MINIMAL + RULES)[0]

    @pytest.fixture
    def server(self, settings: Settings) -> ServerSettings:
        return settings.servers[0]

    def test_every_field_is_set_by_a_key(self, server):
        untouched = SectionRules()
        for field in set(SectionRules.__struct_fields__) - {"modes"}:  # whose keys duo_only does not have
            assert getattr(server, field) != getattr(untouched, field), field

    def test_every_key_is_one_of_them_or_tells_where_and_whom_to_ask(self):
        keys = {key_pattern(line.split("=")[0]) for line in RULES.splitlines()}
        others = {
            key for key in SERVER if re.match("[is]key|api_|radius_|message_|http_|(client|name)$|interface|port", key)
        }
        assert keys | others | {"force_message_authenticator"} == SERVER.keys()

    def test_they_reach_the_engine_as_they_are_and_alone(self, settings, server):
        rules = built_section(settings).rules
        assert type(rules) is SectionRules
        assert rules == rules_of(server) != SectionRules()
        assert all(getattr(rules, field) == getattr(server, field) for field in SectionRules.__struct_fields__)
