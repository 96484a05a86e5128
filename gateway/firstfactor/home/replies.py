"""Replies of a home server: whether they are its own, and what they say."""

from hmac import compare_digest
from typing import Final

from gateway.engine.first_factor import REJECTED, Accepted, Answer, Challenged, Refused
from gateway.radius.dictionary import (
    ACCESS_ACCEPT,
    ACCESS_REJECT,
    AUTHENTICATOR_SIZE,
    HEADER_SIZE,
    MESSAGE_AUTHENTICATOR,
    STATE,
    Code,
)
from gateway.radius.hidden import Hop
from gateway.radius.packet import HAS_EAP, HAS_PROXY_STATE, Packet
from gateway.radius.passing import text_of
from gateway.radius.shared_secret import SharedSecret
from gateway.words.first_factors import ReplyDiscard

ANSWERS: Final = (int(ACCESS_ACCEPT), int(ACCESS_REJECT), int(Code.ACCESS_CHALLENGE))
"""The codes of replies to a question."""
ALIVE: Final = (int(ACCESS_ACCEPT),)
"""Of those to a Status-Server (RFC 5997 section 4.2)."""

MAX_TEXT: Final = 1_000  # characters of a text that goes into the log
MARK: Final = b"***"
_ZEROS: Final = bytes(AUTHENTICATOR_SIZE)


OF_ANOTHER_SECRET: Final = (ReplyDiscard.RESPONSE_AUTHENTICATOR_WRONG, ReplyDiscard.MESSAGE_AUTHENTICATOR_WRONG)
"""What comes of secrets that differ, or of somebody else's replies."""


def doubt(
    reply: Packet,
    codes: tuple[int, ...],
    request_authenticator: bytes,
    shared_secret: SharedSecret,
    must_be_signed: bool,
) -> ReplyDiscard | None:
    """Return why a reply is not believed; None if it is.

    Args:
        reply: to a request of ours, by its Identifier.
        codes: that can answer the request.
        request_authenticator: of the request.
        shared_secret: of the home server.
        must_be_signed: whether it needs a Message-Authenticator; with EAP each does (RFC 3579 section 3.1).
    """
    if reply.code not in codes:
        return ReplyDiscard.UNEXPECTED_CODE
    as_signed = reply.octets[:4] + request_authenticator + reply.octets[HEADER_SIZE:]
    if not compare_digest(shared_secret.response_authenticator(as_signed), reply.authenticator):
        return ReplyDiscard.RESPONSE_AUTHENTICATOR_WRONG
    if reply.signed_at:
        if not _is_signed(reply, as_signed, shared_secret):
            return ReplyDiscard.MESSAGE_AUTHENTICATOR_WRONG
    elif must_be_signed or reply.marks & HAS_EAP:
        return ReplyDiscard.MESSAGE_AUTHENTICATOR_MISSING
    return ReplyDiscard.PROXY_STATE if reply.marks & HAS_PROXY_STATE else None


def _is_signed(reply: Packet, as_signed: bytes, shared_secret: SharedSecret) -> bool:
    """Whether its one Message-Authenticator, of 18 octets, is right; compared in constant time."""
    at = reply.signed_at
    if as_signed[at + 1] != 2 + AUTHENTICATOR_SIZE or reply.is_repeated(MESSAGE_AUTHENTICATOR):
        return False
    unsigned = as_signed[: at + 2] + _ZEROS + as_signed[at + 2 + AUTHENTICATOR_SIZE :]
    return compare_digest(shared_secret.message_authenticator(unsigned), reply.signature)


def answer_of(
    reply: Packet, host: str, request_authenticator: bytes, shared_secret: SharedSecret, password: bytes | None = None
) -> Answer:
    """Return what a believed reply of this host says to a question with this password."""
    attributes = reply.octets[HEADER_SIZE:]
    if reply.code == ACCESS_ACCEPT:
        return Accepted(attributes, host, Hop(shared_secret, request_authenticator))
    if reply.code == ACCESS_REJECT:
        return Refused(REJECTED, _told(attributes, password or b""), attributes, host)
    return Challenged(reply.value(STATE) or b"", host, attributes)


def _told(attributes: bytes, password: bytes) -> str:
    """Return the text of a reply for the log, without the password, which may stand in two attributes."""
    text = text_of(attributes)
    if password:
        text = text.replace(password, MARK)
    return text.decode(errors="replace")[:MAX_TEXT]
