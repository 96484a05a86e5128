"""What a request holds that a first factor is asked about: names and credentials, and how they come to it."""

import pytest

from gateway.engine.modes.asked import Asked
from gateway.engine.modes.auto import Auto
from gateway.engine.modes.challenge import Challenge
from gateway.engine.modes.concat import Concat
from gateway.firstfactor.home.addresses import nas_attribute
from gateway.radius.attributes import AttributeKind, encode
from gateway.radius.client import encode_attribute
from gateway.radius.credentials import credential_attributes
from gateway.radius.dictionary import EAP_MESSAGE, MESSAGE_AUTHENTICATOR, PROXY_STATE, REPLY_MESSAGE, Code
from gateway.radius.hidden import Hop
from gateway.radius.packet import decode_packet
from gateway.radius.passing import Passing
from gateway.worker.reports import finished_line
from tests.config.files import SERVER, parse, problems_of
from tests.conformance.wire import ALICE, attribute, pap, plain, signed
from tests.engine.home_scene import (
    CHAP,
    CLASS,
    EAP,
    EAP_IDENTIFIER,
    GO_ON,
    HOME,
    HOME_RA,
    HOME_SECRET,
    MS_CHAP,
    PASSWORD,
    HomeStage,
    eap,
)
from tests.engine.scene import ALLOWED, DENIED, RA, SECRET, SOURCE, YES
from tests.firstfactor.home.scene import Scene

TYPED = {Auto: PASSWORD, Concat: f"{PASSWORD},push", Challenge: PASSWORD}
MODES = pytest.mark.parametrize("make", TYPED)
CREDENTIALS = pytest.mark.parametrize("credentials", [CHAP, MS_CHAP, EAP], ids=["chap", "ms_chap", "eap"])
WITH_A_HOME_SERVER = f"[radius_server_auto]\n{SERVER}client=radius_client\n[radius_client]\nhost=10.0.0.5\n"


def types_of(stage: HomeStage) -> set[int]:
    """The types of the last reply's attributes."""
    return {kind for kind in range(256) if stage.reply.has(kind)}


def password_of(typed: bytes, make=Auto, *, signs: bool = True) -> bytes | None:
    """What the home server is asked with."""
    stage = HomeStage(make)
    request = (signed if signs else plain)(pap(typed))
    asked = stage.section.mode.read(decode_packet(request), stage.nas, SOURCE)
    return asked.password if isinstance(asked, Asked) else None


def test_H9_an_empty_secret_of_a_home_server_is_refused():
    """RFC 2865 section 3."""
    errors = [each for each in problems_of(f"{WITH_A_HOME_SERVER}secret=\n") if each.is_error]
    assert [each.key for each in errors] == ["secret"]


def test_H10_a_home_servers_secret_is_taken_as_octets():
    """RFC 2104 section 2."""
    secret = "ü" * 40
    (client,) = parse(f"{WITH_A_HOME_SERVER}secret={secret}\n")[0].clients
    assert client.homes[0].shared_secret.octets == secret.encode()


def test_H11_a_short_secret_of_a_home_server_is_warned_about():
    """draft-ietf-radext-deprecating-radius, Shared Secrets."""
    problems = problems_of(f"{WITH_A_HOME_SERVER}secret=twelve octet\n")
    assert [each.key for each in problems if "can be guessed" in each.text] == ["secret"]


@MODES
def test_N1_a_name_of_253_octets_goes_on(make):
    """RFC 2865 section 5.1, RFC 7542 section 2.4."""
    stage = HomeStage(make)
    stage.ask(TYPED[make], user="a" * 253)
    assert stage.checked.user_name == b"a" * 253


@pytest.mark.parametrize(
    "user", ["Alice", "ALICE@Example.COM", "EXAMPLE\\alice", "a\u0301lice", "\u00e1lice", " alice"]
)
def test_N2_a_home_server_gets_the_name_octet_for_octet(user):
    """RFC 7542 sections 2.2 to 2.4, and 2.6."""
    stage = HomeStage()
    stage.ask(user=user)
    assert stage.checked.user_name == user.encode()


@pytest.mark.parametrize(
    ("user", "is_exempt"), [("ALICE", True), ("EXAMPLE\\alice", True), ("alice@a@b", False), ("bob", False)]
)
def test_N2_exempt_is_who_has_the_name_in_any_letter_case_after_the_password(user, is_exempt):
    """RFC 7542 section 2.2: who checks passwords compares names without it, as directories do."""
    stage = HomeStage(rules={"exempt_usernames": frozenset({"alice"})})
    stage.ask(user=user)
    assert stage.to == [HOME]
    stage.accept()
    assert (stage.to == []) is is_exempt


@pytest.mark.parametrize("password", [b" blanks ", b"gr\xfc\xdfe", b"\xff\xfe", "grüße".encode(), b"p" * 128])
def test_P5_a_first_factor_gets_a_password_octet_for_octet(password):
    """RFC 2865 section 5.2: no character set explains it."""
    assert password_of(password) == password


def test_P3_a_password_ends_at_an_interior_nul():
    """RFC 2865 section 5.2: some clients send what lies behind theirs in their memory."""
    assert password_of(b"secret\0rubbish") == b"secret"


@pytest.mark.parametrize("size", [1, 16, 121, 128])
def test_P13_password_delimiter_and_passcode_have_128_octets_together(size):
    """RFC 2865 section 5.2."""
    typed = b"p" * (size - 7) + b",123456" if size > 7 else b"p" * size
    assert password_of(typed) == typed.partition(b",")[0]


@MODES
@pytest.mark.parametrize("home", [HOME, ""])
def test_P4_the_empty_password_never_reaches_a_home_server(make, home):
    """RFC 2865 section 5.2: where nobody asks for a password there is none to be empty."""
    stage = HomeStage(make, home=home)
    stage.ask("" if make is not Concat else ",push")
    if home:
        assert (stage.to, stage.reason, stage.reply.code) == ([], "no_password", Code.ACCESS_REJECT)
    else:
        assert stage.to == ["app"]


@pytest.mark.parametrize("size", [*range(1, 16), 17, 127, 129, 144, 253])
def test_P1_a_hidden_password_of_odd_length_reaches_no_first_factor(size):
    """RFC 2865 section 5.2."""
    stage = HomeStage()
    stage.receive(signed(ALICE + attribute(2, bytes(size))))
    assert (stage.to, stage.reason) == ([], "malformed_password")


@pytest.mark.parametrize("told", [b"", encode_attribute(60, bytes(range(16)))])
def test_P7_a_home_server_is_told_the_chap_challenge_wherever_it_stands(told):
    """RFC 2865 sections 5.3 and 5.40."""
    chap = encode_attribute(3, b"\x05" + bytes(range(16)))
    stage = HomeStage()
    stage.receive(signed(ALICE + chap + told))
    assert stage.checked.attributes == chap + (told or encode_attribute(60, RA))


@MODES
@CREDENTIALS
def test_P8_a_password_beside_other_credentials_is_rejected(make, credentials):
    """RFC 2865 section 4.1, RFC 3579 section 3.1."""
    stage = HomeStage(make)
    stage.ask(TYPED[make], extra=credentials)
    assert (stage.to, stage.reason) == ([], "conflicting_credentials")


@CREDENTIALS
@pytest.mark.parametrize(("make", "home"), [(Auto, ""), (Concat, HOME), (Challenge, HOME)])
def test_P10_credentials_that_cannot_be_passed_on_are_rejected(credentials, make, home):
    """RFC 2865 section 2.2: a client that hears so may try a password."""
    stage = HomeStage(make, home=home)
    stage.relay(credentials)
    assert (stage.to, stage.reason, stage.reply.code) == ([], "unsupported_credentials", Code.ACCESS_REJECT)


@CREDENTIALS
def test_P10_in_auto_they_go_on_to_a_home_server(credentials):
    """RFC 2865 section 2.2."""
    stage = HomeStage()
    stage.relay(credentials)
    assert (stage.checked.password, stage.checked.attributes) == (None, credentials)


@pytest.mark.parametrize(("make", "home"), [(Auto, ""), (Concat, HOME), (Challenge, HOME)])
def test_P11_eap_that_is_not_passed_on_ends_with_a_failure_of_its_own(make, home):
    """RFC 3579 sections 2.6.3 and 3.1, RFC 3748 section 4.2: with the Identifier of the response, and no text."""
    stage = HomeStage(make, home=home)
    stage.relay(EAP)
    assert stage.reply.values(EAP_MESSAGE) == [bytes((4, EAP_IDENTIFIER, 0, 4))]
    assert types_of(stage) == {MESSAGE_AUTHENTICATOR, EAP_MESSAGE}


def test_P11_the_pieces_of_an_eap_packet_stay_in_order_both_ways():
    """RFC 3579 section 3.1: 253 octets each but the last."""
    pieces = b"".join(encode_attribute(EAP_MESSAGE, bytes([n]) * 253) for n in range(4))
    assert credential_attributes(decode_packet(signed(ALICE + pieces))) == pieces
    stage = HomeStage()
    stage.relay(EAP)
    stage.challenge(attributes=pieces)
    assert stage.reply.attributes(EAP_MESSAGE) == pieces


def test_P11_an_eap_start_is_passed_on_and_no_accept_of_it_counts():
    """RFC 3579 section 2.1: an EAP-Message of length 2, which a challenge answers, or a reject."""
    start = attribute(EAP_MESSAGE)
    stage = HomeStage()
    stage.relay(start)
    assert stage.checked.attributes == start
    stage.accept()
    assert (stage.to, stage.reply.code) == ([], Code.ACCESS_REJECT)


def test_P11_success_is_held_until_duo_has_said_yes_and_is_a_failure_else():
    """RFC 3579 sections 2.6.3 and 2.6.5: nothing but the last answer may say Success, and no text stands beside it."""
    for answer, code, expected in ((ALLOWED, 2, 3), (DENIED, 3, 4)):
        stage = HomeStage()
        stage.relay(EAP)
        stage.accept(eap(3) + encode_attribute(REPLY_MESSAGE, b"Hello"))
        assert stage.replies == []
        stage.answer(GO_ON)
        stage.answer(answer)
        assert stage.reply.code == code
        assert stage.reply.values(EAP_MESSAGE) == [bytes((expected, EAP_IDENTIFIER, 0, 4))]
        assert not stage.reply.has(REPLY_MESSAGE)


@pytest.mark.parametrize("credentials", [EAP, MS_CHAP], ids=["eap", "ms_chap"])
@pytest.mark.parametrize("who", ["home", "duo"])
def test_A15_a_reject_holds_beside_them_what_eap_and_ms_chap_have_to_say(credentials, who):
    """RFC 2865 section 5.44, RFC 3579 section 3.3, RFC 2548 section 2.1.5: whoever has refused."""
    stage = HomeStage()
    stage.relay(credentials + encode_attribute(PROXY_STATE, b"p"))
    if who == "home":
        stage.refuse(CLASS + encode_attribute(11, b"filter"))
    else:
        stage.accept(CLASS + (eap(3) if credentials is EAP else b""))
        stage.answer(GO_ON)
        stage.answer(DENIED)
    own = {EAP_MESSAGE} if credentials is EAP else {26, REPLY_MESSAGE}
    assert types_of(stage) == {MESSAGE_AUTHENTICATOR, PROXY_STATE} | own
    if credentials is MS_CHAP:
        assert (stage.reply.vendor_value(311, 2) or b"").startswith(b"\x07E=691 R=0 C=")


@pytest.mark.parametrize("everything", [True, False])
def test_A17_no_password_and_nothing_about_the_nas_comes_back_from_a_home_server(everything):
    """RFC 2865 section 5.44: whatever an accept holds, and whatever the section names."""
    about_the_nas = [2, 3, 4, 5, 32, 60, 61, 87, 95]
    kinds = frozenset(AttributeKind(0, kind) for kind in about_the_nas)
    theirs = b"".join(encode(kind, bytes(16)) for kind in sorted(kinds))
    passing = Passing(everything=True) if everything else Passing(kinds)
    assert passing.to_nas(theirs, Hop(HOME_SECRET, HOME_RA), Hop(SECRET, RA), 1) == (b"", ())


def test_A18_extended_attributes_go_on_whole_and_in_order():
    """RFC 6929 sections 2.1 and 2.2: the pieces of a long one stay together."""
    pieces = attribute(245, b"\1\x80" + bytes(251)) + attribute(245, b"\1\0end") + attribute(241, b"\2abc")
    passing = Passing(frozenset({AttributeKind(0, 245), AttributeKind(0, 241)}))
    assert passing.to_nas(pieces, Hop(HOME_SECRET, HOME_RA), Hop(SECRET, RA), 1).octets == pieces


@pytest.mark.parametrize(("address", "octets"), [("10.0.0.1", 4), ("2001:db8::1", 16), ("fe80::1%eth0", 16)])
def test_A19_a_home_server_is_told_the_gateways_address_in_4_or_16_octets(address, octets):
    """RFC 8044 section 3."""
    assert len(nas_attribute(address)) == 2 + octets
    assert nas_attribute(address)[0] == {4: 4, 16: 95}[octets]


def test_R6_an_accept_holds_nothing_of_a_home_servers_that_was_not_configured():
    """RFC 2865 section 5.44."""
    stage = HomeStage(to_nas=Passing())
    stage.ask()
    stage.accept(CLASS + encode_attribute(27, bytes(4)) + encode(AttributeKind(9, 1), b"shell:priv-lvl=15"))
    stage.answer(GO_ON)
    stage.answer(ALLOWED)
    assert types_of(stage) == {MESSAGE_AUTHENTICATOR, REPLY_MESSAGE}


@MODES
def test_P12_a_password_is_in_no_repr_and_no_line_and_is_gone_with_its_answer(make):
    """draft-ietf-radext-deprecating-radius, User-Password Visibility."""
    stage = HomeStage(make)
    stage.ask(TYPED[make])
    question, put = stage.checked, stage.asked[0]
    shown = [repr(each) for each in (put, question, put.pending, put.pending.login, put.pending.login.primary)]
    stage.refuse(text="no")
    shown += [repr(stage.finished), repr(finished_line(stage.finished, 0))]
    assert not [each for each in shown if PASSWORD in each]
    assert question.password is None


def test_P12_no_home_server_can_make_the_log_repeat_a_password():
    """draft-ietf-radext-deprecating-radius, User-Password Visibility: some say in a reject what was typed."""
    scene = Scene()
    question = scene.ask(password=PASSWORD.encode())
    scene.answer(code=Code.ACCESS_REJECT, attributes=encode_attribute(REPLY_MESSAGE, f"not {PASSWORD}".encode()))
    assert question.result.text == "not ***"


@pytest.mark.parametrize("credentials", [CHAP, MS_CHAP], ids=["chap", "ms_chap"])
def test_M7_chap_and_ms_chap_prove_no_secret_and_need_a_signature_to_do_so(credentials):
    """draft-ietf-radext-deprecating-radius, New Configuration Flags: nothing in them depends on the shared secret."""
    stage = HomeStage()
    stage.receive(plain(ALICE + credentials))
    assert stage.to == [HOME]
    strict = HomeStage(section={"require_message_authenticator": YES})
    strict.receive(plain(ALICE + credentials))
    assert not strict.asked
