"""Who the workers are to be: another user by root's leave alone, and our own at any time."""

import grp
import os
import pwd

import pytest

from gateway.supervisor.identity import SAME_IDENTITY, Identity, UnknownIdentity, find_identity

NOBODY = pwd.getpwnam("nobody")
GROUP = grp.getgrgid(NOBODY.pw_gid).gr_name


@pytest.fixture
def become(monkeypatch):
    """Have this process taken for another user's."""

    def become(user_id: int, group_id: int) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: user_id)
        monkeypatch.setattr(os, "getegid", lambda: group_id)

    return become


def test_root_may_name_anybody(become):
    become(0, 0)
    assert find_identity("nobody", None) == Identity(NOBODY.pw_uid, NOBODY.pw_gid)
    assert find_identity(None, None) == SAME_IDENTITY


@pytest.mark.parametrize("names", [("nobody", None), ("nobody", GROUP), (None, GROUP), (None, None)])
def test_who_is_named_already_stays_who_he_is(become, names):
    """As by `User=` in the unit, with `user=` in a file that was written for root."""
    become(NOBODY.pw_uid, NOBODY.pw_gid)
    assert find_identity(*names) == SAME_IDENTITY


@pytest.mark.parametrize(
    ("names", "key"), [(("root", None), "user"), ((None, "root"), "group"), (("nobody", "root"), "user")]
)
def test_nobody_but_root_becomes_another_one(become, names, key):
    become(NOBODY.pw_uid, NOBODY.pw_gid)
    with pytest.raises(UnknownIdentity, match="started by root, or as these") as caught:
        find_identity(*names)
    assert caught.value.key == key
