"""Which entries a filter matches."""

import pytest

from bench.directory.entries import BASE, Directory, group_dn
from bench.directory.matching import accounts_in, matches
from gateway.ldap.ber import BerError
from gateway.ldap.filters import parse_filter

ALICE = Directory().person("alice")
IVAN = Directory().person("ivan")
VPN = group_dn("vpn", BASE)
CLASSES = "(|(&(objectClass=user)(objectCategory=person))(objectClass=inetOrgPerson)(objectClass=organizationalPerson))"


@pytest.mark.parametrize(
    "text",
    [
        "(cn=Alice)",
        "(CN=alice)",
        "(cn=*)",
        "(cn=al*)",
        "(cn=*ce)",
        "(cn=*lic*)",
        "(cn=a*i*e)",
        "(!(cn=bob))",
        "(&(cn=alice)(uid=alice))",
        "(|(cn=bob)(uid=alice))",
        "(cn>=alice)",
        "(cn<=bob)",
        "(cn~=alice)",
        "(cn:=alice)",
        f"(&{CLASSES}(|(sAMAccountName=alice))(memberOf={VPN}))",
        f"(memberOf:1.2.840.113556.1.4.1941:={VPN.lower()})",
    ],
)
def test_an_entry_is_matched(text):
    assert matches(parse_filter(text), ALICE)


@pytest.mark.parametrize(
    "text",
    [
        "(cn=bob)",
        "(none=*)",
        "(cn=*e*c*)",
        "(cn=alice*alice)",
        "(!(cn=alice))",
        "(&(cn=alice)(uid=bob))",
        "(|(cn=bob)(uid=bob))",
        "(cn:1.2.3:=alice)",
        f"(&{CLASSES}(|(sAMAccountName=alice))(memberOf={group_dn('admins')}))",
    ],
)
def test_an_entry_is_not_matched(text):
    assert not matches(parse_filter(text), ALICE)


def test_a_member_of_a_member_is_none_unless_that_is_asked():
    assert not matches(parse_filter(f"(memberOf={VPN})"), IVAN)
    assert matches(parse_filter(f"(memberOf:1.2.840.113556.1.4.1941:={VPN})"), IVAN)


def test_it_is_told_whom_a_filter_asks_about():
    assert accounts_in(parse_filter(f"(&{CLASSES}(|(sAMAccountName=alice)(mail=bob@example.test)))")) == [
        "alice",
        "bob",
    ]


@pytest.mark.parametrize(
    "octets", [b"", b"\xa3\x00", b"\x04\x01a", b"\xa2\x02" * 40 + b"\x87\x01a", b"\xaf\x06\x04\x01a\x04\x01b"]
)
def test_what_is_no_filter_is_refused(octets):
    with pytest.raises(BerError):
        matches(octets, ALICE)
