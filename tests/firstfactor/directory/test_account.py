r"""What typed names mean: `DOM\user`, `user@suffix`, bare ones, and the trap of userPrincipalName."""

import pytest

from gateway.firstfactor.directory.account import AccountRules, account_of, is_alike, service_bind_name

SAM, UPN = b"sAMAccountName", b"userPrincipalName"
AD = AccountRules.of("sAMAccountName", "userPrincipalName", "OU=Staff,DC=ad,DC=example,DC=test", "EXAMPLE")
OPENLDAP = AccountRules.of("uid", "mail", "dc=example,dc=test", "")


@pytest.mark.parametrize(
    ("typed", "names", "user", "domain"),
    [
        (b"alice", ((SAM, b"alice"),), "alice", "EXAMPLE"),
        (b"OTHER\\alice", ((SAM, b"alice"),), "alice", "OTHER"),
        (b"alice@other.test", ((UPN, b"alice@other.test"),), "alice@other.test", "EXAMPLE"),
        (b"a*(b)\\c", ((SAM, b"c"),), "c", "a*(b)"),
        ("zoë".encode(), ((SAM, "zoë".encode()),), "zoë", "EXAMPLE"),
    ],
)
def test_a_name_is_looked_for_where_it_belongs(typed, names, user, domain):
    account = account_of(typed, AD)
    assert account is not None
    assert (account.names, account.user, account.domain) == (names, user, domain)
    assert account.typed_domain == typed.rpartition(b"\\")[0]


@pytest.mark.parametrize("suffix", [b"ad.example.test", b"AD.Example.TEST"])
def test_the_directorys_own_suffix_is_looked_for_as_an_account_too(suffix):
    account = account_of(b"alice@" + suffix, AD)
    assert account is not None
    assert account.names == ((UPN, b"alice@" + suffix), (SAM, b"alice"))


@pytest.mark.parametrize("typed", [b"alice@example.test", b"@example.test"])
def test_addresses_of_another_directory_are_looked_for_as_a_whole_alone(typed):
    account = account_of(typed, OPENLDAP)
    assert account is not None
    assert account.names == ((b"mail", typed),)


def test_a_suffix_in_other_letters_is_not_the_directorys_own():
    typed = "alice@ad.example.te\N{LATIN SMALL LETTER LONG S}t".encode()
    assert account_of(typed, AD).names == ((UPN, typed),)


@pytest.mark.parametrize(
    ("name", "other", "are_alike"),
    [
        ("alice", "ALICE", True),
        ("zoë", "ZOË", True),
        ("zoë", "zoe\u0308", False),
        ("karl", "\N{KELVIN SIGN}arl", False),
        ("kⱥⱥ", "\N{KELVIN SIGN}ȺȺ", False),  # as long in UTF-8
        ("θωμας", "\N{GREEK CAPITAL THETA SYMBOL}ωμας", False),
        ("ΘΩΜΑΣ", "θωμας", True),
        ("alice", "alice ", False),
        ("strasse", "straße", False),
        ("", "", True),
    ],
)
def test_names_are_one_but_for_letter_case(name, other, are_alike):
    assert is_alike(name.encode(), other.encode()) is are_alike


@pytest.mark.parametrize(
    "typed", [b"", b"EXAMPLE\\", b"\\", b"\\alice", b"EXAMPLE\\alice@ad.example.test", b"\xff\xfe", b"alice\0"]
)
def test_what_names_nobody(typed):
    assert account_of(typed, AD) is None


@pytest.mark.parametrize(
    ("username", "bind_dn", "name"),
    [
        ("reader", "", b"EXAMPLE\\reader"),
        ("OTHER\\reader", "", b"OTHER\\reader"),
        ("reader@ad.example.test", "", b"reader@ad.example.test"),
        ("CN=reader,DC=x", "", b"CN=reader,DC=x"),
        ("reader", "CN=reader,DC=y", b"CN=reader,DC=y"),
    ],
)
def test_the_service_account_binds_by_a_name_that_active_directory_knows(username, bind_dn, name):
    assert service_bind_name(username, bind_dn, AD) == name


def test_a_bare_service_account_is_of_the_domain_that_is_searched():
    assert service_bind_name("reader", "", AD._replace(ntlm_domain="")) == b"reader@ad.example.test"
    assert service_bind_name("reader", "", AccountRules()) == b"reader"
