"""Any octets, typed as a password with a factor behind it and as the answer to a menu.

Nothing may be lost of a password, and nothing added to it; an answer is one of the menu's, or none.
"""

from gateway.duoapi.calls import Device
from gateway.engine.appended import Splitter, Typed
from gateway.engine.challenges.menu import menu_of, read_answer
from gateway.engine.challenges.texts import MAX_SHORT, console_text, short_text
from gateway.engine.typed_factor import TypedFactor
from tests.fuzz.driver import Program, Stateless
from tests.fuzz.parts import Seed, seed

CODECS = ("utf-8", "latin-1", "cp1252", "cp932", "euc_kr", "gb18030", "iso2022_jp", "big5")
DELIMITERS = (",", "\\", "@", "::", "ab", "|")
FACTORS = ("push", "phone", "sms", "auto", "mobile_otp", "")
LENGTHS = (0, 0, 0, 0, 1, 2, 6, 8)
SPLITTERS = [
    Splitter(codec, delimiter, n_characters, takes_any=takes_any)
    for codec in CODECS
    for delimiter in DELIMITERS
    for n_characters in LENGTHS
    for takes_any in (False, True)
]
PASSWORDS = ("secret", "", "pässwörd", "ソ表\\能", "비밀번호", "a,b", "\U0001f511 key", "ab" * 30, "x" * 128)
TYPED = ("push", "push2", "phone1", "sms", "auto", "123456", " PUSH ", "1", "3", "12", "none", "", "cccccccccccb" * 3)
NAMES = ("XXX-XXX-1234", "+1 (555) 010-9999", "iPad", "Gerät der Chefin", "x" * 60, "")


def _device(number: int, bits: int, name: str) -> Device:
    factors = frozenset(factor for bit, factor in enumerate(FACTORS) if bits >> number + bit & 1)
    return Device(f"DP{number}", factors, name, name[:1])


MENUS = [
    menu_of([_device(number, bits, NAMES[(bits + number) % len(NAMES)]) for number in range(bits % 25)])
    for bits in range(64)
]
"""Of no devices, and of more than a menu has."""


def seeds() -> list[Seed]:
    """Every codec and delimiter, with a password and what may be typed behind it."""
    found = []
    for number, splitter in enumerate(SPLITTERS):
        codec = splitter._codec
        password = PASSWORDS[number % len(PASSWORDS)].encode(codec, "replace")
        typed = TYPED[number % len(TYPED)].encode(codec)
        head = number.to_bytes(2, "big") + bytes((number * 7 & 0xFF,))
        found.append(seed(head, password, splitter._delimiter, typed))
        found.append(seed(head, typed))
    return found


def one_input(data: bytes) -> str:
    """Split one input, and answer a menu with it."""
    head, typed = data[:3], data[3:]
    splitter = SPLITTERS[int.from_bytes(head[:2], "big") % len(SPLITTERS)]
    return _split(typed, splitter) + _answer(typed.decode("utf-8", "replace"), head[2])


def _split(typed: bytes, splitter: Splitter) -> str:
    found = splitter.split(typed)
    factor, n_characters = found.factor, splitter._n_characters
    assert typed.startswith(found.password)
    assert n_characters or factor is not None or found == Typed(typed)
    if factor is not None and not n_characters:
        assert typed[len(found.password) :].startswith(splitter._delimiter)
    assert splitter.split(typed).meaning == found.meaning
    reading = splitter.reading(found.password, factor)
    assert bool(reading) or factor is None
    if factor is not None:  # nothing of what was typed is told
        assert reading == splitter.reading(b"", TypedFactor(factor.factor))
    return "a password" if factor is None else f"{factor.factor} behind a password"


def _answer(text: str, bits: int) -> str:
    menu = MENUS[bits % len(MENUS)]
    if bits % 4 == 0:
        menu = menu_of([_device(number, bits, text) for number in range(1 + bits % 3)])
        assert len(short_text(menu)) <= MAX_SHORT
        assert console_text(text, menu)
    choice = read_answer(text, menu)
    assert choice is None or choice.device == "" or choice.device in [device.device for device in menu]
    return ", no answer" if choice is None else ", an answer"


PROGRAM = Program(
    seeds(),
    lambda: Stateless(one_input),
    ("gateway.engine.appended", "gateway.engine.challenges.menu", "gateway.engine.challenges.texts"),
    frozenset({"enrolment_text", "append_text", "Typed.__repr__", "Splitter.__init__", "Splitter.__repr__"}),
    max_size=140,
)
