"""The other side of a login by NTLMv2, for tests: what a server says, and whether it would believe the client."""

from gateway.ldap.ber import ENUMERATED, OCTET_STRING, SEQUENCE, element
from gateway.ldap.ntlm.client import ASKED
from gateway.ldap.ntlm.messages import (
    AV_TIMESTAMP,
    KEY_EXCHANGE,
    MIC_AT,
    SEAL,
    SIGN,
    AvPair,
    encode_pairs,
)
from gateway.ldap.ntlm.rc4 import Rc4
from gateway.ldap.ntlm.response import hmac_md5
from gateway.ldap.ntlm.signing import Signing
from gateway.ldap.ntlm.spnego import MECHANISMS

OID_NTLM = bytes.fromhex("2b06010401823702020a")
NONCE = bytes.fromhex("0123456789abcdef")
TIMESTAMP = bytes.fromhex("00ad4fc8f7a1dc01")
ALL_FLAGS = ASKED | SIGN | SEAL | KEY_EXCHANGE
PAIRS: list[AvPair] = [(2, "EXAMPLE".encode("utf-16-le")), (1, "DC1".encode("utf-16-le")), (AV_TIMESTAMP, TIMESTAMP)]


def challenge(flags: int = ALL_FLAGS, target_info: bytes | None = None) -> bytes:
    """Return a CHALLENGE message."""
    info = encode_pairs(PAIRS) if target_info is None else target_info
    head = b"NTLMSSP\0\x02\0\0\0" + bytes(8) + flags.to_bytes(4, "little") + NONCE + bytes(8)
    field = 2 * len(info).to_bytes(2, "little") + (56).to_bytes(4, "little")
    return head + field + bytes(8) + info


def answer(token: bytes = b"", *, state: int = 1, oid: bytes = OID_NTLM, mic: bytes = b"") -> bytes:
    """Return a NegTokenResp."""
    content = element(0xA0, element(ENUMERATED, bytes([state]))) + element(0xA1, element(6, oid))
    if token:
        content += element(0xA2, element(OCTET_STRING, token))
    if mic:
        content += element(0xA3, element(OCTET_STRING, mic))
    return element(0xA1, element(SEQUENCE, content))


class Authenticate:
    """An AUTHENTICATE message, taken apart."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.lm_response, self.nt_response, domain, user, workstation, self.exchanged_key = (
            self._field(at) for at in range(12, 60, 8)
        )
        self.domain, self.user, self.workstation = (
            text.decode("utf-16-le", "surrogatepass") for text in (domain, user, workstation)
        )
        self.flags = int.from_bytes(octets[60:64], "little")
        self.mic = octets[MIC_AT : MIC_AT + 16]

    def _field(self, at: int) -> bytes:
        size = int.from_bytes(self.octets[at : at + 2], "little")
        begin = int.from_bytes(self.octets[at + 4 : at + 8], "little")
        assert begin + size <= len(self.octets)
        return self.octets[begin : begin + size]

    def pairs(self) -> dict[int, bytes]:
        """Return the target information within the response."""
        found, at, octets = {}, 0, self.nt_response[44:]
        while (identifier := int.from_bytes(octets[at : at + 2], "little")) != 0:
            end = at + 4 + int.from_bytes(octets[at + 2 : at + 4], "little")
            found[identifier] = octets[at + 4 : end]
            at = end
        assert octets[at:] == bytes(8)
        return found

    def session_key(self, response_key: bytes) -> bytes:
        """Check the proof of the password, and return the key of the session."""
        proof, rest = self.nt_response[:16], self.nt_response[16:]
        assert hmac_md5(response_key, NONCE + rest) == proof
        base_key = hmac_md5(response_key, proof)
        return Rc4(base_key).crypt(self.exchanged_key) if self.exchanged_key else base_key

    def has_right_mic(self, key: bytes, negotiate: bytes, challenged: bytes) -> bool:
        """Whether nobody has changed the three messages."""
        zeroed = self.octets[:MIC_AT] + bytes(16) + self.octets[MIC_AT + 16 :]
        return self.mic == hmac_md5(key, negotiate + challenged + zeroed)


def success(key: bytes, client_mic: bytes) -> bytes:
    """Check the client's mechListMIC and return the last token, with the server's."""
    server = Signing(key, is_server=True)
    server.verify(client_mic, MECHANISMS)
    return answer(state=0, mic=server.sign(MECHANISMS))
