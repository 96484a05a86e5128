"""User-Password, CHAP and what else a request may prove itself with."""

import pytest

from gateway.engine.discard_notices import Notice
from gateway.engine.effects import PutQuestion
from gateway.engine.modes.asked import Asked
from gateway.radius.client import encode_access_request, encode_attribute
from gateway.radius.dictionary import CHAP_CHALLENGE, CHAP_PASSWORD, EAP_MESSAGE, STATE, USER_PASSWORD
from gateway.radius.discards import DiscardReason
from gateway.radius.packet import decode_packet
from gateway.radius.shared_secret import SharedSecret
from gateway.worker.reports import finished_line, notice_line
from tests.conformance.wire import (
    ALICE,
    RA,
    asked,
    decide,
    discard_reason,
    finished,
    pap,
    plain,
    reject_reason,
    sent,
    signed,
)
from tests.engine.scene import DENIED, SECRET, SOURCE, Stage
from tests.integration.site import Site
from tests.vectors import load, octets

CHAP = encode_attribute(CHAP_PASSWORD, bytes(17))
EAP = encode_attribute(EAP_MESSAGE, b"\x02\x01\x00\x0a\x01alice")


def password_read(password: bytes, pw_codec: str = "utf-8") -> str | None:
    """What the engine takes the password for."""
    stage = Stage(pw_codec=pw_codec)
    found = stage.section.mode.read(decode_packet(signed(pap(password))), stage.nas, SOURCE)
    assert isinstance(found, Asked)
    return found.text


@pytest.mark.parametrize("size", [*range(16), 17, 24, 127, 129, 144, 253])
def test_P1_a_hidden_password_of_odd_length_is_rejected_and_never_decrypted_in_part(size):
    """RFC 2865 section 5.2."""
    stage = Stage(policy={"automatic": True})
    value = bytes((USER_PASSWORD, 2 + size)) + bytes(size)
    stage.receive(signed(ALICE + value))
    assert reject_reason(stage) == "malformed_password"


@pytest.mark.parametrize("size", range(1, 129))
def test_P2_each_block_is_chained_to_the_cipher_text_of_the_one_before(size):
    """RFC 2865 section 5.2."""
    password = bytes(97 + number % 26 for number in range(size))
    assert password_read(password) == password.decode()


@pytest.mark.parametrize(
    "vector",
    [
        vector
        for name in ("requests", "rfc2865-section7")
        for vector in load(name)
        if "user_password_hex" in vector["expected"] and vector["name"] != "many-attributes"  # discarded unread
    ],
    ids=lambda vector: vector["name"],
)
def test_P2_the_passwords_of_the_vectors_are_revealed(vector):
    """RFC 2865 sections 5.2 and 7."""
    packet = decode_packet(octets(vector, "request_hex"))
    secret = SharedSecret(octets(vector, "secret_hex"))
    (hidden,) = packet.values(USER_PASSWORD)
    clear = secret.reveal_user_password(hidden, packet.authenticator)
    assert clear == bytes.fromhex(vector["expected"]["user_password_hex"])


@pytest.mark.parametrize("password", [b"\0a", b"a\0b", b"a\0\0b" + b"c" * 20])
def test_P3_only_trailing_nuls_are_padding(password):
    """RFC 2865 section 5.2."""
    hidden = SECRET.hide_user_password(password + b"\0\0", RA)
    assert SECRET.reveal_user_password(hidden, RA) == password


def test_P3_what_was_typed_ends_at_an_interior_nul():
    """RFC 2865 section 5.2: nobody types a NUL, but pam_radius and others send what lies behind it in their memory."""
    assert password_read(b"123456\x007") == "123456"


def test_P4_sixteen_nuls_are_the_empty_password_and_match_nothing():
    """RFC 2865 section 5.2."""
    stage = Stage(policy={"preauth_always": False})
    stage.receive(signed(pap(b"")))
    assert reject_reason(stage) == "no_password"


def test_P4_only_an_explicit_policy_gives_the_empty_password_a_meaning():
    """RFC 2865 section 5.2: `unrecognised_factor=auto`."""
    stage = Stage(policy={"preauth_always": False, "automatic": True})
    (question,) = asked(stage.receive(signed(pap(b""))))
    assert question.question.factor == "auto"


@pytest.mark.parametrize(
    ("password", "pw_codec", "read"),
    [
        (b"gr\xfc\xdfe", "latin-1", "grüße"),
        (b"gr\xfc\xdfe", "utf-8", None),
        ("grüße".encode(), "utf-8", "grüße"),
        (b"\x80\x81", "cp1252", None),
    ],
)
def test_P5_a_password_is_octets_until_the_configured_charset_explains_it(password, pw_codec, read):
    """RFC 2865 section 5.2."""
    assert password_read(password, pw_codec) == read


def test_P5_what_duo_cannot_be_told_is_rejected():
    """RFC 2865 section 5.2."""
    stage = Stage(policy={"preauth_always": False})
    stage.receive(signed(pap(b"gr\xfc\xdfe")))
    assert reject_reason(stage) == "unreadable_password"


def test_P6_an_unreadable_password_without_signature_speaks_of_the_shared_secret():
    """The most frequent mistake of a new installation."""
    stage = Stage()
    other = SharedSecret(b"mistyped at the client")
    (notice,) = stage.receive(plain(pap(secret=other)))
    assert discard_reason(stage) == "wrong_secret"
    assert isinstance(notice, Notice)
    assert "the shared secret at the client" in notice_line(notice, "0.0.0.0:1812")[0]


@pytest.mark.parametrize("challenge", [b"", encode_attribute(CHAP_CHALLENGE, bytes(16))])
def test_P7_chap_is_rejected_wherever_its_challenge_stands(challenge):
    """RFC 2865 sections 5.3 and 5.40: the typed factor must be readable."""
    stage = Stage()
    stage.receive(signed(ALICE + CHAP + challenge))
    assert reject_reason(stage) == "unsupported_credentials"


def test_P8_user_password_and_chap_password_together_are_rejected():
    """RFC 2865 section 4.1."""
    stage = Stage()
    stage.receive(signed(pap() + CHAP))
    assert reject_reason(stage) == "conflicting_credentials"


def test_P9_a_request_without_credentials_is_rejected():
    """RFC 2865 section 4.1, note 1."""
    stage = Stage()
    stage.receive(signed(ALICE))
    assert reject_reason(stage) == "unsupported_credentials"


@pytest.mark.parametrize(
    "credentials", [CHAP, EAP, encode_attribute(26, b"\0\0\x017" + b"\x19\x04ab"), encode_attribute(STATE, b"s")]
)
def test_P10_credentials_that_cannot_be_handled_are_rejected_not_discarded(credentials):
    """RFC 2865 section 2.2."""
    stage = Stage()
    stage.receive(signed(ALICE + credentials))
    assert reject_reason(stage) in ("unsupported_credentials", "unknown_state")


@pytest.mark.parametrize("beside", [ALICE, pap()])
def test_P11_eap_is_answered_with_access_reject(beside):
    """RFC 3579 section 3.1."""
    stage = Stage()
    stage.receive(signed(beside + EAP))
    assert reject_reason(stage) in ("unsupported_credentials", "conflicting_credentials")


def test_P12_nothing_that_may_be_shown_holds_a_password_a_state_or_a_secret():
    """draft-ietf-radext-deprecating-radius, User-Password Visibility."""
    stage = Stage(policy={"preauth_always": False})
    (question,) = asked(stage.receive(signed(pap(b"987654"))))
    packet = decode_packet(signed(pap(b"987654") + encode_attribute(STATE, b"state-octets")))
    found = stage.section.mode.read(decode_packet(signed(pap(b"987654"))), stage.nas, SOURCE)
    pending = question.pending
    for shown in (question, question.question, pending, pending.login, pending.transactions[0], found, packet):
        assert "987654" not in repr(shown)
        assert "state-octets" not in repr(shown)
    assert "a shared secret" not in repr(stage.nas) + repr(SECRET)
    (end,) = finished(stage.engine.answered(pending, DENIED, 0.0))
    assert isinstance(question, PutQuestion)
    assert "987654" not in repr(end)


def test_P12_no_log_line_holds_what_was_typed():
    """draft-ietf-radext-deprecating-radius, User-Password Visibility."""
    stage = Stage(policy={"automatic": True})
    (question,) = asked(stage.receive(signed(pap(b"Winter2026!"))))
    decide(stage, question)
    assert "Winter2026!" not in repr(finished_line(stage.finished, 0))


@pytest.mark.integration
def test_P12_no_log_file_holds_what_was_typed_at_any_level(site: Site):
    """draft-ietf-radext-deprecating-radius, User-Password Visibility."""
    nas = site.start(main="debug=true\nlog_auth_events=true").nas()
    typed = ("Winter2026!", "987654", "correct horse")
    for password in typed:
        nas.login("alice", password, encode_attribute(STATE, b"state-octets"))
        nas.login("alice", password)
    site.stop()
    logged = "".join(path.read_text() for path in (site.folder / "log").iterdir())
    assert "alice" in logged
    assert not [secret for secret in (*typed, "state-octets", site.simulator.secret_key) if secret in logged]


def test_P13_a_password_of_128_octets_goes_end_to_end():
    """RFC 2865 section 5.2."""
    password = "p" * 128
    assert password_read(password.encode()) == password
    stage = Stage(policy={"automatic": True})
    request = encode_access_request(1, RA, SECRET, b"alice", password.encode())
    (question,) = asked(stage.receive(request))
    (reply,) = sent(decide(stage, question))
    assert reply[0] == 2


def test_P9_an_unreadable_request_is_discarded_only_where_the_secret_was_never_proven():
    """RFC 2865 section 4.1: a proven client gets its reject."""
    stage = Stage(policy={"preauth_always": False})
    stage.receive(signed(pap(b"123456")))
    stage.receive(plain(pap(b"gr\xfc\xdfe"), identifier=2))
    assert DiscardReason.WRONG_SECRET not in stage.discards


def test_P6_a_secret_that_a_signature_or_the_padding_has_proven_is_not_accused():
    """Another secret gives two NULs at the end once in 65,536 times."""
    for make in (signed, plain):
        stage = Stage(policy={"preauth_always": False, "automatic": make is plain})
        stage.receive(make(pap(b"Az\xe9rt\xe801")))
        assert (stage.reason, sent(stage.effects)[0][0]) == ("unreadable_password", 3)
        text, fields = finished_line(stage.finished, 0)
        assert "secret" not in text + fields["hint"]
        assert "pw_codec" in fields["hint"]
