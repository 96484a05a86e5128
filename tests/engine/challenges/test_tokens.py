"""State as a sealed token: it opens for its user, in its section, until it expires; nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.duoapi.calls import Device
from gateway.engine.challenges.refused import Refused
from gateway.engine.challenges.state import Prompt, State
from gateway.engine.challenges.tokens import MAX_TOKEN_SIZE, NAME_SIZE, Opened, Tokens
from tests.vectors import load, octets

VECTORS = load("state-tokens")
KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
NAME = bytes(range(100, 100 + NAME_SIZE))
UNTIL = 1_800_000_300
PHONE = Device("DPFZRS9FB0D46QFTM891", frozenset({"push", "phone", "sms"}))
STATE = State(Prompt.MENU, UNTIL, has_first_factor=True, menu=(PHONE,))
TOKENS = Tokens([KEY], "radius_server_challenge", "radius_client")
TOKEN = TOKENS.seal(STATE, "jdoe", NAME)


def opened(tokens: Tokens = TOKENS, token: bytes = TOKEN, account: str = "jdoe", now: float = UNTIL - 300):
    return tokens.open(token, account, now)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vectors_open_as_they_say(vector):
    tokens = Tokens([octets(vector, "key_hex")], vector["section"], vector["client"])
    found = tokens.open(octets(vector, "token_hex"), vector["account"], vector["now"])
    assert (found.name if isinstance(found, Refused) else "OPENED") == vector["opens_as"]


@pytest.mark.parametrize(
    "vector", [each for each in VECTORS if each["opens_as"] == "OPENED"], ids=lambda vector: vector["name"]
)
def test_vectors_are_what_is_sealed(vector):
    """Another version of the gateway opens what this one has sealed."""
    tokens = Tokens([octets(vector, "key_hex")], vector["section"], vector["client"])
    menu = tuple(Device(device["device"], frozenset(device["capabilities"])) for device in vector["menu"])
    state = State(Prompt[vector["prompt"]], vector["until"], vector["has_first_factor"], vector["is_kept"], menu)
    token, name = octets(vector, "token_hex"), octets(vector, "nonce_hex")
    assert tokens.seal(state, vector["account"], name) == token
    assert tokens.open(token, vector["account"], vector["now"]) == Opened(name, state)


def test_a_token_opens_for_its_user_until_it_expires():
    assert opened(now=UNTIL - 0.01) == Opened(NAME, STATE)
    assert opened(now=UNTIL) is Refused.EXPIRED


@pytest.mark.parametrize(
    ("section", "client", "account"),
    [
        ("radius_server_challenge", "radius_client", "jane"),
        ("radius_server_challenge", "radius_client", "JDOE"),
        ("radius_server_challenge2", "radius_client", "jdoe"),
        ("radius_server_challenge", "radius_client2", "jdoe"),
        ("radius_server_challenge", "", "radius_client\0jdoe"),
    ],
)
def test_it_opens_for_nobody_else(section, client, account):
    assert opened(Tokens([KEY], section, client), account=account) is Refused.FOREIGN


def test_under_another_key_it_is_forged():
    assert opened(Tokens([OTHER_KEY], "radius_server_challenge", "radius_client")) is Refused.FORGED


def test_while_the_key_is_changed_both_open_and_the_first_one_seals():
    both = Tokens([OTHER_KEY, KEY], "radius_server_challenge", "radius_client")
    assert opened(both) == Opened(NAME, STATE)
    changed = Tokens([OTHER_KEY], "radius_server_challenge", "radius_client")
    assert opened(changed, both.seal(STATE, "jdoe", NAME)) == Opened(NAME, STATE)


@given(st.integers(0, len(TOKEN) - 1), st.integers(1, 255))
def test_whatever_is_changed_it_does_not_open(place, difference):
    changed = TOKEN[:place] + bytes((TOKEN[place] ^ difference,)) + TOKEN[place + 1 :]
    assert opened(token=changed) in (Refused.FORGED, Refused.OTHER_VERSION)


@given(st.binary(max_size=300) | st.binary(max_size=250).map(TOKEN[:3].__add__))
def test_octets_of_others_do_not_open(token):
    assert isinstance(opened(token=token), Refused)


@pytest.mark.parametrize("n_octets", [*range(36), 56, len(TOKEN) - 1])
def test_what_is_cut_off_does_not_open(n_octets):
    assert opened(token=TOKEN[:n_octets]) is Refused.FORGED
    assert opened(token=TOKEN + b"\0") is Refused.FORGED


def test_the_longest_menu_fits_into_an_attribute():
    for n_devices in range(1, 30):
        token = TOKENS.seal(STATE._replace(menu=(PHONE,) * n_devices), "jdoe" * 60, NAME)
        assert len(token) <= MAX_TOKEN_SIZE == 253
        assert isinstance(opened(token=token, account="jdoe" * 60), Opened)


def test_the_same_state_under_another_name_is_another_token():
    other = TOKENS.seal(STATE, "jdoe", bytes(NAME_SIZE))
    assert other[:3] == TOKEN[:3]
    assert other[3 + NAME_SIZE :] != TOKEN[3 + NAME_SIZE :]


@pytest.mark.parametrize("keys", [[], [KEY[:-1]], [KEY, OTHER_KEY, KEY]])
def test_keys_of_another_number_or_size_are_a_mistake_of_ours(keys):
    with pytest.raises(ValueError, match="keys"):
        Tokens(keys, "section", "client")


def test_a_name_of_another_size_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="16 octets"):
        TOKENS.seal(STATE, "jdoe", b"short")


def test_repr_hides_the_keys():
    assert repr(TOKENS) == "<Tokens n_keys=1>"
