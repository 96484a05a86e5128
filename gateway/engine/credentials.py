"""What an Access-Request asks for: who, with which typed text, from where. Or why it cannot be read."""

import re
from typing import Final, final

from mypy_extensions import mypyc_attr

from gateway.engine.nas import Nas, Section
from gateway.engine.password import read_password
from gateway.engine.verdict import UNPROVEN_PASSWORD, Reason, Verdict, rejection
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
from gateway.values import Value

# RFC 2865 section 5.44
_AT_MOST_ONCE: Final = (USER_NAME, USER_PASSWORD, CHAP_PASSWORD, STATE, NAS_PORT, CHAP_CHALLENGE)
_UNUSUAL: Final = HAS_CHAP | HAS_EAP | HAS_STATE

_PROVING_NULS: Final = 2  # at the end of a revealed password: another secret gives that once in 65,536 times
_CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Credentials(Value):
    """A readable request.

    Attributes:
        typed: the password's octets up to the first NUL; like the text, they never leave the process.
        password: the same as text without surrounding blanks, None when no charset explains the octets.
        ipaddr: the address of the user's own machine, if the NAS tells it.
    """

    __slots__ = ("ipaddr", "password", "typed", "user_name")

    def __init__(self, user_name: str, typed: bytes, password: str | None, ipaddr: str | None) -> None:
        self.user_name = user_name
        self.typed = typed
        self.password = password
        self.ipaddr = ipaddr

    def __repr__(self) -> str:
        """Hide the password."""
        return f"<Credentials {self.user_name!r}>"


def read_credentials(packet: Packet, nas: Nas, source: str) -> Credentials | Verdict | DiscardReason:
    """Return the credentials, the rejection, or the reason to stay silent.

    A signature has proven the shared secret. Of other requests the password has to: whoever does not know the secret
    can send one, and `unrecognised_factor=auto` would push somebody for it. So an unsigned request is never a login
    whose password is no text, or what random octets look like too often. Silence answers it where nothing has ever
    proven the secret: it is most likely wrong, and the NAS could not verify a reply either.
    """
    name, hidden = packet.user_name, packet.value(USER_PASSWORD) or b""
    if packet.marks & _UNUSUAL or packet.has_repeats or not name or not hidden:
        reason = _refuse_attributes(packet)
        if reason is not None:
            return rejection(reason)
    user_name = _readable(_before_nul(name), "utf-8")
    if not user_name:
        return rejection(Reason.BAD_USER_NAME if user_name is None else Reason.NO_USER_NAME)
    clear = nas.shared_secret.reveal_user_password(hidden, packet.authenticator)
    if clear is None:
        return rejection(Reason.MALFORMED_PASSWORD)
    typed = _before_nul(clear)
    password = _readable(typed.strip(), nas.section.password_charset)
    if not packet.signed_at:
        n_nuls = len(hidden) - len(clear)
        if password is None or _may_be_chance(password, typed, len(clear), n_nuls):
            return _refuse_unproven(nas, source, n_nuls)
        if password:
            nas.was_read(source)
    address = nas.section.client_address
    return Credentials(user_name, typed, password, address.read(packet) if address is not None else None)


def is_probe(packet: Packet, section: Section) -> bool:
    """Whether an Access-Request is a balancer's health probe, by its name, whose letter case does not matter."""
    name = _readable(user_name_octets(packet), "utf-8")
    return name is not None and name.strip().lower() in section.probe_usernames


def user_name_octets(packet: Packet) -> bytes:
    """Return the User-Name as far as it is meant; empty for none."""
    return _before_nul(packet.user_name)


def shown_user_name(packet: Packet) -> str:
    """Return what stands for the name of a request that cannot be read, for the log, which escapes what it must."""
    return user_name_octets(packet).decode("utf-8", "backslashreplace")


def _before_nul(octets: bytes) -> bytes:
    """Return what stands before the first NUL: clients in C send what happened to lie behind it, too."""
    return octets.partition(b"\0")[0] if 0 in octets else octets


def _may_be_chance(password: str, typed: bytes, n_octets: int, n_nuls: int) -> bool:
    """Whether a text is what another secret makes of a password more often than once in some 100,000 times.

    Not so what is filled up with two NULs or more, what is UTF-8, a passcode or a factor word. But one random octet in
    256 is a NUL, and in a charset of one octet most random ones are letters.
    """
    if len(typed) == n_octets and (n_nuls >= _PROVING_NULS or _readable(typed, "utf-8") is not None):
        return False
    return read_password(password) is None


def _refuse_unproven(nas: Nas, source: str, n_nuls: int) -> Verdict | DiscardReason:
    """Refuse an unsigned request; the NULs that fill its password up may have proven the secret all the same."""
    if n_nuls >= _PROVING_NULS:
        nas.was_read(source)
        return rejection(Reason.UNREADABLE_PASSWORD)
    return UNPROVEN_PASSWORD if nas.is_proven(source) else DiscardReason.WRONG_SECRET


def _refuse_attributes(packet: Packet) -> Reason | None:
    if packet.has_repeats and any(packet.is_repeated(kind) for kind in _AT_MOST_ONCE):
        return Reason.CONFLICTING_CREDENTIALS
    if packet.marks & (HAS_CHAP | HAS_EAP):
        both = packet.has(USER_PASSWORD)
        return Reason.CONFLICTING_CREDENTIALS if both else Reason.UNSUPPORTED_CREDENTIALS
    if packet.marks & HAS_STATE and packet.value(
        STATE
    ):  # duo_only never challenges: no State is ours (RFC 5080, 2.1.1)
        return Reason.UNKNOWN_STATE
    if not packet.user_name:
        return Reason.NO_USER_NAME
    return None if packet.has(USER_PASSWORD) else Reason.UNSUPPORTED_CREDENTIALS


def _readable(octets: bytes, charset: str) -> str | None:
    """Return the text, or None if the octets are none or hold control characters: those never reach a log, a URL or
    Duo.
    """
    try:
        text = octets.decode("utf-8") if charset == "utf-8" else octets.decode(charset)
    except UnicodeError:
        return None
    return text if text.isprintable() or not _CONTROL_CHARACTERS.search(text) else None
