"""What a first factor is asked and answers: values that show no credentials, and forget them."""

import pytest

from gateway.engine.first_factor import Accepted, Challenged, CheckFirstFactor, Refused
from gateway.radius.hidden import Hop
from gateway.radius.shared_secret import SharedSecret

PASSWORD = b"hunter2"
HOP = Hop(SharedSecret(b"hunter2"), b"hunter2" + bytes(9))


@pytest.mark.parametrize(
    "value",
    [
        CheckFirstFactor(b"alice", PASSWORD, b"\x03\x09" + PASSWORD, PASSWORD, "10.0.0.5:1812"),
        Accepted(b"\x1a\x09" + PASSWORD, "10.0.0.5:1812", HOP),
        Challenged(PASSWORD, "10.0.0.5:1812", b"\x18\x09" + PASSWORD),
    ],
)
def test_credentials_are_not_shown(value):
    assert "hunter2" not in repr(value)
    assert "10.0.0.5:1812" in repr(value)


def test_they_are_forgotten():
    question = CheckFirstFactor(b"alice", PASSWORD, b"\x03\x09" + PASSWORD, PASSWORD)
    question.forget()
    assert question == CheckFirstFactor(b"alice")


def test_an_empty_password_is_none_that_is_missing():
    assert CheckFirstFactor(b"alice", b"") != CheckFirstFactor(b"alice")


def test_a_refusal_tells_why():
    assert Refused("first_factor_rejected", "Go away", b"", "10.0.0.5:1812").text == "Go away"
