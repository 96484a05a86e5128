"""Any tokens of a directory at each step of NTLMv2, and any signed octets.

What is no challenge, no success and no signed message ends in a named error; what nobody has signed is never believed.
"""

from functools import partial

from gateway.ldap.ntlm.channel_bindings import tls_server_end_point
from gateway.ldap.ntlm.client import Ntlm, NtlmAccount
from gateway.ldap.ntlm.errors import NtlmError
from gateway.ldap.ntlm.messages import SIGN, UNICODE, encode_pairs, read_challenge
from gateway.ldap.ntlm.response import hmac_md5
from gateway.ldap.ntlm.signing import SIGNATURE_SIZE, Signing, WrappedReader
from gateway.ldap.ntlm.spnego import MECHANISMS, read_server_token
from tests.fuzz.driver import Harness, Program
from tests.fuzz.parts import Part, Seed, joined, of_elements, seed, tagged
from tests.ldap.ntlm.server import ALL_FLAGS, NONCE, OID_NTLM, PAIRS, Authenticate, answer, challenge

ALICE = NtlmAccount("alice", "EXAMPLE", "GATEWAY", "Secret-1")
SECRETS = (b"Secret-1", "Secret-1".encode("utf-16-le"), ALICE.response_key)
RANDOM = bytes(range(24))
CERTIFICATE_SIGNATURES = (
    "300d06092a864886f70d01010b0500",
    "300a06082a8648ce3d040303",
    "301e06092a864886f70d01010a3011a00f300d06096086480165030402020500",
    "300b06092a864886f70d01010a",
    "300d06092a864886f70d01010a3000",
)
MESSAGE = b"an answer of the directory's own"
MAX_FRAME = 500
CHALLENGE, SUCCESS, PROVEN, FRAMES, SIGNED, CERTIFICATE = range(6)
SIGNS, NAMES_HOST, IS_BOUND = 0x10, 0x20, 0x40


def seeds() -> list[Seed]:
    """A challenge, successes, frames and certificates."""
    pairs = joined(*[tagged_pair(kind, value) for kind, value in [*PAIRS, (6, bytes(4)), (9, b"l\0"), (10, bytes(16))]])
    head = challenge(target_info=b"")[:40]
    token = Part(partial(_with_field, head), (joined(pairs, encode_pairs([])),))
    old = Part(
        partial(_with_field, head[:20] + (ALL_FLAGS & ~0x800000).to_bytes(4, "little") + NONCE + bytes(8)), (pairs,)
    )
    whole = challenge()
    loose = joined(whole[:12], whole[12:20], whole[20:24], whole[24:40], whole[40:48], whole[48:])
    challenges = [
        seed((CHALLENGE | how,), negotiated(1, inner))
        for inner in (token, old, loose, loose)
        for how in (0, SIGNS, SIGNS | NAMES_HOST, NAMES_HOST | IS_BOUND)
    ]
    weak = [seed((CHALLENGE | SIGNS,), negotiated(1, joined(challenge(ALL_FLAGS & ~flag)))) for flag in (UNICODE, SIGN)]
    refusals = [seed((CHALLENGE,), of_elements(answer(state=2))), seed((CHALLENGE,), of_elements(answer()))]
    successes = [
        seed((SUCCESS | how,), of_elements(answer(state=state, mic=mic)))
        for how in (0, SIGNS)
        for state, mic in ((0, b""), (0, bytes(16)), (2, bytes(16)))
    ]
    proven = [seed((PROVEN | SIGNS,), bytes(16)), seed((PROVEN | SIGNS,), bytes(12), b"\1", bytes(3))]
    frames = [seed((FRAMES,), b"\7", framed(bytes(SIGNATURE_SIZE), b"a message"), framed(bytes(40)))]
    signed = [seed((SIGNED,), bytes(48)), seed((SIGNED,), bytes(30), b"\1", bytes(9))]
    certificates = [
        seed((CERTIFICATE,), tagged(0x30, tagged(0x30, b"tbs"), *of_elements(bytes.fromhex(each)).parts, b"\3\1\0"))
        for each in CERTIFICATE_SIGNATURES
    ]
    return [*challenges, *weak, *refusals, *successes, *proven, *frames, *signed, *certificates]


def negotiated(state: int, token: Part) -> Part:
    """Return a NegTokenResp with this token."""
    mechanism = tagged(0xA1, tagged(6, OID_NTLM))
    fields = (tagged(0xA0, tagged(0x0A, bytes((state,)))), mechanism, tagged(0xA2, tagged(4, token)))
    return tagged(0xA1, tagged(0x30, *fields))


def tagged_pair(kind: int, value: bytes) -> Part:
    """Return a pair of the target information."""
    return Part(partial(_pair, kind), joined(value).parts)


def framed(*parts: bytes) -> Part:
    """Return octets behind their length, as signed messages come."""
    return Part(_framed, joined(*parts).parts)


def _pair(kind: int, value: bytes) -> bytes:
    return kind.to_bytes(2, "little") + (len(value) & 0xFFFF).to_bytes(2, "little") + value


def _with_field(head: bytes, target_info: bytes) -> bytes:
    size = (len(target_info) & 0xFFFF).to_bytes(2, "little")
    return head + size + size + (56).to_bytes(4, "little") + bytes(8) + target_info


def _framed(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def client_of(how: int) -> Ntlm:
    """Return a client that has said nothing yet."""
    return Ntlm(
        ALICE,
        random=RANDOM,
        filetime=1 << 56,
        channel_bindings=bytes(16) if how & IS_BOUND else b"",
        signs=bool(how & SIGNS),
        host="dc1" if how & NAMES_HOST else "",
    )


class Directory(Harness):
    """Clients that have proven the password, for what comes behind that."""

    def __init__(self) -> None:
        self.clients = {how: client_of(how) for how in (0, SIGNS)}
        for client in self.clients.values():
            client.answered(answer(challenge()))
        self.client, self.server = Signing(RANDOM[8:]), Signing(RANDOM[8:], is_server=True)

    def one_input(self, data: bytes) -> str:
        """Let a directory say it at one step of a login."""
        how, rest = data[0], data[1:]
        step = (how & 0xF) % 6
        if step == CERTIFICATE:
            return f"{len(tls_server_end_point(rest))} octets of a certificate"
        try:
            return self.steps[step](self, how, rest)
        except NtlmError as error:
            why = str(error)
        assert not any(secret in why.encode() for secret in SECRETS)
        return why[:40]

    def challenged(self, how: int, token: bytes) -> str:
        """Answer the first token: what is taken for a challenge has a message that proves the password."""
        client = client_of(how)
        said = client.answered(token)
        assert not any(secret in said for secret in SECRETS)
        assert (client.signing is not None) is bool(how & SIGNS)
        response = Authenticate(read_server_token(said).token).nt_response
        nonce = read_challenge(read_server_token(token).token).nonce
        assert hmac_md5(ALICE.response_key, nonce + response[16:]) == response[:16]
        return "a proof"

    def finished(self, how: int, token: bytes) -> str:
        """Report success: nobody here knows the key, so where messages are signed it is not believed."""
        self.clients[how & SIGNS].finished(token)
        assert not how & SIGNS
        return "success without a signature"

    def proven(self, how: int, changes: bytes) -> str:
        """Report success with the right signature, or a changed one, which is not believed."""
        client, server = client_of(SIGNS), Signing(RANDOM[8:], is_server=True)
        client.answered(answer(challenge()))
        right = server.sign(MECHANISMS)
        mic = mixed(right, changes)
        client.finished(answer(state=0, mic=mic))
        assert mic == right
        return "success with a signature"

    def frames(self, how: int, octets: bytes) -> str:
        """Send frames: the same ones however they are cut."""
        size = 1 + (octets[0] & 0x3F if octets else 0)
        whole, why = cut([octets[1:]])
        assert (whole, why) == cut([octets[at : at + size] for at in range(1, len(octets), size)])
        assert all(SIGNATURE_SIZE <= len(frame) <= MAX_FRAME for frame in whole)
        return why or f"{len(whole)} frames"

    def signed(self, how: int, changes: bytes) -> str:
        """Send a message that is signed, or changed behind that, which is not believed. Its length stays: so both sides
        are as far with their streams as before.
        """
        right = self.server.wrap(MESSAGE)
        message = mixed(right, changes)
        assert (self.client.unwrap(message) == MESSAGE) is (message == right)
        return "a signed message"

    steps = (challenged, finished, proven, frames, signed)


def mixed(octets: bytes, changes: bytes) -> bytes:
    """Return octets with those bits changed that are set."""
    return bytes([octet ^ change for octet, change in zip(octets, changes.ljust(len(octets), b"\0"), strict=False)])


def cut(pieces: list[bytes]) -> tuple[list[bytes], str]:
    """Return what was wrapped, and what was wrong behind it."""
    reader = WrappedReader(MAX_FRAME)
    found: list[bytes] = []
    for piece in pieces:
        try:
            found += reader.feed(piece)
        except NtlmError as error:
            return [], str(error)[:40]
    return found, ""


PROGRAM = Program(
    seeds(),
    Directory,
    (
        "gateway.ldap.ntlm.channel_bindings",
        "gateway.ldap.ntlm.client",
        "gateway.ldap.ntlm.messages",
        "gateway.ldap.ntlm.signing",
        "gateway.ldap.ntlm.spnego",
    ),
    frozenset(
        {
            "NtlmAccount.__init__",
            "NtlmAccount.__repr__",
            "Ntlm.first",
            "first_token",
            "frame",
            'Ntlm.__init__: raise ValueError(f"{RANDOM_SIZE} random octets are needed")',
            'encode_pairs: raise NtlmError("target information that is too long")',
            'encode_authenticate: raise NtlmError("a message that is too long")',
        }
    ),
    max_size=700,
)
