"""What else may be joined than logins under way here."""

import pytest

from gateway.engine.digests import Digests
from gateway.engine.pending import PendingLogins
from gateway.engine.places import Places
from gateway.engine.same_logins import SameLogins
from gateway.engine.verdict import REJECT, Verdict
from gateway.words.reasons import Reason

DIGESTS = Digests(bytes(32))
KEY = b"alice's login"
DENIED = Verdict(REJECT, Reason.DUO_DENIED, "", "")


@pytest.fixture
def same() -> SameLogins:
    return SameLogins(DIGESTS, PendingLogins(Places(1)))


def test_another_workers_login_is_known_by_its_digest_and_others_by_their_keys(same):
    same.adopt(DIGESTS.login(KEY))
    assert same.known_as(KEY) == DIGESTS.login(KEY)
    assert same.known_as(b"bob's login") == b"bob's login"


def test_a_rejection_can_be_joined_until_it_has_left(same):
    same.hold_back(KEY, DENIED, 2.0)
    assert same.rejection(KEY) == (DENIED, 2.0)
    same.rejection_left(KEY, 2.0)
    assert same.rejection(KEY) is None


def test_another_workers_login_that_has_ended_is_known_until_its_rejection_has_left(same):
    digest = DIGESTS.login(KEY)
    same.adopt(digest)
    same.hold_back(digest, DENIED, 2.0)
    same.ended(digest)
    assert same.known_as(KEY) == digest
    same.rejection_left(digest, 2.0)
    assert same.known_as(KEY) == KEY
