"""One list of the keys of secrets, and everybody who has to know them goes by it."""

import re

import pytest

from gateway.cli import bundle
from gateway.config.credentials import has_clear_secrets
from gateway.config.ini import Entry
from gateway.config.kinds import FOREIGN, KEYS
from gateway.config.problems import Place
from gateway.config.protection import clear_key, protected_key
from gateway.config.redaction import redact_config
from gateway.config.secret_keys import SECRET_FILES, SECRETS, SecretKeys, names_secret_file, secret_keys
from gateway.config.surroundings import FileContent, Surroundings
from tests.config.files import MINIMAL, problems_of

KNOWN = frozenset().union(*KEYS.values(), *FOREIGN.values())
NUMBERED = [keys.numbered("12") for keys in SECRETS]
NO_SECRET = {"delimited_password_length", "rikey"}  # an integration key is none


def test_every_key_that_may_hold_a_secret_is_in_the_list():
    named = {key for key in KNOWN if re.search("secret|skey|password|token|rikey|_key_file|_protected", key)}
    assert named - NO_SECRET == {key for key in KNOWN if secret_keys(key.replace("N", "1")) or names_secret_file(key)}


def test_a_secret_that_is_read_can_be_given_in_every_way():
    for keys in SECRETS:
        ways = KEYS["main"] & set(keys.all)
        assert ways in (set(), set(keys.all))


@pytest.mark.parametrize("keys", NUMBERED, ids=lambda keys: keys.clear)
class TestEach:
    def test_every_twin_leads_to_all(self, keys: SecretKeys):
        assert [secret_keys(key) for key in keys.all] == [keys] * len(keys.all)

    def test_the_mode_of_the_file_counts_where_it_is_clear(self, keys: SecretKeys):
        assert [key for key in keys.all if has_clear_secrets([Entry("main", key, "x", Place("", 1))])] == [keys.clear]

    def test_it_can_be_protected_and_revealed(self, keys: SecretKeys):
        assert [protected_key(key) for key in keys.all if protected_key(key)] == [keys.protected]
        assert [clear_key(key) for key in keys.all if clear_key(key)] == [keys.clear]
        assert (protected_key(keys.clear), clear_key(keys.protected)) == (keys.protected, keys.clear)

    def test_no_configuration_that_is_shown_has_it(self, keys: SecretKeys):
        for key in (keys.clear, keys.protected):
            octets = f"[main]\n{key}=hunter2\n".encode()
            text, hidden = redact_config(octets, [])
            assert "hunter2" not in text, key
            assert b"hunter2" in hidden, key

    def test_the_bundle_looks_into_its_files(self, keys: SecretKeys):
        assert [key for key in keys.all if names_secret_file(key)] == list(keys.files)
        assert all(found(key) == b"hunter2" for key in keys.files)


@pytest.mark.parametrize("key", sorted(SECRET_FILES))
def test_the_bundle_looks_into_files_that_are_secrets_as_a_whole(key):
    assert found(key) == b"hunter2"


def found(key: str) -> bytes:
    """What the bundle hides for an entry."""
    surroundings = Surroundings(folder="/etc", read_file=lambda _: FileContent(b"hunter2\n", 0o600))
    return bundle._secret_of(Entry("main", key, "/cred/x", Place("", 1)), surroundings, b"")


@pytest.mark.parametrize(
    "key", ["", "ikey", "radius_secret", "radius_secret_file", "skey_1x", "skey_file_protected", "exempt_username_1"]
)
def test_other_keys_give_none(key):
    assert secret_keys(key) is None
    assert not names_secret_file(key)


def test_another_spelling_is_read_and_never_suggested():
    files = {"/s": b"a shared secret that is long"}
    text = re.sub("radius_secret_1=.*", "radius_secret_file_1=/s", MINIMAL)
    assert not problems_of(text, files)
    (problem,) = problems_of(text.replace("secret_file_1", "secret_fil_1"), files)
    assert problem.text == "is not known; write radius_secret_1_file"
