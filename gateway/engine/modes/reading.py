"""What all modes read alike in an Access-Request: names and texts, what is refused, and what proves its secret."""

import re
from typing import Final

from gateway.engine.sender import Sender
from gateway.engine.verdict import (
    UNPROVEN_PASSWORD,
    Verdict,
    rejection,
)
from gateway.radius.dictionary import (
    CHAP_CHALLENGE,
    CHAP_PASSWORD,
    NAS_PORT,
    STATE,
    USER_NAME,
    USER_PASSWORD,
)
from gateway.radius.discards import DiscardReason
from gateway.radius.packet import HAS_CHAP, HAS_EAP, HAS_STATE, Packet
from gateway.words.reasons import Reason

# RFC 2865 section 5.44
_AT_MOST_ONCE: Final = (USER_NAME, USER_PASSWORD, CHAP_PASSWORD, STATE, NAS_PORT, CHAP_CHALLENGE)
UNUSUAL: Final = HAS_CHAP | HAS_EAP | HAS_STATE

_PROVING_NULS: Final = 2  # at the end of a revealed password: another secret gives that once in 65,536 times
_CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def is_probe(packet: Packet, probe_usernames: frozenset[str]) -> bool:
    """Whether an Access-Request is a balancer's health probe, by its name, whose letter case does not matter."""
    name = readable(before_nul(packet.user_name), "utf-8")
    return name is not None and name.strip().lower() in probe_usernames


def shown_user_name(packet: Packet) -> str:
    """Return what stands for the name of a request that cannot be read, for the log, which escapes what it must."""
    return before_nul(packet.user_name).decode("utf-8", "backslashreplace")


def before_nul(octets: bytes) -> bytes:
    """Return what stands before the first NUL: clients in C send what happened to lie behind it, too."""
    return octets.partition(b"\0")[0] if 0 in octets else octets


def may_be_chance(password: bytes, n_octets: int, n_nuls: int) -> bool:
    """Whether a password that names no factor is what another secret makes of one more often than once in some 100,000
    times.

    Not so what is filled up with two NULs or more, and what is UTF-8, all `n_octets` of it. But one random octet in 256
    is a NUL, and in a codec of one octet most random ones are letters.
    """
    return len(password) != n_octets or (n_nuls < _PROVING_NULS and readable(password, "utf-8") is None)


def refuse_unproven(sender: Sender, source: str, n_nuls: int) -> Verdict | DiscardReason:
    """Refuse an unsigned request; the NULs that fill its password up may have proven the secret all the same."""
    if n_nuls >= _PROVING_NULS:
        sender.was_read(source)
        return rejection(Reason.UNREADABLE_PASSWORD)
    return UNPROVEN_PASSWORD if sender.is_proven(source) else DiscardReason.WRONG_SECRET


def refuse_repeats(packet: Packet) -> Reason | None:
    """Return why every mode refuses a request that has something twice which it may have once; None if it has not."""
    is_repeated = packet.has_repeats and any(packet.is_repeated(kind) for kind in _AT_MOST_ONCE)
    return Reason.CONFLICTING_CREDENTIALS if is_repeated else None


def refuse_attributes(packet: Packet) -> Reason | None:
    """Return why a mode that takes PAP, and never challenges, refuses what a request holds; None if it does not."""
    if refuse_repeats(packet):
        return Reason.CONFLICTING_CREDENTIALS
    if packet.marks & (HAS_CHAP | HAS_EAP):
        both = packet.has(USER_PASSWORD)
        return Reason.CONFLICTING_CREDENTIALS if both else Reason.UNSUPPORTED_CREDENTIALS
    if packet.marks & HAS_STATE and packet.value(STATE):  # nobody challenges: no State is ours (RFC 5080, 2.1.1)
        return Reason.UNKNOWN_STATE
    if not packet.user_name:
        return Reason.NO_USER_NAME
    return None if packet.has(USER_PASSWORD) else Reason.UNSUPPORTED_CREDENTIALS


def readable(octets: bytes, codec: str) -> str | None:
    """Return the text, or None if the octets are none or hold control characters: those never reach a log, a URL or
    Duo.
    """
    try:
        text = octets.decode("utf-8") if codec == "utf-8" else octets.decode(codec)
    except UnicodeError:
        return None
    return text if text.isprintable() or not _CONTROL_CHARACTERS.search(text) else None


def shown(octets: bytes) -> str:
    """Return somebody else's text as a person can read it: a blank for each control character, and a mark for what is
    no UTF-8.
    """
    text = octets.decode(errors="replace")
    return text if text.isprintable() else _CONTROL_CHARACTERS.sub(" ", text)


def recoded(octets: bytes, codec: str, wanted: str) -> bytes | None:
    """Return a password in another codec; None if it is no text in this one, or has letters that the other lacks.

    What somebody else checks may hold anything. Octets that only shift between sets of letters are an empty one.
    """
    try:
        text = octets.decode(codec)
        return text.encode(wanted) if text else b""  # of no letters some codecs make a mark
    except UnicodeError:
        return None
