"""Which searches somebody is looked up with, and who is found."""

import pytest

from gateway.firstfactor.directory.account import AccountRules, account_of
from gateway.firstfactor.directory.search import KEEP_ALIVE, Found, Lookup, Missing, SearchRules, Step
from gateway.ldap.filters import parse_filter
from gateway.ldap.requests import Scope
from gateway.ldap.responses import Entry

BASE = b"DC=ad,DC=example,DC=test"
GROUP = b"CN=vpn," + BASE
ALICE = b"CN=Alice," + BASE
NAMES = AccountRules.of("sAMAccountName", "userPrincipalName", BASE.decode(), "")
PERSONS = "(|(&(objectClass=user)(objectCategory=person))(objectClass=inetOrgPerson)(objectClass=organizationalPerson))"
DEMANDED = "(department=IT)"


def lookup(rules: SearchRules | None = None, name: bytes = b"alice") -> Lookup:
    account = account_of(name, NAMES)
    assert account is not None
    return Lookup(account, rules or SearchRules(BASE))


def entry(dn: bytes = ALICE, **values: bytes) -> Entry:
    values = values or {"sAMAccountName": b"alice"}
    return Entry(7, dn, {name.lower().encode(): [value] for name, value in values.items()})


def answer(asked: Lookup, *entries: Entry, more: bool = False) -> Found | Missing | None:
    return asked.answered(list(entries), has_more=more)


def test_one_search_finds_who_may_log_in():
    asked = lookup(SearchRules(BASE, parse_filter(DEMANDED), GROUP))
    wanted = asked.wanted()
    text = f"(&{PERSONS}(sAMAccountName=alice){DEMANDED}(memberOf={GROUP.decode()}))"
    assert wanted.encoded_filter == parse_filter(text)
    assert (wanted.base, wanted.scope, wanted.attributes) == (BASE, Scope.SUBTREE, (b"sAMAccountName",))
    assert answer(asked, entry()) == Found(ALICE, "alice")


def test_members_of_groups_in_the_group_count_if_the_section_says_so():
    wanted = lookup(SearchRules(BASE, b"", GROUP, is_nested=True)).wanted()
    nested = f"(memberOf:1.2.840.113556.1.4.1941:={GROUP.decode()})"
    assert wanted.encoded_filter == parse_filter(f"(&{PERSONS}(sAMAccountName=alice){nested})")


def test_nothing_in_a_name_means_anything_in_a_filter():
    wanted = lookup(name=b"*)(uid=*").wanted()
    assert wanted.encoded_filter == parse_filter(rf"(&{PERSONS}(sAMAccountName=\2a\29\28uid=\2a))")


def test_ntlm_wants_the_accounts_own_name():
    asked = lookup(SearchRules(BASE, wants_account=True), b"alice@elsewhere.test")
    assert asked.wanted().attributes == (b"userPrincipalName", b"sAMAccountName", b"msDS-PrincipalName")
    found = entry(userPrincipalName=b"alice@elsewhere.test", sAMAccountName=b"alice1")
    assert answer(asked, found) == Found(ALICE, "alice1")


def test_the_name_as_it_was_typed_where_the_entry_has_no_account():
    asked = lookup(SearchRules(BASE, wants_account=True), b"alice@elsewhere.test")
    assert answer(asked, entry(userPrincipalName=b"alice@elsewhere.test")) == Found(ALICE, "alice@elsewhere.test")


def in_domain(name: str) -> Entry:
    return Entry(7, ALICE, {b"samaccountname": [b"alice"], b"msds-principalname": [name.encode()]})


@pytest.mark.parametrize("wants_account", [True, False])
def test_a_namesake_in_another_domain_is_somebody_else(wants_account):
    asked = lookup(SearchRules(BASE, wants_account=wants_account), b"OTHER\\alice")
    assert b"msDS-PrincipalName" in asked.wanted().attributes
    assert answer(asked, in_domain("EXAMPLE\\alice")) is Missing.UNKNOWN
    assert asked.why(None) == "found only in the domain EXAMPLE"
    assert asked.why(b"in the") == "found only in the domain EXAMPLE"
    assert asked.why(b"EXAMPLE") == "found only in the domain ***"


@pytest.mark.parametrize("typed", [b"example\\alice", b"AD.example.test\\alice", b"alice"])
def test_the_domain_is_that_of_who_was_found_whatever_its_name_was_typed_as(typed):
    asked = lookup(SearchRules(BASE, wants_account=True), typed)
    assert answer(asked, in_domain("EXAMPLE\\alice")) == Found(ALICE, "alice", "EXAMPLE")


def test_a_domain_that_the_directory_does_not_tell_is_the_one_that_was_typed():
    asked = lookup(SearchRules(BASE, wants_account=True), b"OTHER\\alice")
    assert answer(asked, in_domain("S-1-5-21-1-2-3-1104")) == Found(ALICE, "alice", "OTHER")


@pytest.mark.parametrize("typed", ["àlice", "ａlice", "alice ", " alice", "al\u00adice", "ALİCE", "alice\u0301"])
@pytest.mark.parametrize("rules", [SearchRules(BASE), SearchRules(BASE, wants_account=True)])
def test_whom_the_directory_takes_for_another_spelling_is_somebody_else_to_duo(typed, rules):
    asked = lookup(rules, typed.encode())
    assert answer(asked, entry(sAMAccountName=b"alice", userPrincipalName=b"alice@ad.example.test")) is Missing.UNKNOWN
    assert asked.why(None) == "found as alice, whom Duo would not know by what was typed"


def test_nor_is_anybody_asked_about_as_a_member_by_another_spelling():
    asked = lookup(SearchRules(BASE, b"", GROUP), "àlice".encode())
    assert answer(asked) is None
    assert answer(asked, entry(sAMAccountName=b"alice")) is Missing.UNKNOWN


@pytest.mark.parametrize("typed", ["ａlice", "alice "])
@pytest.mark.parametrize("attribute", [b"userid", b"0.9.2342.19200300.100.1.1"])
def test_nor_does_it_by_another_name_of_the_attribute(attribute, typed):
    """slapd calls `uid` what was asked for as `userid`, or by its number."""
    names = AccountRules(username_attribute=attribute)

    def found(typed: str) -> Found | Missing | None:
        account = account_of(typed.encode(), names)
        assert account is not None
        asked = Lookup(account, SearchRules(BASE))
        return answer(asked, entry(uid=b"alice", **{"msDS-PrincipalName": typed.encode()}))

    assert found(typed) is Missing.UNKNOWN
    assert found("alice") == Found(ALICE, "alice")


def test_a_name_of_another_attribute_counts_only_where_the_one_asked_for_is_not_there():
    asked = lookup(name="ａlice".encode())
    assert answer(asked, entry(sAMAccountName=b"alice", description="ａlice".encode())) is Missing.UNKNOWN


@pytest.mark.parametrize("attributes", [{}, {b"msds-principalname": [b"alice"]}, {b"samaccountname": []}])
def test_whose_name_cannot_be_read_is_nobody_whom_duo_can_be_asked_about(attributes):
    asked = lookup()
    assert answer(asked, Entry(7, ALICE, attributes)) is Missing.UNKNOWN
    assert (
        asked.why(None)
        == "found, but the service account cannot read sAMAccountName, by which Duo would know who it is"
    )


def test_letter_case_makes_nobody_else():
    asked = lookup(name="JÜRGEN".encode())
    assert answer(asked, entry(sAMAccountName="jürgen".encode())) == Found(ALICE, "jürgen")


def test_one_of_several_names_is_enough():
    asked = lookup()
    assert answer(asked, Entry(7, ALICE, {b"samaccountname": [b"al", b"alice"]})) == Found(ALICE, "al")


@pytest.mark.parametrize(("entries", "more"), [(2, False), (1, True), (0, True), (3, True)])
def test_two_of_the_same_name_are_ambiguous(entries, more):
    assert answer(lookup(), *[entry()] * entries, more=more) is Missing.AMBIGUOUS


def test_without_demands_nobody_found_is_unknown():
    assert answer(lookup()) is Missing.UNKNOWN


def test_a_name_of_the_directorys_own_suffix_is_looked_for_as_an_account_next():
    asked = lookup(name=b"alice@ad.example.test")
    assert asked.wanted().encoded_filter == parse_filter(f"(&{PERSONS}(userPrincipalName=alice@ad.example.test))")
    assert answer(asked) is None
    assert asked.wanted().encoded_filter == parse_filter(f"(&{PERSONS}(sAMAccountName=alice))")
    found = entry(sAMAccountName=b"alice", userPrincipalName=b"al@other.test")
    assert answer(asked, found) == Found(ALICE, "alice")


@pytest.mark.parametrize("rules", [SearchRules(BASE, parse_filter(DEMANDED)), SearchRules(BASE, b"", GROUP)])
def test_who_is_not_found_by_name_alone_is_unknown(rules):
    asked = lookup(rules, b"alice@ad.example.test")
    for name in ("(userPrincipalName=alice@ad.example.test)", "(sAMAccountName=alice)"):
        assert asked.step is Step.PERSON
        assert answer(asked) is None
        assert asked.step is Step.ANYBODY
        assert asked.wanted().encoded_filter == parse_filter(f"(&{PERSONS}{name})")
        said = answer(asked)
    assert said is Missing.UNKNOWN


@pytest.mark.parametrize("rules", [SearchRules(BASE, parse_filter(DEMANDED)), SearchRules(BASE, b"", GROUP)])
def test_whose_name_it_is_as_a_whole_may_not_log_in_and_then_nobody_else_may_by_it(rules):
    asked = lookup(rules, b"alice@ad.example.test")
    assert answer(asked) is None
    said = answer(asked, entry(userPrincipalName=b"alice@ad.example.test", sAMAccountName=b"alice1"))
    assert (said or answer(asked)) is Missing.FORBIDDEN


def test_who_does_not_match_the_filter_may_not():
    asked = lookup(SearchRules(BASE, parse_filter(DEMANDED)))
    assert answer(asked) is None
    assert answer(asked, entry()) is Missing.FORBIDDEN


def test_the_group_itself_says_who_is_in_it_where_persons_do_not():
    asked = lookup(SearchRules(BASE, parse_filter(DEMANDED), GROUP))
    assert answer(asked) is None
    assert answer(asked, entry()) is None
    wanted = asked.wanted()
    assert (wanted.base, wanted.scope, wanted.encoded_filter) == (ALICE, Scope.BASE, parse_filter(DEMANDED))
    assert answer(asked, entry()) is None
    assert asked.step is Step.MEMBER
    wanted = asked.wanted()
    member = f"(|(member={ALICE.decode()})(uniqueMember={ALICE.decode()}))"
    assert (wanted.base, wanted.scope, wanted.encoded_filter) == (GROUP, Scope.BASE, parse_filter(member))
    assert answer(asked, entry(GROUP)) == Found(ALICE, "alice")


@pytest.mark.parametrize("n_found", [0, 1])
def test_who_is_neither_in_the_group_nor_matches_may_not(n_found):
    asked = lookup(SearchRules(BASE, parse_filter(DEMANDED), GROUP))
    assert answer(asked) is None
    assert answer(asked, entry()) is None
    assert answer(asked, *[entry()] * n_found) is (None if n_found else Missing.FORBIDDEN)
    if n_found:
        assert answer(asked) is Missing.FORBIDDEN


@pytest.mark.parametrize("rules", [SearchRules(BASE, b"", GROUP), SearchRules(BASE, parse_filter(DEMANDED), GROUP)])
def test_a_limit_that_leaves_no_entry_says_nothing_of_who_is_in_the_group(rules):
    asked = lookup(rules)
    assert answer(asked) is None
    assert answer(asked, entry()) is None
    assert answer(asked, more=True) is Missing.FORBIDDEN


def test_who_has_a_namesake_and_is_not_in_the_group_may_not():
    asked = lookup(SearchRules(BASE, b"", GROUP))
    assert answer(asked) is None
    assert answer(asked, entry(), entry(b"CN=Other")) is Missing.FORBIDDEN


def test_a_sign_of_life_is_asked_of_the_root():
    assert (KEEP_ALIVE.base, KEEP_ALIVE.scope) == (b"", Scope.BASE)
    assert KEEP_ALIVE.encoded_filter == parse_filter("(objectClass=*)")
