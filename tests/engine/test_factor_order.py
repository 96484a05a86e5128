"""Which factor a login gets for which none was typed."""

import pytest

from gateway.duoapi.calls import AUTO, PASSCODE, PHONE, PUSH, Device
from gateway.engine.factor_order import choose_factor, device_for, wants_devices

SMARTPHONE = Device("DP1", frozenset({"auto", "push", "phone", "sms", "mobile_otp"}))
LANDLINE = Device("DP2", frozenset({"auto", "phone"}))
TOKEN = Device("DH3")


@pytest.mark.parametrize(
    ("factors", "devices", "chosen"),
    [
        ([AUTO], [SMARTPHONE], AUTO),
        ([AUTO], [LANDLINE], AUTO),
        ([AUTO], [TOKEN], None),
        ([AUTO, PASSCODE], [TOKEN], PASSCODE),
        ([PUSH, PHONE], [LANDLINE, SMARTPHONE], PUSH),
        ([PHONE, PUSH], [LANDLINE, SMARTPHONE], PHONE),
        ([PUSH, PHONE], [TOKEN, LANDLINE], PHONE),
        ([PUSH], [LANDLINE], None),
        ([PUSH, PASSCODE], [LANDLINE], PASSCODE),
        ([PASSCODE, PUSH], [SMARTPHONE], PASSCODE),
        ([PUSH, PASSCODE], [], PUSH),
    ],
)
def test_the_first_factor_is_taken_that_a_device_can_do(factors, devices, chosen):
    assert choose_factor(factors, devices) is chosen


@pytest.mark.parametrize(
    ("factors", "does"), [([AUTO], False), ([PUSH], False), ([PASSCODE, PUSH], False), ([PUSH, PASSCODE], True)]
)
def test_devices_are_asked_for_only_where_they_decide(factors, does):
    assert wants_devices(factors) is does


V1 = [Device(word, frozenset({word[:-1]})) for word in ("phone1", "push2", "phone2", "push3")]
"""A landline, and two smartphones, as v1 lists them."""


@pytest.mark.parametrize(
    ("factor", "devices", "device"),
    [
        (PUSH, V1, "push2"),
        (PHONE, V1, "phone1"),
        (AUTO, V1, "auto"),
        (PUSH, [LANDLINE, SMARTPHONE], "auto"),
        (PUSH, [], "auto"),
    ],
)
def test_v1_is_told_the_phone_that_can_do_it_and_v2_finds_it_by_itself(factor, devices, device):
    assert device_for(factor, devices) == device
