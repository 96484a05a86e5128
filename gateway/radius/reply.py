"""Replies to Access-Request and Status-Server: Message-Authenticator first, the texts, Proxy-State as it came.

Message-Authenticator stands first in every reply, which closes CVE-2024-3596 (BlastRADIUS), whether or not the
request carried one. There are clients that cannot take that; for one of them it may stand elsewhere, see
`SignaturePosition`.
"""

from enum import Enum
from struct import Struct
from typing import Final

from gateway.radius.dictionary import (
    ACCOUNTING_RESPONSE,
    AUTHENTICATOR_SIZE,
    HEADER_SIZE,
    MAX_ATTRIBUTE_VALUE_SIZE,
    MAX_PACKET_SIZE,
    MESSAGE_AUTHENTICATOR,
    PROXY_STATE,
    REPLY_MESSAGE,
    Code,
)
from gateway.radius.packet import HAS_PROXY_STATE, Packet
from gateway.radius.shared_secret import EMPTY_SIGNATURE, SIGNATURE_HEAD, SharedSecret

_HEADER: Final = Struct("!BBH16s")
_CODES: Final = {code: bytes([code]) for code in Code}
_MESSAGE_AUTHENTICATOR_END: Final = HEADER_SIZE + 18
_ROOM: Final = MAX_PACKET_SIZE - _MESSAGE_AUTHENTICATOR_END  # for texts and Proxy-States
_MAX_REMEMBERED: Final = 256
_remembered: Final[dict[str, bytes]] = {}  # texts as attributes: most replies have one of a few


class SignaturePosition(Enum):
    """Where a reply has its Message-Authenticator: before or behind all else, or first if its request has one at all,
    else nowhere.
    """

    FIRST = "first"
    LAST = "last"
    IF_ASKED = "if_asked"


_FIRST: Final = SignaturePosition.FIRST
_LAST: Final = SignaturePosition.LAST


def encode_reply(
    code: Code,
    request: Packet,
    shared_secret: SharedSecret,
    text: str = "",
    second_text: str = "",
    position: SignaturePosition = _FIRST,
    attributes: bytes = b"",
) -> bytes:
    """Return the reply's octets, at most 4096.

    Each text becomes one or more Reply-Message attributes, cut between characters; what does not fit into the packet
    beside the rest is left out (RFC 2865 section 5.18). Behind them stand further `attributes`, encoded, and then
    Proxy-State, unchanged and in order (section 5.33).

    Raises:
        ValueError: the further attributes do not fit beside the Proxy-States.
    """
    if not request.marks & HAS_PROXY_STATE and not second_text and not attributes:
        return sign_reply(code, request, shared_secret, _encode_text(text), position)
    behind = request.attributes(PROXY_STATE)
    if attributes:
        behind = attributes + behind
        if len(behind) > _ROOM:
            raise ValueError(f"{len(behind)} octets of attributes do not fit into a reply")
    messages = encode_texts((text, second_text), _ROOM - len(behind))
    return sign_reply(code, request, shared_secret, messages + behind, position)


def has_room(request: Packet, attributes: bytes) -> bool:
    """Whether these attributes, encoded, fit into a reply beside the request's Proxy-States."""
    return not attributes or len(attributes) + len(request.attributes(PROXY_STATE)) <= _ROOM


def sign_reply(
    code: Code, request: Packet, shared_secret: SharedSecret, attributes: bytes, position: SignaturePosition = _FIRST
) -> bytes:
    """Return a reply with these attributes behind its Message-Authenticator, both authenticators computed.

    RFC 3579 section 3.2: Message-Authenticator is made with the Request Authenticator in the header; RFC 2865 section
    3: then the Response Authenticator over the finished packet.
    """
    if position is not _FIRST and (position is _LAST or not request.has(MESSAGE_AUTHENTICATOR)):
        return _sign_elsewhere(code, request, shared_secret, attributes, position)
    length = _MESSAGE_AUTHENTICATOR_END + len(attributes)
    begin = _CODES[code] + (request.identifier << 16 | length).to_bytes(3, "big")
    header = begin + request.authenticator
    signature = shared_secret.message_authenticator(header + EMPTY_SIGNATURE + attributes)
    body = SIGNATURE_HEAD + signature + attributes
    return begin + shared_secret.response_authenticator(header + body) + body


def encode_accounting_response(
    request: Packet, shared_secret: SharedSecret, position: SignaturePosition = _FIRST
) -> bytes:
    """Return the Accounting-Response's octets: Proxy-State as it came (RFC 2866 section 4.2), and Message-Authenticator
    if the request has one, at this position.

    The Message-Authenticator is made over a Request Authenticator of zeros, that of the request being none when it is
    signed. No RFC says so of the response; FreeRADIUS and pyrad expect it.
    """
    signature = EMPTY_SIGNATURE if request.has(MESSAGE_AUTHENTICATOR) else b""
    proxy_state = request.attributes(PROXY_STATE)
    body = proxy_state + signature if position is _LAST else signature + proxy_state
    header = _HEADER.pack(ACCOUNTING_RESPONSE, request.identifier, HEADER_SIZE + len(body), bytes(AUTHENTICATOR_SIZE))
    if signature:
        signature = signature[:2] + shared_secret.message_authenticator(header + body)
        body = proxy_state + signature if position is _LAST else signature + proxy_state
    header = header[:4] + request.authenticator
    return header[:4] + shared_secret.response_authenticator(header + body) + body


def _sign_elsewhere(
    code: Code, request: Packet, shared_secret: SharedSecret, attributes: bytes, position: SignaturePosition
) -> bytes:
    """Return a reply with its Message-Authenticator behind these attributes, or without one."""
    body = attributes + EMPTY_SIGNATURE if position is _LAST else attributes
    header = _HEADER.pack(code, request.identifier, HEADER_SIZE + len(body), request.authenticator)
    if position is _LAST:
        body = body[:-AUTHENTICATOR_SIZE] + shared_secret.message_authenticator(header + body)
    return header[:4] + shared_secret.response_authenticator(header + body) + body


def reply_basis(request: Packet) -> bytes:
    """Return a packet with all of the request that its reply is made of: header and Proxy-States, whether there was a
    Message-Authenticator, and no credentials.

    It decodes to a `Packet` that `encode_reply` takes in place of the request.
    """
    attributes = request.attributes(PROXY_STATE)
    if request.has(MESSAGE_AUTHENTICATOR):
        attributes = EMPTY_SIGNATURE + attributes
    length = HEADER_SIZE + len(attributes)
    return _HEADER.pack(request.code, request.identifier, length, request.authenticator) + attributes


def _encode_text(text: str) -> bytes:
    """Return Reply-Message attributes for one text in a packet that holds nothing else."""
    attributes = _remembered.get(text)
    if attributes is None:
        if len(_remembered) >= _MAX_REMEMBERED:
            _remembered.clear()
        attributes = _remembered[text] = encode_texts((text,), _ROOM)
    return attributes


def encode_texts(texts: tuple[str, ...], room: int) -> bytes:
    """Return Reply-Message attributes for the texts, `room` octets at most, none of them empty (RFC 2865 section 5)."""
    attributes = b""
    for text in texts:
        for piece in _pieces(text.encode("utf-8", "replace")):
            if len(attributes) + 2 + len(piece) > room:
                return attributes
            attributes += bytes((REPLY_MESSAGE, 2 + len(piece))) + piece
    return attributes


def _pieces(octets: bytes) -> list[bytes]:
    """Cut UTF-8 into values of 1..253 octets, never inside a character."""
    pieces = []
    while len(octets) > MAX_ATTRIBUTE_VALUE_SIZE:
        end = MAX_ATTRIBUTE_VALUE_SIZE
        while octets[end] & 0xC0 == 0x80:  # a continuation octet: the character began before it
            end -= 1
        pieces.append(octets[:end])
        octets = octets[end:]
    if octets:
        pieces.append(octets)
    return pieces
