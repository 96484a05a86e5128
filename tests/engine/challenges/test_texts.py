"""Menus in words."""

import pytest

from gateway.duoapi.calls import Device
from gateway.engine.challenges.menu import menu_of
from gateway.engine.challenges.texts import MAX_SHORT, console_text, enrolment_text, short_text

EVERYTHING = frozenset({"auto", "push", "phone", "sms", "mobile_otp"})
PHONE = Device("DP1", EVERYTHING, "XXX-XXX-1234")
TABLET = Device("DP2", frozenset({"auto", "push"}), "iPad")
NAMELESS = Device("DP3", frozenset({"phone"}))

CONSOLE = """\
Duo two-factor login for jdoe

Enter a passcode or select one of the following options:

1. Duo Push to XXX-XXX-1234
2. Phone call to XXX-XXX-1234
3. SMS passcodes to XXX-XXX-1234

Passcode or option (1-3)"""


def test_the_console_form_is_word_for_word_that_of_duos_proxy():
    """guide.duo.com/challenge-mode."""
    assert console_text("jdoe", [PHONE]) == CONSOLE


def test_devices_without_a_number_are_called_by_their_name_or_not_at_all():
    lines = console_text("jdoe", [TABLET, NAMELESS]).splitlines()
    assert lines[4:6] == ["1. Duo Push to iPad", "2. Phone call"]
    assert lines[-1] == "Passcode or option (1-2)"


def test_the_next_passcode_that_was_sent_is_hinted_at():
    phone = Device("DP1", EVERYTHING, "XXX-XXX-1234", "2")
    assert "3. SMS passcodes to XXX-XXX-1234 (next code starts with: 2)" in console_text("jdoe", [phone])
    assert console_text("jdoe", [phone]).count("next code") == 1


@pytest.mark.parametrize("number", ["+15555551234", "555-555-1234", "+44 (20) 5550 1234", "1234", "XXX-XXX-1234"])
def test_no_more_than_the_end_of_a_number_is_shown(number):
    phone = Device("DP1", EVERYTHING, number)
    assert console_text("jdoe", [phone]) == CONSOLE
    assert "XXX-1234" in short_text([phone])
    assert "555" not in short_text([phone])


def test_a_menu_that_does_not_fit_into_one_attribute_begins_with_the_question():
    text = console_text("jdoe", [PHONE, TABLET, PHONE])
    assert len(text) > 200
    assert text.startswith("Passcode or option (1-7)\n\n1. Duo Push to XXX-XXX-1234\n2. ")
    assert text.endswith("\n7. SMS passcodes to XXX-XXX-1234")


def test_octets_count_and_not_letters():
    assert console_text("j" * 20, [PHONE]).startswith("Duo two-factor")
    assert console_text("é" * 20 + "j" * 20, [PHONE]).startswith("Passcode or option")


def test_with_nothing_to_choose_from_a_passcode_is_asked_for():
    assert console_text("jdoe", []) == "Duo two-factor login for jdoe\n\nEnter a passcode:"
    assert short_text([]) == "Enter a passcode:"


def test_the_short_form_is_one_line():
    assert short_text([PHONE]) == "Passcode or 1=push XXX-1234 2=phone XXX-1234 3=sms XXX-1234"
    assert short_text([TABLET, NAMELESS]) == "Passcode or 1=push iPad 2=phone"


def test_the_short_form_is_ascii_and_has_an_end():
    tablet = Device("DP2", frozenset({"push"}), "Zoës Tablet")
    text = short_text(menu_of([tablet, *[PHONE] * 50]))
    assert text.isascii()
    assert len(text) <= MAX_SHORT
    assert text.startswith("Passcode or 1=push 2=push XXX-1234")


def test_the_longest_menu_fits_into_a_reply():
    assert len(console_text("j" * 253, menu_of([PHONE] * 100)).encode()) < 4000


@pytest.mark.parametrize(
    ("status_msg", "url", "text"),
    [
        ("", "https://d.test/p?code=1", "Enroll an authentication device to proceed https://d.test/p?code=1"),
        ("Enrol now", "https://d.test", "Enrol now https://d.test"),
        ("", "", "Enroll an authentication device to proceed"),
    ],
)
def test_whoever_is_not_enrolled_is_told_where(status_msg, url, text):
    assert enrolment_text(status_msg, url) == text
