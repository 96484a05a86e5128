"""Values that one hop hides, and the next one hides anew; pyrad reads and writes them at the other ends."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrad.dictionary import Dictionary
from pyrad.packet import AccessAccept, Packet

from gateway.radius.attributes import Attribute, AttributeKind, attributes_in, encode
from gateway.radius.hidden import HIDDEN, Hiding, Hop, hide_anew, hide_salted, reveal_salted
from gateway.radius.shared_secret import SharedSecret
from tests.integration.clients.machines import needs

CAME = Hop(SharedSecret(b"home secret"), bytes(range(16)))
LEAVES = Hop(SharedSecret(b"secret of the NAS"), bytes(range(16, 32)))
SEND_KEY, TUNNEL_PASSWORD, MPPE_KEYS = AttributeKind(311, 16), AttributeKind(0, 69), AttributeKind(311, 12)


DICTIONARIES = Path("/usr/share/freeradius")
VENDOR, BEGIN = re.compile(r"VENDOR\s+(\S+)\s+(\d+)"), re.compile(r"BEGIN-VENDOR\s+(\S+)")
ENCRYPTED = re.compile(r"ATTRIBUTE\s+\S+\s+(\d+)\s+\S+\s.*encrypt=")


def encrypted_of_freeradius() -> Iterator[AttributeKind]:
    """Return all that its dictionaries call encrypted, but numbers with a dot, which only other frames have."""
    texts = [path.read_text(errors="replace") for path in DICTIONARIES.glob("dictionary*")]
    vendors = {name: int(number) for text in texts for name, number in VENDOR.findall(text)}
    for text in texts:
        vendor = 0
        for line in text.splitlines():
            if begin := BEGIN.match(line):
                vendor = vendors[begin[1]]
            elif line.startswith("END-VENDOR"):
                vendor = 0
            elif found := ENCRYPTED.match(line):
                yield AttributeKind(vendor, int(found[1]))


def at_pyrad(secret: bytes, authenticator: bytes) -> Packet:
    packet = Packet(code=AccessAccept, secret=secret, authenticator=authenticator, dict=Dictionary())
    packet.request_authenticator = authenticator
    return packet


HOME = at_pyrad(b"home secret", CAME.authenticator)
NAS = at_pyrad(b"secret of the NAS", LEAVES.authenticator)


@given(st.binary(max_size=239), st.integers(0, 32767))
def test_a_salted_value_is_revealed_and_hidden_anew(clear, salt):
    value = hide_anew(Attribute(SEND_KEY, HOME.SaltCrypt(clear)), CAME, LEAVES, salt)
    assert NAS.SaltDecrypt(value) == clear
    assert value[:2] == (0x8000 | salt).to_bytes(2, "big")


def test_the_octet_that_names_a_tunnel_stays_in_front():
    value = hide_anew(Attribute(TUNNEL_PASSWORD, b"\x01" + HOME.SaltCrypt(b"secret")), CAME, LEAVES, 1)
    assert value[:1] == b"\x01"
    assert NAS.SaltDecrypt(value[1:]) == b"secret"


def test_keys_hidden_as_a_password_keep_their_nuls():
    """MS-CHAP-MPPE-Keys are 24 octets, of which any may be 0, and 8 of padding (RFC 2548 section 2.4.1)."""
    keys = bytes(8) + b"0123456789abcdef" + bytes(8)
    hidden = CAME.secret.hide_user_password(keys, CAME.authenticator)
    value = hide_anew(Attribute(MPPE_KEYS, hidden), CAME, LEAVES, 0)
    assert value == LEAVES.secret.hide_user_password(keys, LEAVES.authenticator)


@pytest.mark.parametrize("value", [b"", b"\x80", b"\x80\x01", b"\x80\x01short", b"\x80\x01" + bytes(17)])
@pytest.mark.parametrize("kind", [SEND_KEY, TUNNEL_PASSWORD])
def test_a_value_of_a_wrong_size_is_not_passed(kind, value):
    assert hide_anew(Attribute(kind, b"\x01" + value), CAME, LEAVES, 0) is None


@pytest.mark.parametrize("value", [b"", bytes(15), bytes(17)])
def test_keys_of_a_wrong_size_are_not_passed(value):
    assert hide_anew(Attribute(MPPE_KEYS, value), CAME, LEAVES, 0) is None


def test_what_says_to_be_longer_than_it_is_is_not_passed():
    hidden = hide_salted(bytes(15), CAME, 1)
    lying = hidden[:2] + bytes([hidden[2] ^ 15 ^ 16]) + hidden[3:]
    assert reveal_salted(lying, CAME) is None


@pytest.mark.parametrize("kind", [kind for kind, hiding in HIDDEN.items() if hiding is Hiding.OTHERWISE])
def test_what_is_hidden_in_no_known_way_is_not_passed(kind):
    assert hide_anew(Attribute(kind, bytes(16)), CAME, LEAVES, 0) is None


@needs("freeradius-common", "share/freeradius/dictionary")
def test_what_freeradius_knows_to_be_hidden_is_known_or_stays_in_a_frame_that_is_not():
    kinds = set(encrypted_of_freeradius())
    assert len(kinds) > 40
    framed = {each.kind for kind in kinds for each in attributes_in(encode(kind, bytes(18)))}
    assert framed - HIDDEN.keys() == {kind for kind in framed if kind.kind == 0}
