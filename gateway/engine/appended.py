"""A first factor's password with the second factor behind it, `secret,push`: which octets belong to which.

What is in front of the last delimiter is the password if what follows it is a factor; otherwise all of it is the
password. There is one reading, never two: to try both would halve the failures that a directory permits. Where all
passwords have one length, that decides, and no delimiter is looked for.

The password is a matter of octets: it is not trimmed, and what is no text in `pw_codec` stays as it is. Both ends are
found in the text nevertheless, for in some codecs an octet of the delimiter may be half of another letter.
"""

from codecs import lookup
from typing import Final, final

from mypy_extensions import mypyc_attr

from gateway.duoapi.calls import PASSCODE
from gateway.engine.modes.reading import readable
from gateway.engine.typed_factor import TypedFactor, meaning_of, read_factor_or_auto
from gateway.values import Value

_CONTINUES_FROM: Final = 0x80  # octets of UTF-8 within a letter
_CONTINUES_TO: Final = 0xC0
_SPLIT: Final = "the text was split at its last delimiter, and what stood behind it was taken for "
_CUT_OFF: Final = "the text was cut after %d characters (delimited_password_length), and what follows was taken for "
_NO_FACTOR: Final = "the text has a delimiter, and what follows is no factor: all of it was taken for the password"
_NAMES: Final = {",": "a comma", ";": "a semicolon", ":": "a colon", " ": "a blank"}


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Typed(Value):
    """What was typed: the password of the first factor, octet for octet, and the second factor; None for none."""

    __slots__ = ("factor", "password")

    def __init__(self, password: bytes, factor: TypedFactor | None = None) -> None:
        self.password = password
        self.factor = factor

    @property
    def meaning(self) -> str:
        """What is the same for all ways to type the same thing; see `engine.modes.asked.Asked`."""
        password = self.password.decode("latin-1")
        return f"{len(password)} {password} {meaning_of(self.factor, b'')}"

    def __repr__(self) -> str:
        """Hide the password."""
        return f"<Typed factor={self.factor!r}>"


class Splitter:
    """How a section tells the two apart."""

    __slots__ = ("_codec", "_delimiter", "_is_utf_8", "_n_characters", "_of_passcode", "_taken_for", "_takes_any")

    def __init__(self, codec: str, delimiter: str = ",", n_characters: int = 0, *, takes_any: bool = False) -> None:
        """Take what the section says.

        Args:
            codec: explains the octets of passwords, by Python's name.
            delimiter: not empty, and of letters that the codec has.
            n_characters: of every password; 0 for any number.
            takes_any: whatever stands behind the delimiter is a factor, which Duo then refuses.
        """
        self._codec = codec
        self._is_utf_8 = lookup(codec).name == "utf-8"
        self._delimiter = delimiter.encode("ascii" if delimiter.isascii() else codec)
        self._n_characters = n_characters
        self._takes_any = takes_any or n_characters > 0
        self._taken_for = _CUT_OFF % n_characters if n_characters else _SPLIT
        self._of_passcode = self._taken_for + "a passcode"  # made once: most logins have one

    def split(self, octets: bytes) -> Typed:
        """Return password and factor of what was typed, without the NULs that fill it up."""
        whole = self._decode(octets)
        if whole is None:
            return Typed(octets)
        if self._n_characters:
            return self._cut_off(octets, whole)
        end = self._delimiter_at(octets, whole)
        factor = self._read(octets[end + len(self._delimiter) :]) if end >= 0 else None
        return Typed(octets[:end], factor) if factor is not None else Typed(octets)

    def reading(self, password: bytes, factor: TypedFactor | None) -> str:
        """Return how a text became these two, for administrators; nothing of it, and empty for a password alone."""
        if factor is not None:
            return self._of_passcode if factor.factor is PASSCODE else self._taken_for + factor.factor
        if self._n_characters or self._delimiter not in password:
            return ""
        whole = self._decode(password)
        return _NO_FACTOR if whole is not None and self._delimiter_at(password, whole) >= 0 else ""

    def _cut_off(self, octets: bytes, whole: str) -> Typed:
        """Return the first characters as the password, and the rest as the factor: one delimiter may be between."""
        if len(whole) <= self._n_characters:
            return Typed(octets)
        for end in range(self._n_characters, len(octets)):
            if self._is_border(octets, end, whole) and len(self._decode(octets[:end]) or "") == self._n_characters:
                return Typed(octets[:end], self._read(octets[end:].removeprefix(self._delimiter)))
        return Typed(octets)  # the codec takes characters together, and there is no border

    def _delimiter_at(self, octets: bytes, whole: str) -> int:
        """Return where the last delimiter begins; -1 if there is none."""
        at = octets.rfind(self._delimiter)
        while at >= 0 and not self._is_border(octets, at, whole):
            at = octets.rfind(self._delimiter, 0, at + len(self._delimiter) - 1)
        return at

    def _is_border(self, octets: bytes, at: int, whole: str) -> bool:
        """Whether a letter ends in front of this octet."""
        if self._is_utf_8 and not (at < len(octets) and _CONTINUES_FROM <= octets[at] < _CONTINUES_TO):
            return True
        left, right = self._decode(octets[:at]), self._decode(octets[at:])
        return left is not None and right is not None and left + right == whole

    def _decode(self, octets: bytes) -> str | None:
        """Return the text; octets that are none stand for themselves, and None is for codecs that cannot say which."""
        try:
            return octets.decode(self._codec, "surrogateescape")
        except UnicodeError:
            return None

    def _read(self, octets: bytes) -> TypedFactor | None:
        text = (readable(octets, self._codec) or "").strip()
        factor = read_factor_or_auto(text)
        return TypedFactor(PASSCODE, 0, text) if factor is None and text and self._takes_any else factor

    def __repr__(self) -> str:
        return f"<Splitter {self._codec} n_characters={self._n_characters}>"


def append_text(delimiter: str) -> str:
    """Return what to tell whoever has typed a password alone where a factor must follow."""
    return f"Enter your password, {_NAMES.get(delimiter, delimiter)}, and a passcode or push."
