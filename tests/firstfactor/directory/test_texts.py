"""What the directory says, without what it may repeat of ours."""

import pytest

from gateway.firstfactor.directory.texts import without
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


@pytest.mark.parametrize("password", [None, b"", b"  "])
def test_without_a_password_a_text_stays(password):
    assert without("as it is", password) == "as it is"
