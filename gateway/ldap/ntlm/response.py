"""What a password becomes in NTLMv2 (MS-NLMP section 3.3.2)."""

from typing import Final, final

from gateway.hashes import Hmac, md5
from gateway.ldap.ntlm.md4 import md4

_BLOCK_SIZE: Final = 64  # octets, of MD5
_VERSION: Final = b"\x01\x01" + bytes(6)
_WITHOUT_CAPITALS: Final = (
    ("\u10d0", "\u10ff"),  # Georgian: its capitals are younger than Windows' table
    ("\u13f8", "\u13fd"),  # Cherokee, likewise
    ("\uab70", "\uabbf"),
    ("\U00010000", "\U0010ffff"),  # two units of UTF-16 each, and Windows looks at one
)


def hmac_md5(key: bytes, octets: bytes) -> bytes:
    """Return the 16 octets of the code; in FIPS mode, too."""
    return Hmac(md5, _BLOCK_SIZE, key).digest(octets)


def utf16(text: str) -> bytes:
    """Return a text as Windows has it. Any text: an error would hold it."""
    return text.encode("utf-16-le", "surrogatepass")


def response_key(user: str, domain: str, password: str) -> bytes:
    """Return what proves the password of this account, 16 octets (NTOWFv2). It is as secret as the password."""
    return hmac_md5(md4(utf16(password)), utf16(upper_case(user) + domain))


def upper_case(text: str) -> str:
    """Return a text in the upper case of Windows: character by character, and only where lower case leads back.

    So `ß`, `µ`, `ı` and `ſ` stay; of Greek letters the final sigma becomes a capital one.
    """
    return text.upper() if text.isascii() else "".join([_upper(character) for character in text])


def _upper(character: str) -> str:
    for first, last in _WITHOUT_CAPITALS:
        if first <= character <= last:
            return character
    upper = character.upper()
    return upper if len(upper) == 1 and (upper.lower() == character or character == "ς") else character


@final
class Response:
    """The answer to a challenge.

    Attributes:
        nt_response: for AUTHENTICATE.
        session_key: what both sides sign with; secret.
    """

    __slots__ = ("nt_response", "session_key")

    def __init__(self, key: bytes, nonce: bytes, client_nonce: bytes, timestamp: bytes, target_info: bytes) -> None:
        """Answer.

        Args:
            key: of `response_key`.
            nonce: the server's challenge, 8 octets.
            client_nonce: 8 unpredictable octets.
            timestamp: 8 octets, the server's own if it has told one.
            target_info: with its end, and what the client adds to it.
        """
        answer = b"".join((_VERSION, timestamp, client_nonce, bytes(4), target_info, bytes(4)))
        keyed = Hmac(md5, _BLOCK_SIZE, key)
        proof = keyed.digest(nonce + answer)
        self.nt_response = proof + answer
        self.session_key = keyed.digest(proof)
