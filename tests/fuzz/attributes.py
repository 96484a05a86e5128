"""Any attributes at all, on their way on: a request's to a home server, and an accept's to the NAS.

Nothing of a hop may go on, and what does is framed, and is read again as what it was.
"""

from gateway.radius.attributes import AttributeKind, attributes_in, encode, has_any, is_framed
from gateway.radius.credentials import (
    CREDENTIALS,
    Credential,
    credential_attributes,
    credential_of,
    has_own_name,
    refusal_of,
)
from gateway.radius.discards import DecodeError
from gateway.radius.hidden import HIDDEN, Hiding, Hop, hide_salted, hides_any
from gateway.radius.packet import Packet, decode_packet
from gateway.radius.passing import NOTHING, Passing, text_of, to_challenge, to_reject
from gateway.radius.shared_secret import SharedSecret
from tests.engine.home_scene import CHAP, EAP, MS_CHAP
from tests.fuzz.driver import Program, Stateless
from tests.fuzz.parts import Seed, attribute, joined, of_attributes, seed

CAME = Hop(SharedSecret(b"home"), bytes(range(16)))
CAME_OTHERWISE = Hop(SharedSecret(b"another home"), CAME.authenticator)
LEAVES = Hop(SharedSecret(b"nas"), bytes(range(16, 32)))
EVERYTHING = Passing(everything=True)
TYPES = [(passing, passing.types_to_nas()) for passing in (EVERYTHING, NOTHING)]
OF_A_HOP = {(0, kind) for kind in (1, 2, 24, 33, 80)}
NOT_HOME = OF_A_HOP | CREDENTIALS | HIDDEN.keys()
NOT_TO_NAS = OF_A_HOP - {(0, 1)}  # it may name the user
MAX_SIZE = 4_076


def seeds() -> list[Seed]:
    """Credentials of each kind, what is hidden in each way, and what else there is."""
    salted = hide_salted(b"a session key of 32 octets......", CAME, 7)
    as_password = CAME.secret.hide_user_password(b"secret", CAME.authenticator)
    plain = joined(*[attribute(kind, b"of %d" % kind) for kind in (1, 4, 6, 11, 18, 18, 24, 25, 27, 30, 32, 44, 95)])
    values = {Hiding.AS_PASSWORD: as_password, Hiding.TAGGED: b"\1" + salted}
    hidden = [of_attributes(encode(kind, values.get(hiding, salted))) for kind, hiding in HIDDEN.items()]
    tunnel = joined(attribute(69, b"\1" + salted), attribute(69, b"\2" + salted[:-1]), attribute(69, b""))
    several = of_attributes(
        encode(AttributeKind(9, 1), b"shell:priv-lvl=15") * 3 + encode(AttributeKind(311, 7), b"0" * 4)
    )
    together = joined(
        attribute(26, bytes((0, 0, 1, 55)), attribute(26, b"x"), attribute(2, b"\x05E=691"), attribute(16, salted))
    )
    odd = joined(*[attribute(26, vendor.to_bytes(4, "big"), b"\0\1\2") for vendor in (0, 311, 429, 4846, 8164, 24757)])
    changes = [of_attributes(encode(AttributeKind(311, kind), bytes(49))) for kind in (1, 3, 4, 5, 6, 25, 27)]
    eap = joined(attribute(79, b"\2\x2a\0\x09\1alice"), attribute(79, b"more"), attribute(80, bytes(16)))
    credentials = [of_attributes(each) for each in (CHAP, MS_CHAP, EAP, CHAP + EAP, MS_CHAP + CHAP, b"\x4f\2")]
    chap = joined(attribute(1, b"alice"), attribute(3, bytes(17)))
    password = joined(attribute(1, b"alice"), attribute(2, as_password), attribute(79, b""))
    many = joined(*[attribute(25, b"") for _ in range(190)])
    bodies = [plain, *hidden, tunnel, several, together, odd, *changes, eap, *credentials, chap, password, many]
    return [seed(b"", body) for body in bodies]


def one_input(data: bytes) -> str:
    """Take one input for the attributes of a request, and of a reply."""
    attributes = data[:MAX_SIZE]
    octets = b"\1\1" + (20 + len(attributes)).to_bytes(2, "big") + bytes(16) + attributes
    try:
        packet = decode_packet(octets)
    except DecodeError as error:
        assert not is_framed(attributes) or len(attributes) > 400  # so many that a walk would take too long
        return error.reason.value
    assert packet.octets == octets
    assert is_framed(attributes)
    _is_read_again(attributes)
    _to_nas(attributes)
    return _to_home(packet)


def _is_read_again(attributes: bytes) -> None:
    found = list(attributes_in(attributes))
    assert list(attributes_in(b"".join([each.octets for each in found]))) == found


def _to_home(packet: Packet) -> str:
    passed, credentials = EVERYTHING.to_home(packet), credential_attributes(packet)
    assert NOT_HOME.isdisjoint([each.kind for each in attributes_in(passed)])
    assert all(each.kind in CREDENTIALS and each.kind not in OF_A_HOP for each in attributes_in(credentials))
    refusal, credential = refusal_of(packet), credential_of(packet)
    assert is_framed(passed) and is_framed(credentials) and is_framed(refusal)  # noqa: PT018 -- one by one is no more
    assert credential is not Credential.EAP or refusal or has_own_name(packet)
    if credential in (Credential.NONE, Credential.PAP):
        assert not any(each.kind == (0, 79) for each in attributes_in(credentials))
    return credential.name.lower()


def _to_nas(attributes: bytes) -> None:
    passed = EVERYTHING.to_nas(attributes, CAME, LEAVES, 0xFFFF)
    assert len(passed.octets) <= 3 * len(attributes)  # each of a vendor gets a Vendor-Specific of its own
    assert NOT_TO_NAS.isdisjoint([each.kind for each in attributes_in(passed.octets)])
    kept = EVERYTHING.of_accept(attributes)
    for passing, types in TYPES:
        assert has_any(attributes, types) or not passing.of_accept(attributes)
    assert EVERYTHING.to_nas(kept, CAME, LEAVES, 0xFFFF) == passed
    if not hides_any(kept):
        assert EVERYTHING.to_nas(kept, CAME_OTHERWISE, LEAVES, 0xFFFF) == passed
    for octets in (passed.octets, kept, to_reject(attributes), to_challenge(attributes)):
        assert is_framed(octets)
    text = text_of(attributes)
    assert b"\0" not in text
    assert text == text_of(kept)


PROGRAM = Program(
    seeds(),
    lambda: Stateless(one_input),
    (
        "gateway.radius.attributes",
        "gateway.radius.credentials",
        "gateway.radius.hidden",
        "gateway.radius.passing",
    ),
    frozenset(
        {
            "Attribute.__repr__",
            "AttributeKind.__str__",
            "Hop.__init__",
            'Passing.to_home: return b""',
            "Passing.types_to_nas",
            "_of_rfcs",
            '_framed: raise ValueError(f"an attribute value has 1 to 253 octets, this one {len(value)}")',
        }
    ),
    max_size=1_500,
)
