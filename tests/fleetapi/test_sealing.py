"""What is sealed opens under one of the fleet keys with the same associated octets, and in no other way."""

import itertools
import random

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from gateway.fleetapi import sealing
from gateway.fleetapi.sealing import OVERHEAD, Sealer
from tests.compiled import only_interpreted

KEY = bytes(range(32))
OTHER = bytes(range(100, 132))
VECTOR = "eff5b165224a58b791df6af1d8303e61cdc4bb86c3d1c427103c344c416dc37abdff16c6e7f7832b4e87ca1f0cc3ca2ea13d"
DIGEST_KEY = "6b6fc2711b9b627fc6191864674d453f372bc69a2bc2aae25a41d37872ff3fc1"


def sealer(*keys: bytes, seed: int = 1) -> Sealer:
    return Sealer(keys or (KEY,), random.Random(seed).randbytes)


@given(st.binary(max_size=600), st.binary(max_size=60))
def test_what_is_sealed_opens_elsewhere(plain, associated):
    sealed = sealer().seal(plain, associated)
    assert len(sealed) == len(plain) + OVERHEAD
    assert sealer(seed=2).open(sealed, associated) == plain


@given(st.binary(max_size=100), st.data())
def test_no_octet_can_be_changed(plain, data):
    sealed = bytearray(sealer().seal(plain, b"kind"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    assert sealer(seed=2).open(bytes(sealed), b"kind") is None


@given(st.binary(max_size=100), st.data())
def test_nothing_can_be_cut_off_or_added(plain, data):
    sealed = sealer().seal(plain, b"kind")
    assert sealer().open(sealed[: data.draw(st.integers(0, len(sealed) - 1))], b"kind") is None
    assert sealer().open(sealed + data.draw(st.binary(min_size=1, max_size=40)), b"kind") is None


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_it_opens_with_the_same_associated_octets_alone(associated, other):
    opened = sealer().open(sealer().seal(b"plain", associated), other)
    assert opened == (b"plain" if associated == other else None)


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_any_octets_are_nothing(octets, associated):
    assert sealer(KEY, OTHER).open(octets, associated) is None


def test_another_fleet_key_opens_nothing():
    assert sealer(OTHER).open(sealer(KEY).seal(b"plain", b""), b"") is None


def test_keys_can_be_changed_host_by_host():
    files = [(KEY,), (KEY, OTHER), (OTHER, KEY), (OTHER,)]
    for before, after in itertools.pairwise(files):
        old, new = sealer(*before), sealer(*after)
        assert new.open(old.seal(b"plain", b""), b"") == b"plain"
        assert old.open(new.seal(b"plain", b""), b"") == b"plain"


def test_two_keys_with_one_number_are_both_tried():
    number = sealer(KEY).seal(b"", b"")[0]
    twin = next(key for n in range(10_000) if sealer(key := n.to_bytes(32, "big")).seal(b"", b"")[0] == number)
    sealed = sealer(twin).seal(b"plain", b"")
    assert sealer(KEY, twin).open(sealed, b"") == b"plain"
    assert sealer(twin, KEY).open(sealed, b"") == b"plain"
    assert sealer(KEY).open(sealed, b"") is None


def test_two_sealers_share_no_key_and_one_never_repeats_a_nonce():
    first, second = sealer(seed=1), sealer(seed=2)
    salts = {bytes(each.seal(b"", b"")[1:17]) for each in (first, second)}
    assert len(salts) == 2
    nonces = {first.seal(b"", b"")[17:29] for _ in range(1000)}
    assert len(nonces) == 1000


@only_interpreted
def test_a_sealer_takes_another_salt_before_its_nonces_might_meet(monkeypatch):
    monkeypatch.setattr(sealing, "_MESSAGES_A_SALT", 3)
    one = sealer()
    sealed = [one.seal(b"plain", b"") for _ in range(7)]
    assert [each[1:17] for each in sealed].count(sealed[0][1:17]) == 3
    assert len({each[1:17] for each in sealed}) == 3
    assert all(sealer().open(each, b"") == b"plain" for each in sealed)


@only_interpreted
def test_what_is_remembered_of_other_sealers_has_a_bound(monkeypatch):
    monkeypatch.setattr(sealing, "_MAX_CIPHERS", 4)
    reader = sealer()
    for seed in range(20):
        assert reader.open(sealer(seed=seed).seal(b"plain", b""), b"") == b"plain"
    forged = bytearray(sealer().seal(b"plain", b""))
    for n in range(20):
        forged[1] = n
        reader.open(bytes(forged), b"")
    assert len(reader._keys[0]._ciphers) == 4


def test_digests_have_a_key_of_their_own_that_all_hosts_share():
    assert sealer(KEY).digest_key == sealer(KEY, OTHER, seed=2).digest_key
    assert sealer(KEY).digest_key != sealer(OTHER, KEY).digest_key
    assert KEY not in sealer(KEY).digest_key


def test_the_format_stays():
    """Hosts of two versions meet: these octets open for ever."""
    sealed = sealer().seal(b"plain", b"kind")
    assert sealed.hex() == VECTOR
    assert sealer().open(bytes.fromhex(VECTOR), b"kind") == b"plain"
    assert sealer().digest_key.hex() == DIGEST_KEY


def test_it_is_aes_256_gcm_as_others_have_it():
    import hashlib

    sealed = sealer().seal(b"plain", b"kind")
    key = hashlib.blake2b(sealed[1:17], key=KEY, digest_size=32, person=b"radgate seal").digest()
    assert AESGCM(key).decrypt(sealed[17:29], sealed[29:], b"kind") == b"plain"


def test_nothing_shows_a_key():
    shown = repr(sealer(KEY)) + repr(sealer(KEY)._keys)
    assert not any(form in shown for form in (str(KEY), KEY.hex(), str(sealer().digest_key)))


@pytest.mark.parametrize("keys", [[], [b""], [KEY, KEY[1:]]])
def test_a_key_has_its_size(keys):
    with pytest.raises(ValueError, match="32 octets"):
        Sealer(keys, random.randbytes)
