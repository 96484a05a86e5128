"""A login by NTLMv2 as the server sees it: a challenge, and whether what comes for it proves the password (MS-NLMP)."""

from hmac import compare_digest
from typing import Final, NamedTuple

from gateway.ldap.ber import ENUMERATED, OCTET_STRING, SEQUENCE, BerError, Cursor, element
from gateway.ldap.ntlm.client import ASKED
from gateway.ldap.ntlm.messages import AV_TIMESTAMP, KEY_EXCHANGE, SEAL, SIGN, AvPair, encode_pairs
from gateway.ldap.ntlm.rc4 import Rc4
from gateway.ldap.ntlm.response import hmac_md5, response_key, utf16
from gateway.ldap.ntlm.signing import Signing
from gateway.ldap.ntlm.spnego import MECHANISMS, NTLM_OID

NONCE: Final = bytes.fromhex("0123456789abcdef")  # always the same: nobody is kept out
TIMESTAMP: Final = bytes.fromhex("00ad4fc8f7a1dc01")

_SIGNED: Final = SIGN | SEAL | KEY_EXCHANGE
_TARGET: Final[list[AvPair]] = [(2, utf16("EXAMPLE")), (1, utf16("DC1")), (AV_TIMESTAMP, TIMESTAMP)]
_COMPLETED: Final = 0
_INCOMPLETE: Final = 1
_PROOF_SIZE: Final = 16  # octets
_FLAGS_AT: Final = 60


class Authenticate(NamedTuple):
    """The client's answer.

    Attributes:
        nt_response: a proof, and what it is the proof of.
        exchanged_key: of the session, sealed; empty where nothing is to be signed.
        mic: mechListMIC, or empty.
    """

    user: str
    domain: str
    nt_response: bytes
    exchanged_key: bytes
    mic: bytes


def challenge(*, signs: bool) -> bytes:
    """Return the token that answers the first one, whatever that was."""
    info = encode_pairs(_TARGET)
    flags = ASKED | _SIGNED if signs else ASKED
    field = 2 * len(info).to_bytes(2, "little") + (56).to_bytes(4, "little")
    head = b"NTLMSSP\0\x02\0\0\0" + bytes(8) + flags.to_bytes(4, "little") + NONCE + bytes(8)
    return _token(_INCOMPLETE, element(0xA1, NTLM_OID) + _part(0xA2, head + field + bytes(8) + info))


def read_authenticate(token: bytes) -> Authenticate:
    """Read the client's second token.

    Raises:
        BerError: it is none.
    """
    parts = _parts(token)
    octets = parts.get(0xA2, b"")
    if len(octets) <= _FLAGS_AT:
        raise BerError("a token without an answer to the challenge")
    domain, user = (_field(octets, at).decode("utf-16-le", "replace") for at in (28, 36))
    return Authenticate(user, domain, _field(octets, 20), _field(octets, 52), parts.get(0xA3, b""))


def proven(answer: Authenticate, password: str) -> tuple[bytes, Signing | None] | None:
    """Return the last token and how messages are signed from now on; None if it is another password."""
    key = response_key(answer.user, answer.domain, password)
    proof, rest = answer.nt_response[:_PROOF_SIZE], answer.nt_response[_PROOF_SIZE:]
    if not compare_digest(hmac_md5(key, NONCE + rest), proof):
        return None
    if not answer.exchanged_key:
        return _token(_COMPLETED, b""), None
    signing = Signing(Rc4(hmac_md5(key, proof)).crypt(answer.exchanged_key), is_server=True)
    signing.verify(answer.mic, MECHANISMS)
    token = _token(_COMPLETED, _part(0xA3, signing.sign(MECHANISMS)))
    signing.begin_sealing_anew()
    return token, signing


def asks_for_signatures(token: bytes) -> bool:
    """Whether a client's first token does."""
    at = token.find(b"NTLMSSP\0\x01\0\0\0")
    return at >= 0 and bool(int.from_bytes(token[at + 12 : at + 16], "little") & SIGN)


def _token(state: int, parts: bytes) -> bytes:
    return element(0xA1, element(SEQUENCE, element(0xA0, element(ENUMERATED, bytes((state,)))) + parts))


def _part(tag: int, octets: bytes) -> bytes:
    return element(tag, element(OCTET_STRING, octets))


def _parts(token: bytes) -> dict[int, bytes]:
    cursor = Cursor(token)
    end = cursor.enter(SEQUENCE, cursor.enter(0xA1, len(token)))
    found = {}
    while cursor.at < end:
        tag = cursor.tag(end)
        found[tag] = cursor.octets(OCTET_STRING, cursor.enter(tag, end))
    return found


def _field(octets: bytes, at: int) -> bytes:
    size, begin = int.from_bytes(octets[at : at + 2], "little"), int.from_bytes(octets[at + 4 : at + 8], "little")
    return octets[begin : begin + size]
