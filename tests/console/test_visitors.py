"""Who may look."""

import pytest

from gateway.console.visitors import LOCKED_OUT_S, MAX_ENDED, MAX_FAILURES, SESSION_S, Patience, Sessions, Token

TOKEN = Token(b"0123456789abcdef")


@pytest.mark.parametrize("header", ["Bearer 0123456789abcdef", "bearer  0123456789abcdef "])
def test_the_token(header):
    assert TOKEN.is_given_by(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "0123456789abcdef",
        "Basic 0123456789abcdef",
        "Bearer 0123456789abcdeF",
        "Bearer é\udcff",
    ],
)
def test_no_token(header):
    assert not TOKEN.is_given_by(header)


def test_nothing_shows_a_token_or_a_key():
    assert "0123" not in repr(TOKEN)
    assert "secret" not in repr(Sessions(b"secret"))


def test_a_session_holds_until_it_ends():
    sessions = Sessions(b"key")
    cookie = sessions.begin("nonce", 1000.0)
    assert sessions.is_valid(cookie, 1000.0)
    assert sessions.is_valid(cookie, 999.0 + SESSION_S)
    assert not sessions.is_valid(cookie, 1001.0 + SESSION_S)


@pytest.mark.parametrize(
    "cookie", ["", ".", "..", "99999999.nonce", "99999999.nonce.", "99999999.nonce.abc", "é.é.é", "\udcff"]
)
def test_a_cookie_that_is_not_ours(cookie):
    assert not Sessions(b"key").is_valid(cookie, 0.0)


def test_a_session_cannot_be_prolonged_or_carried_to_another_console():
    sessions = Sessions(b"key")
    end, rest = sessions.begin("nonce", 0.0).split(".", 1)
    assert not sessions.is_valid(f"{int(end) + 1}.{rest}", 0.0)
    assert not Sessions(b"another key").is_valid(f"{end}.{rest}", 0.0)


def test_a_session_that_was_ended_is_none_and_the_others_go_on():
    sessions = Sessions(b"key")
    mine, other = sessions.begin("mine", 0.0), sessions.begin("other", 0.0)
    sessions.end(mine, 1.0)
    sessions.end("99999999.nonce.abc", 1.0)
    assert not sessions.is_valid(mine, 1.0)
    assert sessions.is_valid(other, 1.0)


def test_memory_for_ended_sessions_is_bounded_and_none_of_them_comes_back():
    sessions = Sessions(b"key")
    cookies = [sessions.begin(str(number), float(number)) for number in range(MAX_ENDED + 100)]
    later = sessions.begin("later", MAX_ENDED + 100.0)
    for cookie in cookies:
        sessions.end(cookie, 0.0)
    assert len(sessions._ended) == MAX_ENDED
    assert not any(sessions.is_valid(cookie, 0.0) for cookie in cookies)
    assert sessions.is_valid(later, 0.0)
    sessions.end(later, 99.0 + MAX_ENDED + SESSION_S)
    assert len(sessions._ended) == 1


def test_those_who_guess_are_not_heard_for_a_while():
    patience = Patience()
    for _ in range(MAX_FAILURES):
        assert patience.locked_out_s("10.0.0.1", 5.0) == 0
        patience.failed("10.0.0.1", 5.0)
    assert patience.locked_out_s("10.0.0.1", 6.0) == LOCKED_OUT_S - 1
    assert patience.locked_out_s("10.0.0.2", 6.0) == 0
    assert patience.locked_out_s("10.0.0.1", 5.0 + LOCKED_OUT_S) == 0
    patience.failed("10.0.0.1", 6.0 + LOCKED_OUT_S)
    assert patience.locked_out_s("10.0.0.1", 6.0 + LOCKED_OUT_S) == 0


def test_success_forgives():
    patience = Patience()
    for _ in range(MAX_FAILURES - 1):
        patience.failed("10.0.0.1", 0.0)
    patience.succeeded("10.0.0.1")
    patience.failed("10.0.0.1", 0.0)
    assert patience.locked_out_s("10.0.0.1", 0.0) == 0


@pytest.mark.parametrize(
    ("first", "second", "are_one"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "10.0.0.1", False),  # a visitor who went before the address could be asked for
        ("", "", True),
    ],
)
def test_an_ipv6_site_counts_as_one(first, second, are_one):
    patience = Patience()
    for _ in range(MAX_FAILURES):
        patience.failed(first, 0.0)
    assert (patience.locked_out_s(second, 0.0) > 0) is are_one


def test_memory_for_guessers_is_bounded():
    patience = Patience()
    for number in range(5_000):
        patience.failed(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}", 0.0)
    assert len(patience._failures) == 1_024
