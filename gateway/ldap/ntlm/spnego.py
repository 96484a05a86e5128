"""NTLM's tokens within those of SPNEGO (RFC 4178 section 4.2), with NTLM as the only mechanism."""

from typing import Final, final

from gateway.ldap.ber import ENUMERATED, OCTET_STRING, SEQUENCE, BerError, Cursor, element
from gateway.ldap.ntlm.errors import NtlmError

REJECT: Final = 2

_OID: Final = 0x06
_FIRST: Final = 0x60  # of GSS-API, RFC 2743 section 3.1
_NEG_TOKEN_INIT: Final = 0xA0
_NEG_TOKEN_RESP: Final = 0xA1
_STATE: Final = 0xA0
_MECHANISM: Final = 0xA1
_TOKEN: Final = 0xA2
_MIC: Final = 0xA3

_SPNEGO: Final = element(_OID, bytes((0x2B, 6, 1, 5, 5, 2)))  # 1.3.6.1.5.5.2
_NTLM: Final = bytes((0x2B, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 10))  # 1.3.6.1.4.1.311.2.2.10

NTLM_OID: Final = element(_OID, _NTLM)
MECHANISMS: Final = element(SEQUENCE, NTLM_OID)
"""The list of the client's mechanisms, which mechListMIC signs."""


@final
class ServerToken:
    """What a server answers.

    Attributes:
        state: negState, or -1.
        token: of NTLM, or empty.
        mic: mechListMIC, or empty.
    """

    __slots__ = ("mic", "state", "token")

    def __init__(self, state: int, token: bytes, mic: bytes) -> None:
        self.state = state
        self.token = token
        self.mic = mic


def first_token(negotiate: bytes) -> bytes:
    """Return a NegTokenInit."""
    content = element(0xA0, MECHANISMS) + element(_TOKEN, element(OCTET_STRING, negotiate))
    return element(_FIRST, _SPNEGO + element(_NEG_TOKEN_INIT, element(SEQUENCE, content)))


def next_token(authenticate: bytes, mic: bytes) -> bytes:
    """Return a NegTokenResp; an empty `mic` is left out."""
    content = element(_TOKEN, element(OCTET_STRING, authenticate))
    if mic:
        content += element(_MIC, element(OCTET_STRING, mic))
    return element(_NEG_TOKEN_RESP, element(SEQUENCE, content))


def read_server_token(octets: bytes) -> ServerToken:
    """Read a NegTokenResp.

    Raises:
        NtlmError: it is none, or the server wants another mechanism.
    """
    try:
        return _read(octets)
    except BerError as error:
        raise NtlmError(f"an answer that is no SPNEGO: {error}") from None


def _read(octets: bytes) -> ServerToken:
    cursor = Cursor(octets)
    state, token, mic = -1, b"", b""
    end = cursor.enter(SEQUENCE, cursor.enter(_NEG_TOKEN_RESP, len(octets)))
    while cursor.at < end:
        tag = cursor.tag(end)
        if tag == _STATE:
            state = cursor.integer(ENUMERATED, cursor.enter(tag, end))
        elif tag == _MECHANISM:
            _check_mechanism(cursor.octets(_OID, cursor.enter(tag, end)))
        elif tag == _TOKEN:
            token = cursor.octets(OCTET_STRING, cursor.enter(tag, end))
        elif tag == _MIC:
            mic = cursor.octets(OCTET_STRING, cursor.enter(tag, end))
        else:
            cursor.skip(end)
    return ServerToken(state, token, mic)


def _check_mechanism(oid: bytes) -> None:
    if oid != _NTLM:
        raise NtlmError("the server does not take NTLM, but wants another mechanism")
