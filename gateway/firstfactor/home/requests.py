"""A question in RADIUS: an Access-Request of our own, signed, with nothing in it that only the NAS and we share."""

from typing import Final

from gateway.engine.first_factor import CheckFirstFactor
from gateway.radius.attributes import has_any
from gateway.radius.client import encode_attribute, sign_request
from gateway.radius.dictionary import (
    ACCESS_REQUEST,
    NAS_IP_ADDRESS,
    NAS_IPV6_ADDRESS,
    STATE,
    STATUS_SERVER,
    USER_NAME,
    USER_PASSWORD,
)
from gateway.radius.shared_secret import SharedSecret

_NAS_ADDRESSES: Final = bytes(kind in (NAS_IP_ADDRESS, NAS_IPV6_ADDRESS) for kind in range(256))


def encode_question(
    question: CheckFirstFactor,
    identifier: int,
    request_authenticator: bytes,
    shared_secret: SharedSecret,
    nas_attribute: bytes,
) -> bytes:
    """Return the Access-Request's octets, Message-Authenticator first.

    Args:
        question: with its credentials.
        identifier: of the request.
        request_authenticator: 16 octets that nobody can predict, new for every request.
        shared_secret: of the home server.
        nas_attribute: our own address, encoded, for a question that does not bring the NAS's.

    Raises:
        ValueError: it would be longer than 4096 octets, or the password is longer than 128, or a value than 253.
    """
    name, password, state = question.user_name, question.password, question.state
    attributes = encode_attribute(USER_NAME, name) if name else b""
    if password is not None:
        hidden = shared_secret.hide_user_password(password, request_authenticator)
        attributes += encode_attribute(USER_PASSWORD, hidden)
    if state:
        attributes += encode_attribute(STATE, state)
    attributes += question.attributes
    if not has_any(question.attributes, _NAS_ADDRESSES):
        attributes += nas_attribute
    return sign_request(ACCESS_REQUEST, identifier, request_authenticator, shared_secret, attributes)


def encode_probe(
    identifier: int, request_authenticator: bytes, shared_secret: SharedSecret, nas_attribute: bytes
) -> bytes:
    """Return a Status-Server's octets (RFC 5997 section 3)."""
    return sign_request(STATUS_SERVER, identifier, request_authenticator, shared_secret, nas_attribute)
