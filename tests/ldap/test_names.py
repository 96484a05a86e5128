"""Distinguished names of files: RFC 4514 section 4 has the examples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ldap.names import domain_of, is_dn


@pytest.mark.parametrize(
    "text",
    [
        "UID=jsmith,DC=example,DC=net",
        "OU=Sales+CN=J.  Smith,DC=example,DC=net",
        r"CN=James \"Jim\" Smith\, III,DC=example,DC=net",
        r"CN=Before\0dAfter,DC=example,DC=net",
        "1.3.6.1.4.1.1466.0=#04024869",
        r"CN=Lu\C4\8Di\C4\87",
        "CN=Lučić,OU=Verkauf & Co.,DC=ad,DC=example,DC=test",
        "dc=example, dc=test",
        "OID.2.5.4.3=a",
        r"CN=a\ ",
        "CN=",
        "OU=a=b",
    ],
)
def test_a_distinguished_name_is_one(text):
    assert is_dn(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.test",
        "alice",
        "DC=example,",
        ",DC=example",
        "DC=example,,DC=test",
        "CN=Smith, John,DC=example",
        "CN=a\\",
        r"CN=a\z",
        'CN="a',
        "DC=example;DC=test",
        "1a=b",
        "CN=#04024",
        "CN=a\0b",
        "OU=<none>",
    ],
)
def test_what_is_no_distinguished_name_is_told(text):
    assert not is_dn(text)


@pytest.mark.parametrize(
    ("dn", "domain"),
    [
        ("DC=ad,DC=example,DC=test", "ad.example.test"),
        ("OU=Staff,OU=DC,dc=AD, dc=Example ,DC=Test", "ad.example.test"),
        ("o=Example", ""),
        ("no name", ""),
        ("", ""),
    ],
)
def test_the_domain_of_a_name(dn, domain):
    assert domain_of(dn) == domain


@given(st.text(st.sampled_from('ab=,+\\"#<;1. \0üC'), max_size=60))
def test_any_text_is_a_name_or_none(text):
    assert isinstance(is_dn(text), bool)
    assert domain_of(text) == "" or is_dn(text)
