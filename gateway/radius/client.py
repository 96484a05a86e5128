"""The other side of the wire: Access-Requests out, replies verified. For home servers, `radgate login`, the demo and
the load generator.
"""

from collections.abc import Sequence
from hmac import compare_digest
from typing import Final

from gateway.radius.dictionary import (
    HEADER_SIZE,
    MAX_ATTRIBUTE_VALUE_SIZE,
    MAX_PACKET_SIZE,
    USER_NAME,
    USER_PASSWORD,
    Code,
)
from gateway.radius.packet import Packet, decode_reply
from gateway.radius.shared_secret import EMPTY_SIGNATURE, SIGNATURE_HEAD, SharedSecret

_OCTETS: Final[Sequence[bytes]] = tuple(bytes([octet]) for octet in range(256))
_SIGNED_HEAD_SIZE: Final = HEADER_SIZE + 18


def encode_attribute(kind: int, value: bytes) -> bytes:
    """Return one attribute: Type, Length, Value.

    Raises:
        ValueError: the value has no octets, or more than 253 (RFC 2865 section 5).
    """
    size = len(value)
    if not 1 <= size <= MAX_ATTRIBUTE_VALUE_SIZE:
        raise ValueError(f"an attribute value has 1 to 253 octets, this one {size}")
    return _OCTETS[kind] + _OCTETS[2 + size] + value


def encode_access_request(
    identifier: int,
    request_authenticator: bytes,
    shared_secret: SharedSecret,
    user_name: bytes,
    password: bytes,
    attributes: bytes = b"",
) -> bytes:
    """Return an Access-Request with Message-Authenticator first, a hidden User-Password, and further encoded
    `attributes`.

    `request_authenticator` is 16 octets that nobody can predict, new for every request (RFC 2865 section 3).
    """
    hidden = shared_secret.hide_user_password(password, request_authenticator)
    return sign_request(
        Code.ACCESS_REQUEST,
        identifier,
        request_authenticator,
        shared_secret,
        encode_attribute(USER_NAME, user_name) + encode_attribute(USER_PASSWORD, hidden) + attributes,
    )


def sign_request(
    code: Code, identifier: int, request_authenticator: bytes, shared_secret: SharedSecret, attributes: bytes
) -> bytes:
    """Return a request with these attributes behind its Message-Authenticator (RFC 3579 section 3.2).

    Raises:
        ValueError: it would be longer than 4096 octets.
    """
    length = _SIGNED_HEAD_SIZE + len(attributes)
    if length > MAX_PACKET_SIZE:
        raise ValueError(f"a packet has at most 4096 octets, this one {length}")
    header = _OCTETS[code] + (identifier << 16 | length).to_bytes(3, "big") + request_authenticator
    signature = shared_secret.message_authenticator(header + EMPTY_SIGNATURE + attributes)
    return header + SIGNATURE_HEAD + signature + attributes


def verify_reply(datagram: bytes, request_authenticator: bytes, shared_secret: SharedSecret) -> Packet:
    """Return the reply to a request of ours.

    Raises:
        DecodeError: it is no RADIUS packet.
        ValueError: its Response Authenticator or Message-Authenticator is wrong, or it has no Message-Authenticator.
    """
    reply = decode_reply(datagram)
    as_sent = reply.octets[:4] + request_authenticator + reply.octets[20:]
    if not compare_digest(shared_secret.response_authenticator(as_sent), reply.authenticator):
        raise ValueError("the Response Authenticator is wrong: the shared secrets differ")
    if not shared_secret.has_signed(decode_reply(as_sent)):
        raise ValueError("the Message-Authenticator is missing or wrong")
    return reply
