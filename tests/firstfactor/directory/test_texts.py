"""What the directory says, without what it may repeat of ours."""

import pytest

from gateway.firstfactor.directory.texts import MAX_TEXT, without
from gateway.ldap.reader import MessageReader
from gateway.ldap.responses import BindDone
from tests.firstfactor.directory.answers import bind_done


def shown(text: str) -> str:
    """A text as it is read of a bind's answer."""
    (message,) = MessageReader().feed(bind_done(1, 49, text))
    assert isinstance(message, BindDone)
    return message.result.text


@pytest.mark.parametrize("password", ["secret", "no\u00a0break", "tab\there", " blanks ", "\u200bzero", "Tür"])
@pytest.mark.parametrize("text", ["{} is wrong", "wrong: {}", "is {} wrong"])
def test_a_password_is_not_repeated_whatever_characters_it_has(password, text):
    said = without(shown(text.format(password)), password.encode())
    assert "***" in said
    assert password.strip() not in said
    assert shown(password) not in said


def test_octets_that_are_no_text_are_not_repeated_either():
    assert without("\ufffdx is wrong", b"\xffx") == "*** is wrong"


@pytest.mark.parametrize("password", ["Tr0ub4dor&3", "T\u00fcr" * 40])
def test_nor_is_its_beginning_where_a_long_text_is_cut(password):
    for n_before in range(MAX_TEXT - len(password.encode()), MAX_TEXT + 1):
        said = without(shown("x" * n_before + password + "y" * 100), password.encode())
        assert len(said) <= MAX_TEXT
        assert not set(said) & set(password)


def test_nor_are_those_of_many_that_leave_room_for_it():
    said = without(shown("secret " * 5000), b"secret")
    assert said == ("*** " * 250)


@pytest.mark.parametrize("password", [None, b"", b"  "])
def test_without_a_password_a_text_stays(password):
    assert without("as it is", password) == "as it is"
