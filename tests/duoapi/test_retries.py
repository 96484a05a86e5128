"""What is asked of Duo again, and when."""

from email.utils import formatdate

import pytest

from gateway.duoapi.calls import Auth, AuthStatus, Call, Check, Factor, Ping, Preauth, Refusal
from gateway.duoapi.flavours import V1, V2, Flavour
from gateway.duoapi.retries import (
    RATE_LIMIT_WAITS_S,
    Next,
    after_refusal,
    flavour_after,
    is_repeatable,
    rate_limit_wait_s,
    trouble_of,
)
from gateway.unavailable import Trouble

WRONG_TYPE = Refusal(403, 40301, "Access forbidden", "Wrong integration type for this API.")
DATE_OFF = Refusal(401, 40105, "Bad request timestamp")
DATE_UNREADABLE = Refusal(401, 40104, "Missing timestamp")
WRONG_KEYS = Refusal(401, 40103, "Invalid signature in request credentials")
MINUTES_S = 60.0
UNIX_NOW = 1_800_000_000.0


# Refusals.


@pytest.mark.parametrize(
    ("asked_in", "in_use", "may_change", "then"),
    [
        (V2, V2, True, V1),
        (V2, V1, True, V1),  # another call was quicker
        (V2, V1, False, V1),  # and one was answered in v1 since
        (V2, V2, False, V2),
        (V1, V1, True, V2),  # neither is allowed
        (V1, V2, True, V2),
        (V1, V1, False, V1),
    ],
)
def test_a_wrong_application_type_changes_the_flavour_where_that_may_be(
    asked_in: Flavour, in_use: Flavour, may_change: bool, then: Flavour
):
    assert flavour_after(WRONG_TYPE, asked_in, in_use, may_change) is then
    is_asked_again = asked_in is V2 and then is V1
    step = after_refusal(WRONG_TYPE, Check(), asked_in, then, was_misdated=False)
    assert step is (Next.ASK_IN_V1 if is_asked_again else Next.GIVE_UP)


@pytest.mark.parametrize("refusal", [DATE_OFF, DATE_UNREADABLE, WRONG_KEYS])
@pytest.mark.parametrize("flavour", [V1, V2])
def test_no_other_refusal_changes_it(refusal: Refusal, flavour: Flavour):
    assert flavour_after(refusal, flavour, flavour, may_change=True) is flavour


@pytest.mark.parametrize("refusal", [DATE_OFF, DATE_UNREADABLE])
def test_a_date_that_is_off_is_mended_once(refusal: Refusal):
    assert after_refusal(refusal, Check(), V2, V2, was_misdated=False) is Next.ASK_BY_DUOS_CLOCK
    assert after_refusal(refusal, Check(), V2, V2, was_misdated=True) is Next.GIVE_UP


def test_a_ping_has_no_date_to_mend():
    assert after_refusal(DATE_OFF, Ping(), V2, V2, was_misdated=False) is Next.GIVE_UP


def test_wrong_keys_stay_wrong():
    assert after_refusal(WRONG_KEYS, Check(), V2, V2, was_misdated=False) is Next.GIVE_UP


@pytest.mark.parametrize(
    ("refusal", "trouble", "detail"),
    [
        (
            WRONG_KEYS,
            Trouble.CONFIGURATION,
            "Duo answered 40103 Invalid signature in request credentials; check skey",
        ),
        (DATE_OFF, Trouble.CLOCK, "Duo answered 40105 Bad request timestamp; check this machine's clock"),
        (Refusal(403, 40399, "No", "Never"), Trouble.CONFIGURATION, "Duo answered 40399 No; Never"),
    ],
)
def test_what_is_given_up_says_what_duo_said_and_what_to_check(refusal: Refusal, trouble: Trouble, detail: str):
    given_up = trouble_of(refusal)
    assert (given_up.trouble, given_up.detail) == (trouble, detail)


# 429.


def wait_s(n_waits: int = 0, retry_after: str = "", drawn: float = 0.25, left_s: float = MINUTES_S) -> float | None:
    return rate_limit_wait_s(n_waits, retry_after, drawn, UNIX_NOW, left_s)


def test_waits_grow_and_end():
    n = len(RATE_LIMIT_WAITS_S)
    assert [wait_s(n_waits) for n_waits in range(n + 1)] == [1.25, 2.25, 4.25, None]


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (formatdate(UNIX_NOW + 5, usegmt=True), 5.0),
        (formatdate(UNIX_NOW - 5, usegmt=True), 0.0),
        ("soon", 1.25),
        ("-1", 1.25),
        ("٣", 1.25),
    ],
)
def test_duo_may_say_when(retry_after: str, seconds: float):
    assert wait_s(retry_after=retry_after) == seconds


def test_even_the_longest_number_is_one():
    assert wait_s(retry_after="9" * 400) is None


def test_a_wait_that_does_not_fit_into_the_time_left_is_none():
    assert wait_s(retry_after="5", left_s=5.0) is None
    assert wait_s(retry_after="5", left_s=5.1) == 5.0


# Lost connections.


@pytest.mark.parametrize(
    ("call", "is_harmless"),
    [
        (Ping(), True),
        (Check(), True),
        (Preauth("alice", "203.0.113.7", wants_devices=True), True),
        (AuthStatus("tx", 5.0), True),
        (Auth("alice", Factor.PASSCODE, passcode="123456"), True),
        (Auth("alice", Factor.PUSH), False),
        (Auth("alice", Factor.PHONE), False),
        (Auth("alice", Factor.SMS), False),
    ],
)
def test_what_does_no_harm_twice_may_be_asked_twice(call: Call, is_harmless: bool):
    assert is_repeatable(call) is is_harmless
