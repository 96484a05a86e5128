"""Logins that have ended are remembered for a while."""

from gateway.fleet.claim_states import ClaimedLogin
from gateway.fleet.endings import MOST, Endings


def login(number: int) -> ClaimedLogin:
    return ClaimedLogin(number, b"l" * 16, b"p" * 16, f"owner {number}")


def test_for_thirty_seconds():
    endings = Endings()
    endings.remember(login(1), 100.0)
    endings.remember(login(2), 129.0)
    found = endings.find("owner 1")
    assert found is not None
    assert found.number == 1
    endings.remember(login(3), 130.0)
    assert endings.find("owner 1") is None
    assert endings.find("owner 2") is not None


def test_the_oldest_go_when_there_are_too_many():
    endings = Endings()
    for number in range(MOST + 10):
        endings.remember(login(number), 100.0)
    assert len(endings) == MOST
    assert endings.find("owner 9") is None
    assert endings.find("owner 10") is not None
