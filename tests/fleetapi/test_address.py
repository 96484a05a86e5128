"""Addresses of the store: each form, and for what is none what to write instead, without a password in it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fleetapi.address import BadAddressError, StoreAddress, parse_address, parse_addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("redis://host", StoreAddress("host", 6379)),
        ("redis://host/", StoreAddress("host", 6379)),
        ("REDIS://127.0.0.1:1", StoreAddress("127.0.0.1", 1)),
        ("redis://radgate@a-b.example.:65535/15", StoreAddress("a-b.example.", 65_535, "", "radgate", 15)),
        ("rediss://host:6380/0", StoreAddress("host", 6380, is_tls=True)),
        ("redis://[2001:db8::5]:7000/2", StoreAddress("2001:db8::5", 7000, "", "", 2)),
        ("redis://[::1]", StoreAddress("::1", 6379)),
        ("redis://[fe80::1%eth0]", StoreAddress("fe80::1%eth0", 6379)),
        ("redis://user%40home@host", StoreAddress("host", 6379, "", "user@home")),
        ("unix:///run/redis.sock", StoreAddress("", 0, "/run/redis.sock")),
        ("unix://me@/run/redis.sock?db=3", StoreAddress("", 0, "/run/redis.sock", "me", 3)),
        ("redis+sentinel://s1/mymaster", StoreAddress("s1", 26_379, master="mymaster")),
        ("rediss+sentinel://me@s1:5/my/4", StoreAddress("s1", 5, "", "me", 4, is_tls=True, master="my")),
    ],
)
def test_an_address_says_where_the_store_is(text, address):
    assert parse_address(text) == address


def test_several_stand_with_commas_between_them():
    assert [str(each) for each in parse_addresses("redis://a:1, redis://[::1] ,unix:///s")] == [
        "a:1",
        "[::1]:6379",
        "/s",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "begins with one of redis://"),
        ("host:6379", "write rediss://radgate@redis.example.net:6379/0, say"),
        ("http://host", "begins with one of redis://"),
        ("redis://", "no host's name"),
        ("redis:///0", "no host's name"),
        ("redis://ho st", "neither # nor blanks"),
        ("redis://host\0", "neither # nor blanks"),
        ("redis://host#1", "neither # nor blanks"),
        ("redis://me:hunter2@host", "engine_password_file=PATH"),
        ("redis://:hunter2@host", "engine_password_file=PATH"),
        ("redis://@host", "before @ stands a user's name"),
        (
            "unix:///run/redis@1/x.sock",
            "a user's name; write rediss://radgate@redis.example.net:6379/0, say; in a path write %40 for @",
        ),
        ("redis://host:", "a port is a number from 1 to 65535; write 6379"),
        ("redis://host:0", "a port is a number"),
        ("redis://host:65536", "a port is a number"),
        ("redis://host:0000006379", "a port is a number"),
        ("redis://host:٣", "a port is a number"),
        ("redis://2001:db8::5", "write redis://[2001:db8::5]:6379, say"),
        ("redis://[2001:db8::5", "stands in brackets"),
        ("redis://[host]", "stands in brackets"),
        ("redis://[::1]6379", "stands in brackets"),
        ("redis://host/zero", "the database is a number"),
        ("redis://host/-1", "the database is a number"),
        ("redis://host/0/1", "the database is a number"),
        ("redis://host?db=1", "nothing may stand behind ?"),
        ("unix://run/redis.sock", "a socket has an absolute path"),
        ("unix:///s?database=1", "behind ? there may only be the database"),
        ("redis+sentinel://s1", "write redis+sentinel://s1/mymaster, say"),
        ("redis://a,", "begins with one of redis://"),
        ("redis://a,redis://a:6379", "stands there twice"),
        ("redis://a/0,redis://b/1", "different databases"),
    ],
)
def test_what_is_none_is_told_with_what_to_write(text, told):
    with pytest.raises(BadAddressError) as caught:
        parse_addresses(text)
    assert told in str(caught.value)
    assert "hunter2" not in str(caught.value)


@given(st.one_of(st.text(), st.text(alphabet="redis+tnlux:/@[]?#%.,01a").map("redis://".__add__)))
def test_any_text_is_an_address_or_refused(text):
    with contextlib.suppress(BadAddressError):
        parse_addresses(text)
