"""Distinguished names as text (RFC 4514), as far as a file of settings needs them."""

import re
from typing import Final

_TYPE: Final = r"(?:[A-Za-z][A-Za-z0-9-]*|(?:[Oo][Ii][Dd]\.)?\d+(?:\.\d+)*)"
_VALUE: Final = r"(?:#(?:[0-9A-Fa-f]{2})+|(?!#)(?:[^,+;<>\"\\\0]|\\[0-9A-Fa-f]{2}|\\[ \"#+,;<=>\\])*)"
_PART: Final = re.compile(rf" *({_TYPE}) *= *({_VALUE})")
_SEPARATORS: Final = (",", "+")


def is_dn(text: str) -> bool:
    """Whether a text is a distinguished name with at least one part."""
    return bool(_parts(text))


def domain_of(dn: str) -> str:
    """Return what a name's DC parts say, in lower case: `OU=Staff,DC=ad,DC=example` -> `ad.example`. May be empty."""
    return ".".join([value for kind, value in _parts(dn) if kind == "dc"]).lower()


def _parts(text: str) -> list[tuple[str, str]]:
    """Return types, in lower case, and values as they are written; nothing if the text is no distinguished name."""
    parts: list[tuple[str, str]] = []
    at = 0
    while found := _PART.match(text, at):
        parts.append((found[1].lower(), found[2].strip()))
        at = found.end()
        if at == len(text):
            return parts
        if text[at] not in _SEPARATORS:
            break
        at += 1
    return []
