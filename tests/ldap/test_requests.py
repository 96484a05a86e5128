"""Requests, octet by octet: RFC 4511 section 4 by hand."""

import pytest

from gateway.ldap.filters import equality
from gateway.ldap.requests import Scope, sasl_bind, search, simple_bind, start_tls


def test_a_simple_bind():
    assert simple_bind(1, b"cn=a", b"pw") == bytes.fromhex("3012 020101 600d 020103 0404 636e3d61 8002 7077")


def test_a_step_of_sasl_has_no_name():
    octets = "301e 020102 6019 020103 0400 a312 040a 4753532d53504e45474f 0404 00ff4e54"
    assert sasl_bind(2, b"GSS-SPNEGO", b"\x00\xffNT") == bytes.fromhex(octets)


def test_a_search_names_its_attributes_and_limits():
    found = search(300, b"dc=x", Scope.SUBTREE, equality(b"uid", b"al"), [b"1.1", b"uid"], 2, 10)
    assert found == bytes.fromhex(
        "3032 0202012c 632c 0404 64633d78 0a0102 0a0100 020102 02010a 010100 a309 0403 756964 0402 616c"
        "300a 0403 312e31 0403 756964"
    )


@pytest.mark.parametrize(("scope", "octets"), [(Scope.BASE, "0a0100"), (Scope.ONE_LEVEL, "0a0101")])
def test_a_search_looks_as_far_as_it_is_told(scope, octets):
    found = search(1, b"", scope, b"\x87\x0bobjectClass", [], 0, 0)
    assert (
        found == bytes.fromhex(f"3025 020101 6320 0400 {octets} 0a0100 020100 020100 010100 870b") + b"objectClass0\0"
    )


def test_start_tls_is_an_extended_operation_without_a_value():
    assert start_tls(1) == b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"


def test_an_empty_password_is_never_sent():
    with pytest.raises(ValueError, match="needs a password"):
        simple_bind(1, b"cn=a", b"")


@pytest.mark.parametrize("number", [-1, 0, 2**31])
def test_a_request_has_a_number_that_the_server_may_answer_with(number):
    with pytest.raises(ValueError):
        start_tls(number)


def test_the_largest_number_is_sent():
    assert start_tls(2**31 - 1)[:8] == bytes.fromhex("3020 02047fffffff")
