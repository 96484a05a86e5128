"""What a person may choose from, and what the answer means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.duoapi.calls import PASSCODE, PHONE, PUSH, SMS, Device
from gateway.engine.challenges.menu import MAX_DEVICES, Choice, menu_of, options_of, read_answer
from gateway.engine.typed_factor import TypedFactor

LANDLINE = Device("DP1", frozenset({"auto", "phone"}))
SMARTPHONE = Device("DP2", frozenset({"auto", "push", "phone", "sms", "mobile_otp"}))
TABLET = Device("DP3", frozenset({"auto", "push"}))
TOKEN = Device("DH4")
MENU = (LANDLINE, SMARTPHONE, TABLET)


def test_a_menu_has_the_devices_that_have_an_option_in_their_order():
    assert menu_of([TOKEN, LANDLINE, SMARTPHONE, TOKEN, TABLET]) == MENU
    assert menu_of([TOKEN]) == ()
    assert len(menu_of([LANDLINE] * 100)) == MAX_DEVICES


def test_options_are_push_call_and_sms_of_each_device_numbered_through():
    assert [(option.factor, option.ordinal, option.device.device) for option in options_of(MENU)] == [
        (PHONE, 1, "DP1"),
        (PUSH, 1, "DP2"),
        (PHONE, 2, "DP2"),
        (SMS, 1, "DP2"),
        (PUSH, 2, "DP3"),
    ]


@pytest.mark.parametrize(
    ("answer", "choice"),
    [
        ("1", Choice(TypedFactor(PHONE, 1), "DP1")),
        (" 5 ", Choice(TypedFactor(PUSH, 2), "DP3")),
        ("04", Choice(TypedFactor(SMS, 1), "DP2")),
        ("Push", Choice(TypedFactor(PUSH, 1), "DP2")),
        ("push2", Choice(TypedFactor(PUSH, 2), "DP3")),
        ("phone2", Choice(TypedFactor(PHONE, 2), "DP2")),
        ("sms", Choice(TypedFactor(SMS, 1), "DP2")),
        ("123 456", Choice(TypedFactor(PASSCODE, 0, "123456"))),
    ],
)
def test_an_answer_is_a_number_a_word_or_a_passcode(answer, choice):
    assert read_answer(answer, MENU) == choice


@pytest.mark.parametrize("answer", ["", "  ", "0", "6", "99", "100", "-1", "１", "²", "push3", "sms2", "auto", "hello"])
def test_all_else_is_no_answer(answer):
    assert read_answer(answer, MENU) is None


def test_a_word_for_which_no_device_is_there_is_no_answer():
    assert read_answer("push", (LANDLINE,)) is None


def test_where_no_devices_are_known_words_are_for_duo_to_understand():
    assert read_answer("push2", ()) == Choice(TypedFactor(PUSH, 2))
    assert read_answer("phone", ()) == Choice(TypedFactor(PHONE))
    assert read_answer("1", ()) is None


@pytest.mark.parametrize(
    ("answer", "device"),
    [("push2", "push2"), ("push3", "push3"), ("push", "push2"), ("PHONE2", "phone2"), ("2", "push2"), ("4", "push3")],
)
def test_a_word_of_v1s_list_is_meant_as_it_is_listed(answer, device):
    """Its number is the phone's, whatever phones before it can do."""
    words = ("phone1", "push2", "phone2", "push3")
    menu = tuple(Device(word, frozenset({word[:-1]})) for word in words)
    choice = read_answer(answer, menu)
    assert choice is not None
    assert choice.device == device


def test_devices_whose_names_are_not_known_are_chosen_by_number():
    menu = tuple(Device("", device.capabilities) for device in MENU)
    assert read_answer("5", menu) == Choice(TypedFactor(PUSH, 2))


@given(st.text(max_size=130), st.lists(st.sampled_from(MENU), max_size=30))
def test_any_text_is_an_answer_or_none(text, devices):
    choice = read_answer(text, menu_of(devices))
    assert choice is None or choice.device in {"", "DP1", "DP2", "DP3"}
