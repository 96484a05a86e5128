"""What people type."""

import pytest

from gateway.duoapi.calls import Factor
from gateway.engine.typed_factor import TypedFactor, read_factor, read_factor_or_auto

MODHEX = "cccccccbdefghijklnrtuvcbdefghijklnrtuvcbdefg"


@pytest.mark.parametrize(
    ("typed", "meaning"),
    [
        ("push", TypedFactor(Factor.PUSH)),
        ("Push ", TypedFactor(Factor.PUSH)),
        ("  PHONE", TypedFactor(Factor.PHONE)),
        ("sms", TypedFactor(Factor.SMS)),
        ("push2", TypedFactor(Factor.PUSH, 2)),
        ("phone10", TypedFactor(Factor.PHONE, 10)),
        ("123456", TypedFactor(Factor.PASSCODE, passcode="123456")),
        (" 123 456 ", TypedFactor(Factor.PASSCODE, passcode="123456")),
        ("1234567890", TypedFactor(Factor.PASSCODE, passcode="1234567890")),
        (MODHEX, TypedFactor(Factor.PASSCODE, passcode=MODHEX)),
        (MODHEX.upper(), TypedFactor(Factor.PASSCODE, passcode=MODHEX)),
    ],
)
def test_passcodes_and_factor_words_are_recognised(typed, meaning):
    assert read_factor(typed) == meaning


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "12345",
        "12345678901",
        "push0",
        "push 2",
        "push100",
        "pushy",
        "Winter2026!",
        "123456a",
        MODHEX[:-1],
        "puſh",
        "ſms",
        "pushK",
        "１２３４５６",
    ],
)
def test_everything_else_is_neither(typed):
    assert read_factor(typed) is None


def test_repr_hides_a_passcode():
    assert repr(TypedFactor(Factor.PASSCODE, passcode="123456")) == "<TypedFactor passcode>"
    assert repr(TypedFactor(Factor.PUSH, 2)) == "<TypedFactor push2>"


@pytest.mark.parametrize(
    ("typed", "meaning"),
    [
        (" Auto", TypedFactor(Factor.AUTO)),
        ("auto12", TypedFactor(Factor.AUTO, 12)),
        ("push2", TypedFactor(Factor.PUSH, 2)),
        ("auto0", None),
        ("auto100", None),
    ],
)
def test_where_auto_can_be_typed_it_is_a_factor_as_well(typed, meaning):
    assert read_factor_or_auto(typed) == meaning
