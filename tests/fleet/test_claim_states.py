"""The table of a claimed login's states."""

import pytest

from gateway.fleet.claim_states import TRANSITIONS, ClaimedLogin, ClaimState


def login() -> ClaimedLogin:
    return ClaimedLogin(1, b"l" * 16, b"p" * 16, "owner")


def test_every_state_has_its_row_and_can_be_come_to():
    assert set(TRANSITIONS) == set(ClaimState)
    assert set().union(*TRANSITIONS.values()) == set(ClaimState) - {ClaimState.NEW}


def test_every_state_but_the_last_can_end():
    for state, following in TRANSITIONS.items():
        assert (ClaimState.ENDED in following) is (state not in (ClaimState.NEW, ClaimState.ENDED))


def test_what_the_table_does_not_have_is_an_error():
    one = login()
    one.move(ClaimState.CLAIMING)
    with pytest.raises(ValueError, match="from claiming to pushed"):
        one.move(ClaimState.PUSHED)
    assert repr(one) == "<ClaimedLogin 1 owner/0 claiming>"


def test_a_verdict_is_made_for_the_first_who_is_told_and_once():
    made: list[bytes] = []

    def make() -> bytes:
        made.append(b"accept")
        return made[-1]

    one = login()
    assert one.told() == b""
    one.verdict = make
    assert made == []
    assert (one.told(), one.told(), made) == (b"accept", b"accept", [b"accept"])
