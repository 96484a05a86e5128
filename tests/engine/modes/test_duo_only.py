"""What a request of a duo_only section asks for, beyond the cases that the engine's tests walk through."""

import random

import pytest

from gateway.engine.modes.asked import Asked
from gateway.engine.modes.reading import shown_user_name
from gateway.engine.nas import Nas
from gateway.engine.verdict import Verdict
from gateway.radius.address import AddressAttribute
from gateway.radius.client import encode_access_request, encode_attribute
from gateway.radius.discards import DiscardReason
from gateway.radius.packet import Packet, decode_packet
from gateway.radius.shared_secret import SharedSecret
from gateway.words.reasons import Reason
from tests.engine.scene import SECRET, SOURCE, Stage

RA = bytes(range(16))
OTHER_SECRET = SharedSecret(b"not the secret")


def nas(**section) -> Nas:
    return Stage(**section).nas


def read_or_not(packet: Packet, client: Nas, source: str = SOURCE) -> Asked | Reason | DiscardReason:
    """What is asked, or why nothing is."""
    found = client.section.mode.read(packet, client, source)
    return found.reason if isinstance(found, Verdict) else found


def signed(user: bytes = b"alice", password: bytes = b"123456", attributes: bytes = b"") -> Packet:
    return decode_packet(encode_access_request(1, RA, SECRET, user, password, attributes))


def unsigned(password: bytes = b"123456", secret: SharedSecret = SECRET, user: bytes = b"alice") -> Packet:
    attributes = encode_attribute(1, user) + encode_attribute(2, secret.hide_user_password(password, RA))
    return decode_packet(bytes([1, 1, 0, 20 + len(attributes)]) + RA + attributes)


def read(packet: Packet, client: Nas | None = None) -> Asked:
    found = read_or_not(packet, client or nas(), SOURCE)
    assert isinstance(found, Asked), found
    return found


class TestUserName:
    @pytest.mark.parametrize(
        "name", ["alice", "DOMAIN\\alice", "alice@example.com", "ユーザー", "josé", "a b", "😀", "'"]
    )
    def test_a_name_is_taken_as_it_was_sent(self, name):
        assert read(signed(name.encode())).user_name == name

    @pytest.mark.parametrize("name", ["a\tb", "\x1b[2J", "a\x7f", "a\x85b", "a\u2028b", "a\u2029b"])
    def test_a_name_that_could_break_a_line_or_a_terminal_is_refused(self, name):
        assert read_or_not(signed(name.encode()), nas(), SOURCE) is Reason.BAD_USER_NAME

    @pytest.mark.parametrize("octets", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf"])
    def test_a_name_that_is_no_utf_8_is_refused_whatever_pw_codec_says(self, octets):
        assert read_or_not(signed(octets), nas(pw_codec="latin-1"), SOURCE) is Reason.BAD_USER_NAME

    @pytest.mark.parametrize("rubbish", [b"", b"\0\0", b"x", b"\xff\n"])
    def test_a_name_ends_at_the_first_nul(self, rubbish):
        """pam_radius and others send the memory behind a C string, too."""
        assert read(signed(b"alice\0" + rubbish)).user_name == "alice"
        assert read_or_not(signed(b"\0" + rubbish), nas()) is Reason.NO_USER_NAME
        assert shown_user_name(signed(b"al\xffice\0" + rubbish)) == "al\\xffice"

    def test_an_empty_name_is_none(self):
        """RFC 2865 section 5: an attribute without a value is as good as none."""
        attributes = b"\x01\x02" + encode_attribute(2, SECRET.hide_user_password(b"123456", RA))
        packet = decode_packet(bytes([1, 1, 0, 20 + len(attributes)]) + RA + attributes)
        assert read_or_not(packet, nas(), SOURCE) is Reason.NO_USER_NAME


class TestPassword:
    @pytest.mark.parametrize(
        ("octets", "text"),
        [
            (b"123456", "123456"),
            (b" 123 456 ", "123 456"),
            (b"", ""),
            (b"   ", ""),
            (b"x" * 128, "x" * 128),
            ("パスワード".encode(), "パスワード"),
            (b"123456\0\0X{Y\x141", "123456"),
            (b"123456\0\xff", "123456"),
            (b" push \0 ", "push"),
            (b"\0push", ""),
            (b"\xff\xfe", None),
            (b"a\x01b", None),
        ],
    )
    def test_the_typed_text_without_blanks_around_it_or_none(self, octets, text):
        assert read(signed(password=octets)).text == text

    def test_the_sections_charset_decides(self):
        assert read(signed(password="pässwörd".encode("latin-1")), nas(pw_codec="latin-1")).text == "pässwörd"
        assert read(signed(password="pässwörd".encode("latin-1"))).text is None

    @pytest.mark.parametrize("n_octets", [1, 15, 17, 144])
    def test_a_size_that_hiding_never_gives_is_malformed(self, n_octets):
        attributes = encode_attribute(1, b"alice") + encode_attribute(2, bytes(n_octets))
        packet = decode_packet(bytes([1, 1, 0, 20 + len(attributes)]) + RA + attributes)
        assert read_or_not(packet, nas(), SOURCE) is Reason.MALFORMED_PASSWORD

    def test_what_is_typed_is_the_same_whatever_rubbish_stands_behind_it(self):
        assert {read(signed(password=b"push" + rubbish)).password for rubbish in (b"", b"\0a", b"\0\xff\xfe")} == {
            b"push"
        }

    def test_it_never_shows_itself(self):
        assert "123456" not in repr(read(signed()))


class TestWrongSecret:
    def test_an_unreadable_password_of_a_nas_that_was_never_read_is_met_with_silence(self):
        assert read_or_not(unsigned(secret=OTHER_SECRET), nas(), SOURCE) is DiscardReason.WRONG_SECRET

    def test_a_readable_password_proves_the_secret(self):
        client = nas()
        assert read(unsigned(), client).text == "123456"
        assert client.is_proven(SOURCE)
        assert read_or_not(unsigned(b"\xff\xfe"), client, SOURCE) is Reason.UNREADABLE_PASSWORD

    def test_an_empty_password_proves_nothing(self):
        """Whatever the secret, zero octets may come out of it by chance more often than a word."""
        client = nas()
        assert read(unsigned(b""), client).text == ""
        assert not client.is_proven(SOURCE)

    def test_what_one_address_proves_says_nothing_of_another(self):
        client = nas()
        read(unsigned(), client)
        unreadable = unsigned(b"\xff" * 16)
        assert read_or_not(unreadable, client, "192.0.2.77") is DiscardReason.WRONG_SECRET

    def test_a_signed_request_is_answered_for_its_secret_is_right(self):
        assert read(signed(password=b"\xff\xfe")).text is None


class TestProof:
    """Who does not know the secret can send an unsigned request, and what comes out of it is random."""

    LATIN = "Azértè01".encode("latin-1")

    def test_padding_proves_the_secret_of_an_unreadable_password(self):
        client = nas()
        assert read_or_not(unsigned(self.LATIN), client) is Reason.UNREADABLE_PASSWORD
        assert client.is_proven(SOURCE)

    @pytest.mark.parametrize("n_nuls", [0, 1])
    def test_less_than_two_nuls_prove_nothing(self, n_nuls):
        client, password = nas(), b"\xff" * (16 - n_nuls)
        assert read_or_not(unsigned(password), client) is DiscardReason.WRONG_SECRET
        assert not client.is_proven(SOURCE)
        client.was_read(SOURCE)
        assert read_or_not(unsigned(password), client) is Reason.UNREADABLE_PASSWORD

    @pytest.mark.parametrize("n_octets", [14, 15, 30])
    def test_the_hint_accuses_the_secret_only_where_nothing_has_proven_it(self, n_octets):
        client = nas()
        client.was_read(SOURCE)
        refused = client.section.mode.read(unsigned(b"\xff" * n_octets), client, SOURCE)
        assert isinstance(refused, Verdict)
        assert "pw_codec" in refused.hint
        assert ("shared secret" in refused.explanation) is (n_octets == 15)

    @pytest.mark.parametrize("typed", [b"123456", b"push", b"sms2"])
    @pytest.mark.parametrize("rubbish", [b"\0\xff", b"\0abc\x01", b"\0x" + b"y" * 20])
    def test_a_factor_in_front_of_rubbish_is_read_and_proves_the_secret(self, typed, rubbish):
        client = nas()
        assert read(unsigned(typed + rubbish), client).password == typed
        assert client.is_proven(SOURCE)

    @pytest.mark.parametrize("typed", [b"", b"W", b"Winter2026!"])
    def test_other_text_in_front_of_rubbish_is_no_login_unless_it_is_signed(self, typed):
        """One random octet in 256 is a NUL, and Duo's automatic factor would push for what stands before it."""
        rubbish = b"\0\xff\x01" + b"y" * (13 - len(typed))
        assert read_or_not(unsigned(typed + rubbish), nas()) is DiscardReason.WRONG_SECRET
        assert read(signed(password=typed + rubbish)).password == typed

    def test_text_in_a_charset_in_which_nearly_everything_is_text_needs_more(self):
        client = nas(pw_codec="latin-1")
        for password in ("é" * 16, "é" * 15):
            assert read_or_not(unsigned(password.encode("latin-1")), client) is DiscardReason.WRONG_SECRET
            assert read(signed(password=password.encode("latin-1")), client).text == password
        assert read(unsigned(self.LATIN), client).text == "Azértè01"
        assert read(unsigned(b"Winter 2026 Tokyo"[:16]), client).text == "Winter 2026 Toky"

    @pytest.mark.parametrize("pw_codec", ["utf-8", "latin-1", "cp1252", "shift_jis"])
    def test_random_octets_are_hardly_ever_a_login(self, pw_codec):
        chance, client = random.Random(7), nas(pw_codec=pw_codec)
        requests = (unsigned(b"push", SharedSecret(chance.randbytes(16))) for _ in range(5_000))
        assert not any(isinstance(read_or_not(request, client), Asked) for request in requests)


class TestUserAddress:
    """Which values are addresses is seen in the tests of `gateway.radius.address`."""

    def test_it_is_read_from_the_attribute_of_the_section(self):
        packet = signed(attributes=encode_attribute(31, b"203.0.113.7") + encode_attribute(30, b"203.0.113.8"))
        for kind, ipaddr in {31: "203.0.113.7", 30: "203.0.113.8", 66: None}.items():
            assert read(packet, nas(client_address=AddressAttribute(0, kind, "string"))).ipaddr == ipaddr

    def test_the_first_of_several_counts(self):
        attributes = encode_attribute(31, b"203.0.113.7") + encode_attribute(31, b"203.0.113.8")
        client = nas(client_address=AddressAttribute(0, 31, "string"))
        assert read(signed(attributes=attributes), client).ipaddr == "203.0.113.7"

    @pytest.mark.parametrize("value", [b"fe80::1%eth0", b"2001:db8::1%\r\nX-Header: 1", b"::1%<script>"])
    def test_a_zone_behind_an_address_never_goes_to_duo(self, value):
        """Python takes any text behind `%` for a zone; to Duo it is no address, and it refuses the whole call."""
        packet = signed(attributes=encode_attribute(31, value))
        assert read(packet, nas(client_address=AddressAttribute(0, 31, "string"))).ipaddr is None

    def test_a_section_without_such_an_attribute_has_none(self):
        packet = signed(attributes=encode_attribute(31, b"203.0.113.7"))
        assert read(packet, nas(client_address=None)).ipaddr is None
