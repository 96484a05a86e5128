"""The sections auto, concat and challenge: their own keys, and which first factor they may name."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest

from gateway.config import modes
from gateway.config.ini import IniSection, parse_ini
from gateway.config.problems import Problem, Severity
from gateway.config.scope import Context, Scope
from gateway.config.settings import DuoOnlyClient, ServerSettings, decode_settings, encode_settings
from gateway.config.surroundings import surroundings_of
from gateway.duoapi.calls import Factor
from gateway.engine.rules import ModeRules, PromptFormat, rules_of
from tests.config.files import MINIMAL, PATH, SERVER, parse, problems_of

CLIENTS = ("radius_client2", "ad_client2")
Reader = Callable[[Scope, Context], ServerSettings]
AUTO, CONCAT, CHALLENGE = (
    (modes.read_auto, modes.AUTO_KEYS),
    (modes.read_concat, modes.CONCAT_KEYS),
    (modes.read_challenge, modes.CHALLENGE_KEYS),
)


class Read(NamedTuple):
    settings: ServerSettings
    problems: list[Problem]

    @property
    def errors(self) -> list[str]:
        return [f"{each.key}: {each.text}" for each in self.problems if each.is_error]

    @property
    def warnings(self) -> list[str]:
        return [f"{each.key}: {each.text}" for each in self.problems if not each.is_error]


def read(
    kind: tuple[Reader, dict[str, str]],
    lines: str = "",
    client: str = "client=radius_client2\n",
    clients: Sequence[str] = CLIENTS,
) -> Read:
    reader, keys = kind
    there = {name: DuoOnlyClient(section=name) for name in clients}  # as good as any
    (section,), problems = parse_ini(f"[radius_server_x]\n{SERVER}{client}{lines}".encode())
    assert not problems
    settings = reader(Scope(section, IniSection("main"), keys, problems), Context(surroundings_of(PATH), None, there))
    return Read(settings, problems)


def rules(kind: tuple[Reader, dict[str, str]], lines: str = "") -> ModeRules:
    found = read(kind, lines)
    assert not found.problems
    return found.settings.modes


@pytest.mark.parametrize("kind", [AUTO, CONCAT, CHALLENGE])
def test_what_need_not_be_said(kind):
    """The defaults of the keys and those of the rules are the same."""
    assert rules(kind) == ModeRules()


def test_all_keys_of_auto():
    lines = "delimiter=&&\ndelimited_password_length=12\nallow_concat=false\nfactors=Push, phone,passcode\n"
    found = read(AUTO, f"{lines}challenge_life_s=60\n")
    assert not found.errors
    assert found.settings.modes == ModeRules(
        delimiter="&&",
        delimited_password_length=12,
        allow_concat=False,
        factors=(Factor.PUSH, Factor.PHONE, Factor.PASSCODE),
        challenge_life_s=60,
    )


def test_all_keys_of_concat():
    assert rules(CONCAT, "delimiter=§\ndelimited_password_length=8\n") == ModeRules(
        delimiter="§", delimited_password_length=8
    )


def test_all_keys_of_challenge():
    lines = "prompt_format=short\nenroll_challenge=false\nsms_challenge=true\nchallenge_life_s=600\n"
    assert rules(CHALLENGE, lines) == ModeRules(
        prompt_format=PromptFormat.SHORT, enroll_challenge=False, sms_challenge=True, challenge_life_s=600
    )


@pytest.mark.parametrize(
    ("kind", "line", "error"),
    [
        (AUTO, "factors=push,sms", "factors: sms only sends passcodes"),
        (AUTO, "factors=push,,phone", "factors: "),
        (AUTO, "factors=push,call", "factors: 'call' is not known; write auto, push, phone or passcode"),
        (AUTO, "factors=push,PUSH", "factors: push is there twice"),
        (AUTO, "delimiter=aaaaaaaaaaaaaaaaa", "delimiter: has more than 16 characters"),
        (AUTO, "delimiter=§\npw_codec=cp932\n", ""),
        (CONCAT, "delimiter=€\npw_codec=latin-1\n", "delimiter: cannot be written in pw_codec=latin-1"),
        (CONCAT, "delimited_password_length=128", "delimited_password_length: '128' is out of range"),
        (CHALLENGE, "prompt_format=long", "prompt_format: 'long' is not known; write console or short"),
        (CHALLENGE, "challenge_life_s=9", "challenge_life_s: '9' is out of range"),
        (CHALLENGE, "sms_challenge=perhaps", "sms_challenge: 'perhaps' is neither true nor false"),
    ],
)
def test_what_cannot_be_meant_is_an_error_that_says_what_to_write(kind, line, error):
    errors = read(kind, f"{line}\n").errors
    assert len(errors) == bool(error)
    assert all(each.startswith(error) for each in errors)


@pytest.mark.parametrize(
    ("kind", "line", "warning"),
    [
        (AUTO, "factors=passcode,push", "factors: what follows passcode is never used"),
        (AUTO, "allow_concat=false\ndelimiter=;\n", "delimiter: has no effect with allow_concat=false"),
        (AUTO, "delimiter=x", "delimiter: passwords have letters and digits, too"),
        (AUTO, 'delimiter=","', "delimiter: the quotation marks are part of the delimiter"),
        (CONCAT, "delimiter=, # a comma", "delimiter: what looks like a comment is part of the delimiter"),
        (CONCAT, "delimiter=", "delimiter: has no value, which means the default ,"),
        (CHALLENGE, "unrecognised_factor=auto", "unrecognised_factor: has no effect here"),
    ],
)
def test_what_may_be_a_slip_is_a_warning(kind, line, warning):
    found = read(kind, f"{line}\n")
    assert not found.errors
    assert any(each.startswith(warning) for each in found.warnings)


@pytest.mark.parametrize("kind", [AUTO, CONCAT, CHALLENGE])
@pytest.mark.parametrize(
    ("line", "client", "error"),
    [
        ("client=Radius_Client2\n", "radius_client2", ""),
        ("client=duo_only_client\n", "duo_only_client", ""),
        ("client=duo_only_client3\n", "duo_only_client3", ""),
        ("client=radius_client\n", None, "client: there is no section [radius_client]"),
        ("client=ad_client\n", None, "client: there is no section [ad_client]"),
        ("client=AD_client2\n", "ad_client2", ""),
        ("client=ldap\n", None, "client: 'ldap' is no client section"),
        ("client=\n", None, "client: has no value; write client=radius_client2 or client=ad_client2; "),
        ("", None, "client: is missing; write client=radius_client2 or client=ad_client2; "),
    ],
)
def test_a_section_names_its_first_factor(kind, line, client, error):
    found = read(kind, client=line)
    assert found.settings.client == client
    assert len(found.errors) == bool(error)
    assert all(each.startswith(error) for each in found.errors)


@pytest.mark.parametrize("kind", [AUTO, CONCAT, CHALLENGE])
@pytest.mark.parametrize("only", ["ad_client", "radius_client7", "duo_only_client"])
def test_the_only_client_section_is_meant_where_none_is_named(kind, only):
    found = read(kind, client="", clients=[only])
    assert found.settings.client == only
    assert not found.errors


def test_a_name_that_is_empty_or_of_nobody_does_not_mean_the_only_section():
    for line in ("client=\n", "client=radius_client\n"):
        (error,) = read(AUTO, client=line, clients=["ad_client"]).errors
        assert "; write client=ad_client; client=duo_only_client would mean" in error


@pytest.mark.parametrize("line", ["client=radius_client_nps\n", "client=radius_client\n", "client=raduis_client2\n"])
def test_the_client_sections_that_there_are_are_named_the_nearest_first(line):
    (error,) = read(AUTO, client=line).errors
    assert "; write client=radius_client2 or client=ad_client2; " in error
    assert error.endswith("client=duo_only_client would mean that nobody here checks passwords")


def test_without_any_client_section_the_kinds_are_named():
    problems = problems_of(f"[radius_server_auto]\n{SERVER}client=nps\n")
    (text,) = [each.text for each in problems]
    assert text.startswith(
        "'nps' is no client section; write a section [ad_client] or [radius_client], and its name here; client=duo_only"
    )


@pytest.mark.parametrize("kind", [AUTO, CONCAT, CHALLENGE])
def test_that_nobody_checks_a_password_should_be_meant(kind):
    (note,) = read(kind, client="client=duo_only_client\n").problems
    assert (note.key, note.severity) == ("client", Severity.NOTE)
    assert "whoever knows a user's name and holds the phone gets in" in note.text
    assert not read(kind).problems


def test_that_nobody_checks_a_password_should_be_meant_where_no_line_says_so_too():
    problems = problems_of(f"[radius_server_auto]\n{SERVER}[duo_only_client]\n")
    assert [(each.section, each.key, each.severity) for each in problems] == [
        ("radius_server_auto", "client", Severity.NOTE)
    ]


def test_without_a_name_and_any_client_section_the_kinds_are_named():
    (text,) = [each.text for each in problems_of(f"[radius_server_auto]\n{SERVER}")]
    assert text.startswith("is missing; write a section [ad_client] or [radius_client], and its name here; client=duo_")


def test_of_a_directory_and_a_section_that_asks_nobody_one_must_be_named():
    """Which of them is meant decides whether passwords are checked."""
    directory = "[ad_client]\nhost=dc1\nsearch_dn=DC=a\n"
    account = "service_account_username=reader\nservice_account_password=qx7-Blue-Harbor-19\n"
    problems = problems_of(f"[radius_server_auto]\n{SERVER}{directory}{account}[duo_only_client]\n")
    (text,) = [each.text for each in problems if each.is_error]
    assert text.startswith("is missing; write client=ad_client; client=duo_only_client would mean")


@pytest.mark.parametrize("name", ["ad_client_2", "ad_client 2", "ad_client-corp", "radius_client_nps"])
def test_a_client_section_that_is_called_otherwise_leaves_no_other_one_the_only_one(name):
    """Else nobody would check passwords, or another directory than was meant."""
    problems = problems_of(f"[radius_server_auto]\n{SERVER}[{name}]\nhost=10.0.0.5\n[duo_only_client]\n")
    errors = {each.section: each.text for each in problems if each.is_error and not each.key}
    assert errors[name].startswith("is not known; write [")
    (missing,) = [each.text for each in problems if each.key == "client"]
    assert missing.startswith("is missing; write client=")


def test_an_exempt_user_has_to_type_a_factor_in_concat():
    (warning,) = read(CONCAT, "exempt_username_1=ops\n").warnings
    assert "'ops' has to type something behind the delimiter, too, as in PASSWORD,x" in warning
    assert not read(AUTO, "exempt_username_1=ops\n").warnings


def test_where_nobody_checks_a_password_exempt_users_are_warned_of():
    for client, n_warnings in (("radius_client2", 0), ("duo_only_client", 1)):
        warnings = read(AUTO, "exempt_username_1=svc\n", f"client={client}\n").warnings
        assert len([each for each in warnings if "ANYBODY can log in as 'svc'" in each]) == n_warnings


def test_the_warning_has_the_name_and_says_who_checks_no_password():
    (warning,) = read(AUTO, "exempt_username_1=ops@corp.example\n", "client=duo_only_client\n").warnings[1:]
    assert "ANYBODY can log in as 'ops@corp.example': Duo is not asked, and nobody here checks a password;" in warning


@pytest.mark.parametrize(
    ("lines", "warning"),
    [
        ("exempt_username_1=*\n", "is one name, of which * and ? are a part"),
        ("pass_through_attr_names=Class,User-Password,State\n", "User-Password, State never goes on"),
        ("pass_through_attr_names=Class\npass_through_all=true\n", "has no effect beside pass_through_all=true"),
        ("pass_through_attr_names=Class\n", ""),
    ],
)
def test_what_cannot_have_an_effect_is_a_warning(lines, warning):
    found = read(CHALLENGE, lines).warnings
    assert len(found) == bool(warning)
    assert all(warning in each for each in found)


def test_the_rules_travel_to_workers_and_reach_the_engine():
    settings, _ = parse(MINIMAL)
    server = read(AUTO, "factors=push,passcode\n").settings
    sent = decode_settings(encode_settings(type(settings)(**{**_fields(settings), "servers": (server,)})))
    assert sent.servers == (server,)
    assert rules_of(sent.servers[0]).modes == server.modes


def _fields(settings):
    return {name: getattr(settings, name) for name in settings.__struct_fields__}
