"""What an Access-Request asks for: who, with which typed text, from where. Or why it cannot be read."""

import re
from typing import Final

import msgspec

from gateway.engine.nas import Nas
from gateway.engine.verdict import Reason
from gateway.radius.dictionary import (
    CHAP_CHALLENGE,
    CHAP_PASSWORD,
    EAP_MESSAGE,
    MESSAGE_AUTHENTICATOR,
    NAS_PORT,
    STATE,
    USER_NAME,
    USER_PASSWORD,
)
from gateway.radius.discards import DiscardReason
from gateway.radius.packet import Packet

# RFC 2865 section 5.44
_AT_MOST_ONCE: Final = (USER_NAME, USER_PASSWORD, CHAP_PASSWORD, STATE, NAS_PORT, CHAP_CHALLENGE)
_OTHER_WAYS: Final = frozenset({CHAP_PASSWORD, EAP_MESSAGE})

_CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Credentials(msgspec.Struct, gc=False):
    """A readable request.

    Attributes:
        typed: the password's octets; like the text, they never leave the process.
        password: the same as text without surrounding blanks, None when no charset explains the octets.
        ipaddr: the address of the user's own machine, if the NAS tells it.
    """

    user_name: str
    typed: bytes
    password: str | None
    ipaddr: str | None

    def __repr__(self) -> str:
        """Hide the password."""
        return f"<Credentials {self.user_name!r}>"


def read_credentials(packet: Packet, nas: Nas, source: str) -> Credentials | Reason | DiscardReason:
    """Return the credentials, the reason to reject, or the reason to stay silent.

    An unsigned request whose password is no text is never a login: whoever does not know the shared secret can make
    one, and `unrecognised_factor=auto` would push somebody for it. Silence answers it where the secret was never
    proven: it is most likely wrong, and the NAS could not verify a reply either.
    """
    reason = _refuse_attributes(packet)
    if reason is not None:
        return reason
    user_name = _readable(packet.value(USER_NAME) or b"", "utf-8")
    if user_name is None:
        return Reason.BAD_USER_NAME
    hidden = packet.value(USER_PASSWORD) or b""
    clear = nas.shared_secret.reveal_user_password(hidden, packet.authenticator)
    if clear is None:
        return Reason.MALFORMED_PASSWORD
    password = _readable(clear.strip(), nas.section.password_charset)
    if password:
        nas.was_read(source)
    elif password is None and not packet.has(MESSAGE_AUTHENTICATOR):
        return Reason.UNREADABLE_PASSWORD if nas.is_proven(source) else DiscardReason.WRONG_SECRET
    address = nas.section.client_address
    return Credentials(user_name, clear, password, address.read(packet) if address is not None else None)


def shown_user_name(packet: Packet) -> str:
    """Return what stands for the name of a request that cannot be read, for the log, which escapes what it must."""
    return (packet.value(USER_NAME) or b"").decode("utf-8", "backslashreplace")


def _refuse_attributes(packet: Packet) -> Reason | None:
    if packet.has_repeats and any(packet.is_repeated(kind) for kind in _AT_MOST_ONCE):
        return Reason.CONFLICTING_CREDENTIALS
    if packet.has_any(_OTHER_WAYS):
        both = packet.has(USER_PASSWORD)
        return Reason.CONFLICTING_CREDENTIALS if both else Reason.UNSUPPORTED_CREDENTIALS
    if packet.has(STATE) and packet.value(STATE):  # duo_only never challenges: no State is ours (RFC 5080, 2.1.1)
        return Reason.UNKNOWN_STATE
    if packet.value(USER_NAME) is None:
        return Reason.NO_USER_NAME
    return None if packet.has(USER_PASSWORD) else Reason.UNSUPPORTED_CREDENTIALS


def _readable(octets: bytes, charset: str) -> str | None:
    """Return the text, or None if the octets are none or hold control characters: those never reach a log, a URL or
    Duo.
    """
    try:
        text = octets.decode(charset)
    except UnicodeError:
        return None
    return text if text.isprintable() or not _CONTROL_CHARACTERS.search(text) else None
