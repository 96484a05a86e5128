"""Filters from text: RFC 4515 section 4 has the examples, RFC 4511 section 4.5.1.7 the octets."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ldap.filters import (
    MAX_DEPTH,
    MAX_SIZE,
    FilterError,
    all_of,
    any_of,
    equality,
    member_of_nested,
    parse_filter,
    present,
)

OBJECT_CLASS = b"\x04\x0bobjectClass"


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        # The examples of RFC 4515 section 4, in its order.
        ("(cn=Babs Jensen)", b"\xa3\x11\x04\x02cn\x04\x0bBabs Jensen"),
        ("(!(cn=Tim Howes))", b"\xa2\x11\xa3\x0f\x04\x02cn\x04\x09Tim Howes"),
        (
            "(&(objectClass=Person)(|(sn=Jensen)(cn=Babs J*)))",
            b"\xa0\x37\xa3\x15" + OBJECT_CLASS + b"\x04\x06Person"
            b"\xa1\x1e\xa3\x0c\x04\x02sn\x04\x06Jensen\xa4\x0e\x04\x02cn\x30\x08\x80\x06Babs J",
        ),
        ("(o=univ*of*mich*)", b"\xa4\x15\x04\x01o\x30\x10\x80\x04univ\x81\x02of\x81\x04mich"),
        ("(seeAlso=)", b"\xa3\x0b\x04\x07seeAlso\x04\x00"),
        ("(cn:caseExactMatch:=Fred Flintstone)", b"\xa9\x25\x81\x0ecaseExactMatch\x82\x02cn\x83\x0fFred Flintstone"),
        ("(cn:=Betty Rubble)", b"\xa9\x12\x82\x02cn\x83\x0cBetty Rubble"),
        ("(sn:dn:2.4.6.8.10:=Barney Rubble)", b"\xa9\x22\x81\x0a2.4.6.8.10\x82\x02sn\x83\x0dBarney Rubble\x84\x01\xff"),
        ("(o:dn:=Ace Industry)", b"\xa9\x14\x82\x01o\x83\x0cAce Industry\x84\x01\xff"),
        ("(:1.2.3:=Wilma Flintstone)", b"\xa9\x19\x81\x051.2.3\x83\x10Wilma Flintstone"),
        ("(:DN:2.4.6.8.10:=Dino)", b"\xa9\x15\x81\x0a2.4.6.8.10\x83\x04Dino\x84\x01\xff"),
        (
            r"(o=Parens R Us \28for all your parenthetical needs\29)",
            b"\xa3\x33\x04\x01o\x04\x2eParens R Us (for all your parenthetical needs)",
        ),
        (r"(cn=*\2A*)", b"\xa4\x09\x04\x02cn\x30\x03\x81\x01*"),
        (r"(filename=C:\5cMyFile)", b"\xa3\x15\x04\x08filename\x04\x09C:\\MyFile"),
        (r"(bin=\00\00\00\04)", b"\xa3\x0b\x04\x03bin\x04\x04\x00\x00\x00\x04"),
        (r"(sn=Lu\c4\8di\c4\87)", b"\xa3\x0d\x04\x02sn\x04\x07Lu\xc4\x8di\xc4\x87"),
        (r"(1.3.6.1.4.1.1466.0=\04\02\48\69)", b"\xa3\x1a\x04\x121.3.6.1.4.1.1466.0\x04\x04\x04\x02Hi"),
        # What those have not.
        ("(sn=Lučić)", b"\xa3\x0d\x04\x02sn\x04\x07Lu\xc4\x8di\xc4\x87"),
        ("(objectClass=*)", b"\x87\x0bobjectClass"),
        ("(cn~=Babs)", b"\xa8\x0a\x04\x02cn\x04\x04Babs"),
        ("(uidNumber>=500)", b"\xa5\x10\x04\x09uidNumber\x04\x03500"),
        ("(uidNumber<=500)", b"\xa6\x10\x04\x09uidNumber\x04\x03500"),
        ("(cn=a=b>=c:=d)", b"\xa3\x0f\x04\x02cn\x04\x09a=b>=c:=d"),
        ("(cn;lang-de=x)", b"\xa3\x0f\x04\x0acn;lang-de\x04\x01x"),
        ("(cn=*a)", b"\xa4\x09\x04\x02cn\x30\x03\x82\x01a"),
        ("(cn=a**b)", b"\xa4\x0c\x04\x02cn\x30\x06\x80\x01a\x82\x01b"),
        ("(&(a=b))", b"\xa0\x08\xa3\x06\x04\x01a\x04\x01b"),
        (" ( &\n (a=b)\t( ! (c=d ) ) ) ", b"\xa0\x13\xa3\x06\x04\x01a\x04\x01b\xa2\x09\xa3\x07\x04\x01c\x04\x02d "),
        (
            "(userAccountControl:1.2.840.113556.1.4.803:=2)",
            b"\xa9\x2f\x81\x161.2.840.113556.1.4.803\x82\x12userAccountControl\x83\x012",
        ),
    ],
)
def test_a_text_becomes_a_filter(text, octets):
    assert parse_filter(text) == octets


@pytest.mark.parametrize(
    ("text", "position", "said"),
    [
        ("", 1, "stands in parentheses"),
        ("objectClass=user", 1, "stands in parentheses"),
        ("(a=b", 5, "a ) is missing"),
        ("(a=b))", 6, "has ended before"),
        ("(a=b)(c=d)", 6, "(&(one)(another))"),
        ("(&)", 3, "& and | stand before filters"),
        ("(& a=b)", 4, "& and | stand before filters"),
        ("(!a=b)", 3, "stands in parentheses"),
        ("(!(a=b)(c=d))", 8, "a ) is missing"),
        ("((a=b))", 2, "one pair of parentheses is enough"),
        ("(a)", 2, "(attribute=value)"),
        ("(", 2, "(attribute=value)"),
        ("(=b)", 2, "an attribute's name"),
        ("(a b=c)", 2, "an attribute's name"),
        ("(ä=c)", 2, "an attribute's name"),
        (r"(memberOf=CN=Smith\, J,DC=x)", 19, r"itself it is \5c"),
        (r"(a=\5)", 4, r"itself it is \5c"),
        ("(a=b(c)d)", 5, r"a parenthesis in a value is written \28"),
        ("(a=**)", 6, "(attribute=*)"),
        ("(a>=*)", 5, r"written \2a"),
        ("(a:=b*)", 6, r"written \2a"),
        ("(a=b\0)", 5, r"written \00"),
        ("(:=x)", 2, "(attribute:rule:=value)"),
        ("(:dn:=x)", 2, "(attribute:rule:=value)"),
        ("(a:b:c:=x)", 2, "(attribute:rule:=value)"),
    ],
)
def test_what_is_no_filter_is_told_with_its_place_and_what_to_write(text, position, said):
    with pytest.raises(FilterError) as raised:
        parse_filter(text)
    assert raised.value.position == position
    assert said in raised.value.text
    assert str(raised.value) == f"character {position}: {raised.value.text}"


def test_filters_stand_in_each_other_to_a_bounded_depth():
    def nested(depth: int) -> str:
        return "(!" * (depth - 1) + "(a=b)" + ")" * (depth - 1)

    parse_filter(nested(MAX_DEPTH))
    with pytest.raises(FilterError, match="deep"):
        parse_filter(nested(MAX_DEPTH + 1))


def test_a_text_is_not_longer_than_it_may_be():
    parse_filter(f"(a={'x' * (MAX_SIZE - 4)})")
    with pytest.raises(FilterError, match="at most"):
        parse_filter(f"(a={'x' * (MAX_SIZE - 3)})")


def test_what_is_put_together_from_octets_needs_no_escapes():
    assert present(b"cn") == b"\x87\x02cn"
    assert equality(b"cn", b"*)(\\\0") == b"\xa3\x0b\x04\x02cn\x04\x05*)(\\\0"


def test_filters_are_put_together_and_one_stays_as_it_is():
    one, other = equality(b"a", b"b"), equality(b"c", b"d")
    assert all_of(one, other) == parse_filter("(&(a=b)(c=d))")
    assert any_of(one, other) == parse_filter("(|(a=b)(c=d))")
    assert all_of(one) == any_of(one) == one
    for put_together in (all_of, any_of):
        with pytest.raises(ValueError):
            put_together()


def test_a_member_of_a_member_is_found_at_active_directory():
    found = member_of_nested(b"memberOf", b"CN=vpn,DC=x")
    assert found == parse_filter("(memberOf:1.2.840.113556.1.4.1941:=CN=vpn,DC=x)")


def escaped(value: bytes) -> str:
    return "".join([f"\\{octet:02x}" for octet in value])


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True), st.binary(max_size=200))
def test_any_value_can_be_written_with_escapes(attribute, value):
    assert parse_filter(f"({attribute}={escaped(value)})") == equality(attribute.encode(), value)


@given(st.text(st.sampled_from("()&|!=*\\<>~:;ab1.- 2c\0ü"), max_size=40))
def test_any_text_is_a_filter_or_refused(text):
    with contextlib.suppress(FilterError):
        parse_filter(text)
