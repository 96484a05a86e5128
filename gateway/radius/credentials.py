"""What an Access-Request proves its user with: User-Password, CHAP, MS-CHAP or EAP, and what of it goes on to a home
server.
"""

from enum import Enum, auto
from typing import Final

from gateway.radius.attributes import AttributeKind, attributes_in, encode
from gateway.radius.dictionary import (
    CHAP_CHALLENGE,
    CHAP_PASSWORD,
    EAP_MESSAGE,
    HEADER_SIZE,
    MICROSOFT,
    USER_PASSWORD,
    VENDOR_SPECIFIC,
)
from gateway.radius.packet import Packet

_MS_CHAP_CHALLENGE: Final = 11
_MS_CHAP_IDENT_AT: Final = {1: 0, 25: 0, 3: 1, 4: 1, 27: 1}  # octets into each kind of response
_MS_CHAP_RESPONSES: Final = frozenset(_MS_CHAP_IDENT_AT)  # -Response, 2-Response; of changes: -CPW-1, -CPW-2, 2-CPW
_MS_CHAP_2: Final = (25, 27)
_MS_CHAP_CHALLENGES: Final = {False: (8, 2), True: (16, 3)}  # octets, V: RFC 2433 section 10, RFC 2759 section 6
_MS_CHAP_PASSWORDS: Final = (5, 6)  # MS-CHAP-LM-Enc-PW, MS-CHAP-NT-Enc-PW: pieces of new passwords
_MS_CHAP: Final = frozenset(
    AttributeKind(MICROSOFT, kind) for kind in (_MS_CHAP_CHALLENGE, *_MS_CHAP_RESPONSES, *_MS_CHAP_PASSWORDS)
)
_CHAP: Final = frozenset({AttributeKind(0, CHAP_PASSWORD), AttributeKind(0, CHAP_CHALLENGE)})
_MS_CHAP_ERROR: Final = 2
_EAP: Final = frozenset({AttributeKind(0, EAP_MESSAGE)})
_EAP_HEAD: Final = 4  # octets: Code, Identifier, Length
_EAP_FAILURE: Final = 4
_EAP_OF_THE_NAME: Final = (b"\4", b"\5", b"\6", b"\x1a")  # MD5-Challenge, OTP, GTC, MS-CHAPv2
_EAP_START: Final = bytes((EAP_MESSAGE, 2))

CREDENTIALS: Final = _MS_CHAP | _CHAP | _EAP | {AttributeKind(0, USER_PASSWORD)}
"""All attributes that belong to a credential."""


class Credential(Enum):
    """With what a request proves its user."""

    NONE = auto()
    PAP = auto()
    CHAP = auto()
    MS_CHAP = auto()
    EAP = auto()
    EAP_START = auto()
    """An EAP-Message without octets, which asks the server to begin (RFC 3579 section 2.1): it proves nothing."""
    SEVERAL = auto()
    """What no request may have (RFC 2865 section 4.1, RFC 3579 section 3.1)."""


# Bare names: before Python 3.12 to look a member up costs as much as a call.
NONE: Final = Credential.NONE
PAP: Final = Credential.PAP
CHAP: Final = Credential.CHAP
MS_CHAP: Final = Credential.MS_CHAP
EAP: Final = Credential.EAP
EAP_START: Final = Credential.EAP_START
SEVERAL: Final = Credential.SEVERAL


def credential_of(request: Packet) -> Credential:
    """Return with what an Access-Request proves its user, by the attributes that it has.

    Empty ones are none, but an EAP-Message where there is nothing else.
    """
    found = PAP if request.has(USER_PASSWORD) else NONE
    if request.has(CHAP_PASSWORD) and any(request.values(CHAP_PASSWORD)):
        found = CHAP if found is NONE else SEVERAL
    if request.has(VENDOR_SPECIFIC) and _ms_chap_response(request)[1]:
        found = MS_CHAP if found is NONE else SEVERAL
    if request.has(EAP_MESSAGE):
        if any(request.values(EAP_MESSAGE)):
            found = EAP if found is NONE else SEVERAL
        elif found is NONE:
            found = EAP_START
    return found


def _ms_chap_response(request: Packet) -> tuple[int, bytes]:
    """Return kind and value of the response, or of the change of a password; empty for none."""
    return request.vendor_attribute(MICROSOFT, _MS_CHAP_RESPONSES)


def credential_attributes(request: Packet) -> bytes:
    """Return the attributes of a request's CHAP, MS-CHAP or EAP as they stood: they depend on no shared secret.

    CHAP's challenge is the Request Authenticator where it is not told (RFC 2865 section 5.3): it is told here.
    """
    kinds = CREDENTIALS - {AttributeKind(0, USER_PASSWORD)}
    octets = request.octets[HEADER_SIZE:]
    found = b"".join([each.octets for each in attributes_in(octets) if each.kind in kinds])
    if request.has(CHAP_PASSWORD) and not request.value(CHAP_CHALLENGE):
        found += encode(AttributeKind(0, CHAP_CHALLENGE), request.authenticator)
    return found or (_EAP_START if credential_of(request) is EAP_START else b"")


def refusal_of(request: Packet) -> bytes:
    """Return the attributes by which the request's own protocol hears of a rejection; empty for PAP and CHAP.

    EAP has a Failure with the Identifier of the response (RFC 3748 section 4.2), 0 where there was none. MS-CHAP has
    an error that permits no other try (RFC 2548 section 2.1.5), with the response's own Ident.
    """
    identifier = _eap_identifier(request) if request.has(EAP_MESSAGE) else None
    if identifier is not None:
        return encode(AttributeKind(0, EAP_MESSAGE), bytes((_EAP_FAILURE, identifier, 0, _EAP_HEAD)))
    if not request.has(VENDOR_SPECIFIC):
        return b""
    kind, response = _ms_chap_response(request)
    ident = response[_MS_CHAP_IDENT_AT[kind] :][:1] if response else b""
    if not ident:
        return b""
    n_octets, version = _MS_CHAP_CHALLENGES[kind in _MS_CHAP_2]
    challenge = request.authenticator[:n_octets].hex().upper()
    text = f"E=691 R=0 C={challenge} V={version}".encode()
    return encode(AttributeKind(MICROSOFT, _MS_CHAP_ERROR), ident + text)


def has_own_name(request: Packet) -> bool:
    """Whether a request's EAP may prove somebody else than its User-Name, which any peer can write there.

    Methods with a tunnel or a certificate have the name that counts within (RFC 5281 section 7.3). Whatever method is
    not known to be without one has one: a number may be written in several ways (RFC 3748 section 5.7).
    """
    eap = b"".join(request.values(EAP_MESSAGE))
    return bool(eap) and eap[_EAP_HEAD : _EAP_HEAD + 1] not in _EAP_OF_THE_NAME


def _eap_identifier(request: Packet) -> int | None:
    """Return the Identifier of an EAP response; 0 for an EAP-Start, None for what is no EAP."""
    eap = b"".join(request.values(EAP_MESSAGE))
    if len(eap) >= _EAP_HEAD:
        return eap[1]
    return 0 if credential_of(request) is EAP_START else None
