"""What a value shows that nobody meant: a template that was not filled in, quotation marks, a comment, the invisible.

All that follows `=` is value, in Duo's proxy too, so most of this is a warning, for it may be meant; an error is what
cannot be meant. No text here shows the value.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

QUOTATION_MARKS = "\"'`“”‘’‚‛„‟«»‹›＂＇"

_INLINE_COMMENT = re.compile(r"\s[;#]")
_BLANK_LETTERS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_TYPOGRAPHIC_MARKS = frozenset(QUOTATION_MARKS) - frozenset("\"'`")
_NAMED_CONTROLS = {"\t": "TAB", "\x1b": "ESCAPE", "\r": "CARRIAGE RETURN", "\n": "LINE FEED", "\0": "NUL"}

_NAME = r"[A-Za-z_][\w.-]*"
_UNFILLED = {
    "${…}": re.compile(r"[$#]\{[^}]*\}"),
    "{{ … }}": re.compile(r"\{\{.*\}\}"),
    "{% … %}": re.compile(r"\{%.*%\}"),
    "<% … %>": re.compile(r"<%.*%>"),
    "$(…)": re.compile(rf"\$\({_NAME}\)"),
    "%(…)s": re.compile(rf"%\({_NAME}\)s"),
}
"""Marks of templates, by what is shown of them, wherever in a value they are."""

_WHOLLY_UNFILLED = {
    "<…>": re.compile(r"<[^<>]+>"),
    "@…@": re.compile(r"@@?[\w.-]+@@?"),
    "%…%": re.compile(r"%%?[\w. -]+%%?"),
    "$…": re.compile(rf"\$(env:)?{_NAME}"),
    "{…}": re.compile(rf"\{{ ?{_NAME}( [\w.-]+)* ?\}}"),
    "[…]": re.compile(r"\[\[?[\w. -]+\]\]?"),
    "{{ …": re.compile(r"\{\{.*|.*\}\}"),
    "%!…(…)": re.compile(r"%!\w\(.*\)"),
    "((…))": re.compile(r"\(\(.+\)\)"),
    "__…__": re.compile(r"__\w+__"),
}
"""The same where it is the whole value; within one it may be chance."""

_STANDS_FOR_ANOTHER = {
    "a reference to a store of secrets": re.compile(
        r"(arn:aws:|op://|vault:|ref\+\w+://|sm://|projects/[^/]+/secrets/|@Microsoft\.KeyVault\(|ENC\[|!vault"
        r"|\$ANSIBLE_VAULT|(env|file|sops|ssm|secret|keyring|base64|b64|bws|akv|doppler|infisical):).*"
        r"|![A-Za-z]+ +\S.*"
    ),
    "the path of a file, which is written to the same key with _file at its end": re.compile(
        r"/(run|var|etc|secrets?|opt|home|root|srv|mnt|usr|tmp|vault|app|data|dev|proc|credentials)(/[\w.@-]+)+"
    ),
    "what a program says that has found no secret": re.compile(
        r"(<!doctype|<html|<\?xml|(an )?error[: ]|.{0,40}(not found|permission denied|no such file)"
        r"|(curl|fatal|aws|vault): |access ?denied|unauthori[sz]ed|forbidden|system\.).*",
        re.IGNORECASE,
    ),
    "the first line of a key or a certificate": re.compile(r"-----BEGIN .*"),
    "what tools show in place of a secret": re.compile(
        r"[*•●]{3,}(\[[0-9]+\])?|\((sensitive( value)?|known after apply|hidden|redacted)\)|VARIABLE IS NOT DEFINED!?",
        re.IGNORECASE,
    ),
}

_SEPARATORS = re.compile(r"[\s._-]")
_LONG_RUN = re.compile(r"([Xx*#?])\1{5,}")
_NOT_LETTERS = re.compile("[^a-z0-9]")
_STAND_IN = re.compile(
    r".*(change|replace)(me|this|it|with).*|.*(placeholder|yourpassword|yourshared|yoursecret|yourradius|yourskey).*"
    r"|(put|insert|enter|paste|add|your|my|the|a|an|some|example|sample|dummy|fake|test|default)*"
    r"(duo|radius|shared)*(secret|skey|secretkey|password|passwort|passw0rd|pass|key)([0-9]{0,4}|0?1234[0-9]*)"
    r"(here|goeshere|value)?"
    r"|null|nil|none|undefined|unset|empty|todo|tbd|fixme|xxx|foo|bar|foobar|example|sample|redacted|removed|hidden"
)
_PUBLISHED = frozenset(
    {"testing123", "thisisaradiussecret", "radiusclientsecret", "radiussecret1", "radiussecret2", "thisisaradiuskey"}
)
"""Secrets that stand in Duo's, FreeRADIUS's and other vendors' documents, letters and digits alone."""

_OUR_OWN = frozenset({"thesecret", "thesecretwithoutblanks"})
"""Those of our own documents."""

_ASSIGNMENT = re.compile(
    r"(export\s+)?[\w.-]*(secret|skey|password|passwd|radius|duo|key|token|value)[\w.-]*\s*(=|:\s)\s*\S.*",
    re.IGNORECASE,
)
_PART_BEHIND_BLANK = re.compile(r"[^\s,;+]\s+(dc|ou|cn)\s*=", re.IGNORECASE)
_LONE_COMMENT = re.compile("[#;]\\s|//\\s|--\\s")

_LONGEST_LOOKED_AT = 4096  # characters: what is longer is no slip, and patterns take time with the square of it


class Slip(NamedTuple):
    """What is odd about a value, and what to do."""

    text: str
    is_error: bool = False


def has_inline_comment(value: str) -> bool:
    """Whether a part of the value looks as if it was meant as a comment."""
    return _INLINE_COMMENT.search(value) is not None


def is_quoted(value: str) -> bool:
    """Whether quotation marks stand around the value, or at one end of it."""
    return len(value) > 1 and (
        (value[0] in QUOTATION_MARKS and value[-1] in QUOTATION_MARKS)
        or not _TYPOGRAPHIC_MARKS.isdisjoint(value[0] + value[-1])
    )


def _is_unseen(character: str) -> bool:
    """Whether nobody can see the character, or tell it from a blank."""
    return not character.isprintable() or _BLANK_LETTERS.match(character) is not None


def unseen(text: str) -> str | None:
    """Return the first character that cannot be seen, `U+00A0 NO-BREAK SPACE`, None if all can."""
    if text.isascii() and text.isprintable():
        return None
    return next((name_of(character) for character in text if _is_unseen(character)), None)


def seen(text: str) -> str:
    """Return the text without what cannot be seen, and without the quotation marks of word processors."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter for letter in text if not _is_unseen(letter) and letter not in _TYPOGRAPHIC_MARKS)


def not_ascii(text: str) -> str | None:
    """Return the first character that is no printable ASCII, by its number and name: it may look like one that is."""
    return next((name_of(character) for character in text if not " " <= character <= "~"), None)


def with_odd_character(text: str) -> str:
    """Return what to add to a problem of a text for which printable ASCII does: which of its characters is another."""
    odd = unseen(text) or not_ascii(text.replace("\ufffd", ""))
    return f"; it holds a character that does not belong there, {odd}" if odd else ""


def name_of(character: str) -> str:
    """Return `U+00A0 NO-BREAK SPACE`."""
    name = unicodedata.name(character, "") or _NAMED_CONTROLS.get(character, "")
    return f"U+{ord(character):04X} {name}".rstrip()


def unfilled(value: str) -> str | None:
    """Return how a template's mark in the value looks, `${…}`, None if there is none."""
    if value.isalnum() or len(value) > _LONGEST_LOOKED_AT:
        return None
    for shown, pattern in _UNFILLED.items():
        if pattern.search(value):
            return shown
    return _first_match(_WHOLLY_UNFILLED, value)


def _first_match(patterns: Mapping[str, re.Pattern[str]], value: str) -> str | None:
    return next((shown for shown, pattern in patterns.items() if pattern.fullmatch(value)), None)


def repeated_letter(value: str) -> str | None:
    """Return the one character, in lower case, of which the value consists, separators aside."""
    letters = _SEPARATORS.sub("", value).lower() or value[:1]
    return letters[0] if letters and letters == letters[0] * len(letters) else None


def content_of(octets: bytes) -> bytes:
    """Return what a file for one value holds: without a byte order mark, and without the ends of its last line."""
    return octets.removeprefix(codecs.BOM_UTF8).rstrip(b"\r\n")


def secret_slips(secret: bytes) -> Iterator[Slip]:
    """Yield what is odd about a secret, wherever it stood."""
    if b"\0" in secret or secret.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield Slip("is UTF-16, or has a NUL in it; save it as UTF-8 without one", is_error=True)
        return
    if n_lines := len(re.findall(rb"\r\n|\r|\n", secret)):
        yield Slip(f"has {n_lines + 1} lines; a secret is one line, with no comment beside it", is_error=True)
        return
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return  # somebody's random octets
    if len(text) <= _LONGEST_LOOKED_AT or repeated_letter(text):
        yield from _placeholder_slips(text)
    if text.isascii() and text.isalnum():
        return  # as most are: nothing is around it
    yield from _form_slips(text, "secret")
    if len(text) <= _LONGEST_LOOKED_AT:
        yield from _wrapping_slips(text)


def name_slips(text: str) -> Iterator[Slip]:
    """Yield what is odd about a user's name."""
    yield from _free_text_slips(text, "name")
    if "*" in text or "?" in text:
        yield Slip("is one name, of which * and ? are a part: it stands for no others; write whole names, one to a key")
    if "," in text:
        yield Slip("the comma is part of the name; write one name to a key")


def delimiter_slips(text: str) -> Iterator[Slip]:
    """Yield what is odd about what is to stand between a password and a factor."""
    yield from _free_text_slips(text, "delimiter")
    if any(letter.isalnum() for letter in text):
        yield Slip("passwords have letters and digits, too; write a sign that they have not, such as , or &")


def account_slips(text: str) -> Iterator[Slip]:
    """Yield what is odd about the name of an account or a group of this machine."""
    yield from _free_text_slips(text, "name")


def dn_slips(text: str) -> Iterator[Slip]:
    """Yield what is odd about a distinguished name."""
    yield from _free_text_slips(text, "name")
    if found := _PART_BEHIND_BLANK.search(text):
        part = found[1].lower()
        yield Slip(
            f"blanks where commas belong? {part}= and what follows is part of the value before it; write ,{part}="
        )


def filter_slips(text: str) -> Iterator[Slip]:
    """Yield what is odd about a filter of LDAP."""
    yield from _free_text_slips(text, "filter")


def path_slips(text: str) -> Iterator[Slip]:
    """Yield what is odd about a path."""
    yield from _free_text_slips(text, "path")
    if text.strip(QUOTATION_MARKS).startswith("~"):
        yield Slip("~ is part of the path, it is not replaced; write the whole path")
    if "$" in text and not unfilled(text):
        yield Slip("$ is part of the path, nothing is put in its place; write the whole path")
    if "\\" in text:
        yield Slip("\\ separates no folders here, it is part of a name; write a path of this machine, with /")


def _free_text_slips(text: str, what: str) -> Iterator[Slip]:
    if shown := unfilled(text):
        yield Slip(f"looks like the {shown} of a template that was not filled in; write the {what} itself")
    yield from _form_slips(text, what)


def _form_slips(text: str, what: str) -> Iterator[Slip]:
    if is_quoted(text):
        yield Slip(f"the quotation marks are part of the {what}; remove them if they are not meant")
    if has_inline_comment(text):
        yield Slip(f"what looks like a comment is part of the {what}; write comments on a line of their own")
    if hidden := unseen(text):
        yield Slip(f"the {what} holds a character that cannot be seen, {hidden}; type it anew if that is not meant")


def _placeholder_slips(text: str) -> Iterator[Slip]:
    letters = _NOT_LETTERS.sub("", text.lower())
    repeated = repeated_letter(text)
    if repeated == "x":
        yield Slip("is X only, the placeholder of samples; write the real one", is_error=True)
    elif letters in _OUR_OWN:
        yield Slip("is a word of radgate's documents, which everybody knows; write the real secret", is_error=True)
    elif shown := unfilled(text):
        yield Slip(f"looks like the {shown} of a template that was not filled in; write the secret itself")
    elif not text.isalnum() and (other := _first_match(_STANDS_FOR_ANOTHER, text)):
        yield Slip(f"looks like {other}; write the secret itself")
    elif repeated:
        yield Slip("is one character again and again, as placeholders are; write the real secret")
    elif letters in _PUBLISHED:
        yield Slip("is published in documents as an example, everybody knows it; make a secret of your own")
    elif _STAND_IN.fullmatch(letters) or _LONG_RUN.search(text):
        yield Slip("looks like a placeholder; write the real secret")


def _wrapping_slips(text: str) -> Iterator[Slip]:
    """Yield what shows that the value is something around the secret, or a part of it."""
    if text.strip() != text:
        yield Slip("blanks around the secret are part of it; remove them if they are not meant")
    if "…" in text or text.endswith("..."):
        yield Slip("has an ellipsis in it, as a secret that was shortened; copy the whole one if that is not meant")
    if _is_json(text):
        yield Slip("is JSON, and all of it is the secret; write only the value if that is not meant")
    elif _ASSIGNMENT.fullmatch(text):
        yield Slip("looks like a name and a value, and all of it is the secret; write only the value")
    elif _LONE_COMMENT.match(text):
        yield Slip("looks like a comment, and is the secret; write the secret itself if that is not meant")


def _is_json(text: str) -> bool:
    if text[:1] not in ("{", "["):
        return False
    try:
        msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return False
    return True
