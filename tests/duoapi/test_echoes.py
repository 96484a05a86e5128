"""Texts that repeat what was sent: what is taken out of them, and that the others stay as they are."""

import base64
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.duoapi.calls import Auth, Check, Factor, Preauth, Refusal
from gateway.duoapi.echoes import MARK, MAX_TEXT, cleaned, may_echo, shown
from gateway.duoapi.flavours import V1, V2
from gateway.duoapi.signing import Signer
from gateway.unavailable import Unavailable

PASSCODE = "987654"
YUBIKEY = "cccccbdefghijklnrtuvcbdefghijklnrtuvcbdefghi"
IKEY = "DIABCDEFGHIJKLMNOPQR"
HEADER = (
    Signer(IKEY, b"k" * 40, "api.test").authorization("a date", "POST", "/auth/v2/auth", b"factor=passcode").decode()
)
SIGNATURE = base64.b64decode(HEADER.removeprefix("Basic ")).decode().partition(":")[2]

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in capitals": str.upper,
    "in groups": lambda text: " ".join(text[start : start + 3] for start in range(0, len(text), 3)),
    "in two halves": lambda text: f"{text[: len(text) // 2]} {text[len(text) // 2 :]}",
    "with dashes": "-".join,
    "with +": "+".join,
    "with %20": "%20".join,
    "percent": lambda text: "".join(f"%{ord(sign):02X}" for sign in text),
    "percent, small": lambda text: "".join(f"%{ord(sign):02x}" for sign in text),
    "JSON": lambda text: "".join(f"\\u{ord(sign):04x}" for sign in text),
    "JavaScript": lambda text: "".join(f"\\x{ord(sign):02x}" for sign in text),
    "JavaScript, braces": lambda text: "".join(f"\\u{{{ord(sign):x}}}" for sign in text),
    "HTML": lambda text: "".join(f"&#{ord(sign)};" for sign in text),
    "HTML, hexadecimal": lambda text: "".join(f"&#x{ord(sign):x};" for sign in text),
    "some of it escaped": lambda text: f"%{ord(text[0]):x}{text[1:-1]}\\u{ord(text[-1]):04x}",
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal, capitals": lambda text: text.encode().hex().upper(),
    "hexadecimal, spaced": lambda text: text.encode().hex(" "),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 behind one octet": lambda text: base64.b64encode(b"=" + text.encode()).decode(),
    "base64 behind two octets": lambda text: base64.b64encode(b"e=" + text.encode() + b"&u").decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(b"\xfb\xff" + text.encode() + b"\xff").decode(),
    "in capitals, base64": lambda text: base64.b64encode(text.upper().encode()).decode(),
    "base64 of UTF-16": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    "base64 of UTF-16, the greater octet first": lambda text: base64.b64encode(text.encode("utf-16-be")).decode(),
    "base64, twice": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "base64 on two lines": lambda text: base64.encodebytes(b"p" * 53 + text.encode()).decode().strip(),
    "as in C, octal": lambda text: "".join(f"\\{ord(sign):03o}" for sign in text),
    "as in C++": lambda text: "".join(f"\\U{ord(sign):08x}" for sign in text),
    "as in old JavaScript": lambda text: "".join(f"%u{ord(sign):04x}" for sign in text),
    "code points": lambda text: " ".join(f"U+{ord(sign):04X}" for sign in text),
    "octets": lambda text: " ".join(f"0x{octet:02X}" for octet in text.encode()),
    "octets, decimal": lambda text: json.dumps(list(text.encode())),
    "bits": lambda text: " ".join(f"{octet:08b}" for octet in text.encode()),
    "UTF-16, hexadecimal": lambda text: text.encode("utf-16-be").hex(),
    "HTML, sloppy": lambda text: "".join(f"&#{ord(sign)}" for sign in text),
    "HTML, twice": lambda text: "".join(f"&amp;#{ord(sign)};" for sign in text),
    "signs with tags": lambda text: "".join(f"<b>{sign}</b>" for sign in text),
    "a list of signs": lambda text: json.dumps(list(text)),
    "wide": lambda text: "".join(chr(ord(sign) + 0xFEE0) for sign in text),
}
SURROUNDINGS = [
    "{}",
    "Incorrect passcode {}.",
    "bad code: factor=passcode&passcode={}&username=alice",
    '{{"passcode": "{}", "username": "alice"}}',
    "12{}34",
    "a{0}b {0}",
    "<p>{}</p>",
    "zürich {} ✓",
    "İİİ {} İ",
]


@pytest.mark.parametrize("passcode", [PASSCODE, "0123456789", YUBIKEY])
@pytest.mark.parametrize("form", FORMS)
def test_a_passcode_goes_in_every_form_and_wherever_it_stands(form, passcode):
    echo = FORMS[form](passcode)
    for surroundings in SURROUNDINGS:
        text = cleaned(surroundings.format(echo), passcode)
        assert echo not in text
        assert passcode not in text.lower()
        assert MARK in text
        outside = surroundings.format("\0").split("\0")[0]
        if outside and "base64" not in form and "=" not in outside:
            assert text.startswith(outside), "what stands before it stays"


@pytest.mark.parametrize(
    "echo",
    [
        f"Authorization: {HEADER}",
        f"Authorization: {HEADER[:40]}",
        HEADER.removeprefix("Basic "),
        HEADER.lower(),
        quote(f"Authorization={HEADER}", safe=""),
        json.dumps({"Authorization": HEADER}).replace("/", "\\/"),
        f"{IKEY}:{SIGNATURE}",
        f"{IKEY}:{SIGNATURE[:20]}",
        quote(f"{IKEY}:{SIGNATURE}"),
        f"signature {SIGNATURE}",
        f"signature {SIGNATURE.upper()}",
        base64.b64encode(f"POST /auth/v2/auth\r\nAuthorization: {HEADER}\r\n".encode()).decode(),
    ],
)
def test_our_credentials_go_whether_whole_or_cut(echo):
    for text in (echo, f"Missing or bad: {echo}, see the documentation"):
        left = cleaned(text)
        for secret in (HEADER.removeprefix("Basic "), SIGNATURE):
            for start in range(len(secret) - 16):
                assert secret[start : start + 16].lower() not in left.lower()
        assert left.startswith(text[: text.index(echo)])
    assert cleaned(f"Missing or bad: {echo}, see the documentation").endswith(", see the documentation")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Success. Logging you in...",
        "Incorrect passcode. Please try again.",
        "Account is active",
        "Your account is disabled and cannot access this application. Please contact your administrator.",
        "Pushed a login request to your phone (XXX-XXX-1234).",
        "Basic authentication is required, and Basic credentials are missing",
        "Invalid request parameters",
        "Enroll an authentication device to proceed: https://api-1a2b3c4d.duosecurity.com/portal?code=48bac5d9393fb2c2",
        "See https://help.duo.com/s/article/authentication-proxy-troubleshooting-guide-and-more?language=en_US",
        "request id 4bf92f3577b34da6a3ce929d0e0e4736 at 2026-11-28T12:36:51Z",
        "x" * MAX_TEXT,
        "Falscher Code für Jürgen. Bitte erneut versuchen.",
        "Versuche übrig: 3 von 10",
        "電話番号 03-1234-5678 に通知しました",
    ],
)
def test_other_texts_stay_as_they_are(text):
    assert cleaned(text, PASSCODE) == text
    assert shown(text, PASSCODE) == text


def test_ordinary_sentences_are_not_even_looked_at():
    assert not may_echo("Success. Logging you in...")
    assert not may_echo("Incorrect passcode. Please try again.")


@pytest.mark.parametrize("n_before", range(MAX_TEXT - 12, MAX_TEXT + 1))
def test_a_text_is_cut_after_it_was_cleaned(n_before):
    text = shown("." * n_before + PASSCODE, PASSCODE)
    assert len(text) <= MAX_TEXT
    assert "9" not in text


@pytest.mark.parametrize("form", FORMS)
def test_nor_is_one_halved_where_a_text_is_too_long_to_look_at_all_of_it(form):
    """Many echoes become few signs, so that the end of what is looked at could come into sight."""
    echo = FORMS[form]("9876543210")
    for n_before in range(0, 60, 3):
        text = shown("." * n_before + f"{echo} | " * (20_000 // len(echo)), "9876543210")
        assert len(text) <= MAX_TEXT
        assert not set(text) & set("123456789"), text[-40:]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
@pytest.mark.parametrize("form", FORMS)
def test_a_refusals_texts_are_cleaned(status, form):
    echo = f"factor=passcode&passcode={FORMS[form](PASSCODE)}&username=alice, Authorization: {HEADER}"
    body = json.dumps({"stat": "FAIL", "code": 40002, "message": echo, "message_detail": echo}).encode()
    refusal = V2.read(Auth("alice", Factor.PASSCODE, passcode=PASSCODE), status, body)
    assert isinstance(refusal, Refusal)
    for text in (refusal.message, refusal.detail):
        assert FORMS[form](PASSCODE) not in text
        assert HEADER[6:30] not in text


@pytest.mark.parametrize("flavour", [V1, V2])
@pytest.mark.parametrize("field", ["result", "status", "status_msg"])
def test_no_field_of_an_answer_repeats_it(flavour, field):
    response = {"result": "deny", "status": "deny", "status_msg": "No.", field: f"passcode={PASSCODE} {HEADER}"}
    call = Auth("alice", Factor.PASSCODE, passcode=PASSCODE)
    answer = flavour.read(call, 200, json.dumps({"stat": "OK", "response": response}).encode())
    assert PASSCODE not in repr(answer)
    assert HEADER[6:30] not in repr(answer)
    odd = {"stat": "OK", "response": {**response, "status_msg": 5}}
    assert PASSCODE not in repr(flavour.read(call, 200, json.dumps(odd).encode()))


@pytest.mark.parametrize(
    "page",
    [f"<p>passcode={PASSCODE}</p>", f"<{PASSCODE[:3]} {PASSCODE[3:]}", f"<b>{HEADER}", f"<{'.' * 55}{PASSCODE}"],
)
def test_a_page_that_repeats_it_is_told_without(page):
    with pytest.raises(Unavailable) as caught:
        V2.read(Auth("alice", Factor.PASSCODE, passcode=PASSCODE), 200, page.encode())
    assert "with a web page that begins '<" in caught.value.detail
    for secret in (PASSCODE, PASSCODE[:3], PASSCODE[3:], HEADER[6:26]):
        assert secret not in caught.value.detail


def test_a_check_and_a_preauth_are_cleaned_of_credentials_too():
    """Whoever probes Duo shows its texts as well: the supervisor, and `radgate check`."""
    body = json.dumps({"stat": "FAIL", "code": 40103, "message": "Invalid", "message_detail": HEADER}).encode()
    for call in (Check(), Preauth("alice")):
        assert V2.read(call, 401, body) == Refusal(401, 40103, "Invalid", MARK)


@given(st.text(), st.from_regex(r"[0-9]{6,10}", fullmatch=True), st.sampled_from(sorted(FORMS)), st.text())
def test_whatever_stands_around_it(before, passcode, form, after):
    assert passcode not in cleaned(before + FORMS[form](passcode) + after, passcode)
    assert passcode not in shown(before + FORMS[form](passcode) + after, passcode)


@pytest.mark.parametrize(
    "echo",
    [
        "９８７６５４",
        "٩٨٧٦٥٤",
        "9.8.7.6.5.4",
        "9,8,7,6,5,4",
        "9_8_7_6_5_4",
        "9\u200b8\u200b7\u200b6\u200b5\u200b4",
        "&#x0039;&#x0038;7654",
        "&#057;87654",
        "9&nbsp;8&nbsp;7654",
        "%2539%25387654",
    ],
)
def test_a_passcode_is_not_seen_in_other_digits_or_behind_other_signs(echo: str) -> None:
    seen = shown(f"bad code {echo} typed", "987654")
    assert seen == f"bad code {MARK} typed"


@pytest.mark.parametrize("passcode", ["000000", "110322", "0000000000", "3210321"])
def test_base64_without_a_digit_is_looked_at(passcode):
    for before in ("", "=", "e="):
        echo = base64.b64encode(f"{before}{passcode}".encode()).decode()
        assert shown(f"bad code {echo} typed", passcode) == f"bad code {MARK} typed"


@pytest.mark.parametrize("passcode", ["987654", "9876543210", YUBIKEY])
@pytest.mark.parametrize("before", ["user=alice&factor=passcode&code=", '{"passcode": "', "you typed "])
def test_what_is_left_of_a_passcode_where_a_text_ends_is_not_seen(before, passcode):
    for n_left in (max(4, len(passcode) // 2), len(passcode) - 1):
        assert shown(before + passcode[:n_left], passcode) == before + MARK
        assert shown(f"{before}{passcode[:n_left]}…", passcode) == f"{before}{MARK}…"


def test_a_passcode_that_was_taken_for_a_number_is_not_seen():
    assert shown("12345 is no string", "012345") == f"{MARK} is no string"
    assert shown('{"code": 9183645.0}', "0009183645") == f'{{"code": {MARK}.0}}'


@pytest.mark.parametrize("passcode", ["phoné1", "ключ12"])
def test_a_passcode_may_have_any_letters(passcode):
    for form in ("in capitals", "base64", "base64 of UTF-16", "octets"):
        echo = FORMS[form](passcode)
        assert passcode not in shown(f"bad code {passcode} and {echo}", passcode)
        assert echo not in shown(f"bad code {echo} typed", passcode)
