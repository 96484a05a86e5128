"""What the gateway asks is what the bench's directory reads, however it is cut."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.directory.requests import Bind, Extended, Other, SaslBind, Search, Unbind, cut, read_request
from gateway.ldap.ber import SEQUENCE, BerError, element, integer
from gateway.ldap.filters import all_of, any_of, equality
from gateway.ldap.requests import START_TLS, Scope, sasl_bind, search, simple_bind, start_tls

numbers = st.integers(1, 2**31 - 1)
limits = st.integers(0, 2**31 - 1)
texts = st.text(max_size=80)
filters = st.recursive(
    st.builds(equality, st.binary(max_size=20), st.binary(max_size=200)),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda each: all_of(*each)),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: any_of(*each)),
    ),
    max_leaves=6,
)


def unbind(number: int) -> bytes:
    """Return what says that the connection is done with (RFC 4511 section 4.3); the gateway hangs up without it."""
    return element(SEQUENCE, integer(number) + element(0x42, b""))


@given(numbers, texts, texts.filter(bool))
def test_a_bind(number, name, password):
    octets = simple_bind(number, name.encode(), password.encode())
    assert read_request(octets) == Bind(number, name, password)


@given(numbers, st.binary(max_size=300))
def test_a_step_of_sasl(number, credentials):
    assert read_request(sasl_bind(number, b"GSS-SPNEGO", credentials)) == SaslBind(number, b"GSS-SPNEGO", credentials)


@given(numbers, texts, st.sampled_from(Scope), filters, st.lists(st.binary(max_size=30), max_size=4), limits, limits)
def test_a_search(number, base, scope, encoded_filter, attributes, size_limit, time_limit_s):
    octets = search(number, base.encode(), scope, encoded_filter, attributes, size_limit, time_limit_s)
    wanted = tuple([name.lower() for name in attributes])
    assert read_request(octets) == Search(number, base, scope, size_limit, encoded_filter, wanted)


@given(numbers)
def test_the_beginning_of_tls_and_the_end(number):
    assert read_request(start_tls(number)) == Extended(number, START_TLS)
    assert read_request(unbind(number)) == Unbind(number)


def test_what_is_not_known_is_told_by_its_tag():
    assert read_request(bytes.fromhex("3006 020109 500102")) == Other(9, 0x50)


@given(st.lists(numbers.map(unbind), max_size=4), st.integers(0, 20))
def test_messages_are_cut_where_they_end(messages, n_more):
    more = start_tls(1)[:n_more]
    assert cut(b"".join(messages) + more) == (messages, more)


@pytest.mark.parametrize("octets", [b"GET /", b"\x30\x80", b"\x30\x84\x00\x01\x00\x00"])
def test_what_is_no_message_is_refused(octets):
    with pytest.raises(BerError):
        cut(octets)


@given(st.binary(max_size=60))
def test_any_octets_are_a_request_or_refused(octets):
    with contextlib.suppress(BerError):
        read_request(element(SEQUENCE, octets))
