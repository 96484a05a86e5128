"""Names for what must not be shown."""

from hashlib import blake2b

import pytest

from gateway.engine.digests import PasswordDigests

KEY = bytes(range(32))


@pytest.mark.parametrize("relayed", [b"", b"chap"])
@pytest.mark.parametrize("state", [b"", b"a state"])
def test_hosts_of_all_versions_call_a_password_the_same(relayed: bytes, state: bytes) -> None:
    """Else the same login would be asked for at two hosts of a fleet while one of them is newer."""
    framed = b"".join(len(each).to_bytes(2, "big") + each for each in (b"alice", relayed, state))
    expected = blake2b(framed + b"secret", digest_size=16, key=KEY).digest()
    digests = PasswordDigests(KEY)
    assert digests.password(b"secret", b"alice", relayed, state) == expected
    assert digests.password(b"secret", b"alice", relayed, state) == expected


def test_the_key_is_never_shown() -> None:
    assert KEY.hex() not in repr(PasswordDigests(KEY))
