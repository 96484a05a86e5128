"""One login by NTLMv2 with the SASL mechanism `GSS-SPNEGO`: which token follows what the server says.

The server proves that it knows the password, too, where messages are signed: its signature of the list of mechanisms is
demanded. Without it, whoever sits on a clear connection could say that a password was right.
"""

from typing import Final, final

from gateway.ldap.ntlm.errors import NtlmError
from gateway.ldap.ntlm.messages import (
    ALWAYS_SIGN,
    AV_CHANNEL_BINDINGS,
    AV_FLAGS,
    AV_TARGET_NAME,
    EXTENDED_SESSION_SECURITY,
    KEY_128,
    KEY_EXCHANGE,
    MIC_AT,
    MIC_SIZE,
    NTLM,
    REQUEST_TARGET,
    SEAL,
    SIGN,
    TARGET_INFO,
    UNICODE,
    VERSION,
    AvPair,
    Challenge,
    encode_authenticate,
    encode_negotiate,
    encode_pairs,
    read_challenge,
)
from gateway.ldap.ntlm.rc4 import Rc4
from gateway.ldap.ntlm.response import Response, hmac_md5, response_key, utf16
from gateway.ldap.ntlm.signing import Signing
from gateway.ldap.ntlm.spnego import MECHANISMS, REJECT, first_token, next_token, read_server_token

MECHANISM: Final = b"GSS-SPNEGO"
RANDOM_SIZE: Final = 24  # octets
MAX_NAME: Final = 1_024  # characters of a user, domain, workstation or host

ASKED: Final = (
    UNICODE | REQUEST_TARGET | NTLM | ALWAYS_SIGN | EXTENDED_SESSION_SECURITY | TARGET_INFO | VERSION | KEY_128
)
_SIGNED: Final = SIGN | SEAL | KEY_EXCHANGE
_CLIENT_CHALLENGE_SIZE: Final = 8  # octets
_INDISPENSABLE: Final = (
    (UNICODE, "Unicode"),
    (EXTENDED_SESSION_SECURITY, "NTLMv2's session security"),
    (SIGN, "signed messages"),
    (SEAL, "sealed messages"),
    (KEY_EXCHANGE, "keys of the client's for sealed messages"),
    (KEY_128, "keys of 128 bits"),
)
_MIC_IS_THERE: Final = 2  # in MsvAvFlags
_OWN: Final = (AV_FLAGS, AV_CHANNEL_BINDINGS, AV_TARGET_NAME)  # pairs that are the client's to write


@final
class NtlmAccount:
    """Whose login it is. It holds what NTLMv2 makes of the password, and not the password itself."""

    __slots__ = ("domain", "response_key", "user", "workstation")

    def __init__(self, user: str, domain: str, workstation: str, password: str) -> None:
        """Forget the password.

        Args:
            user: as the directory knows it, bare or with its suffix.
            domain: NetBIOS name, or empty.
            workstation: NetBIOS name, or empty.
            password: any text, the empty one too.

        Raises:
            ValueError: a name has more than `MAX_NAME` characters.
        """
        if max(len(user), len(domain), len(workstation)) > MAX_NAME:
            raise ValueError(f"a name has at most {MAX_NAME} characters")
        self.user = user
        self.domain = domain
        self.workstation = workstation
        self.response_key = response_key(user, domain, password)
        """As secret as the password."""

    def __repr__(self) -> str:
        return f"NtlmAccount(user={self.user!r}, domain={self.domain!r})"


@final
class Ntlm:
    """The client's side: `first`, `answered`, `finished`, in this order.

    Attributes:
        signing: if messages are to be signed, once `answered` has returned; for use when `finished` has, too.
    """

    __slots__ = ("_account", "_asked", "_channel_bindings", "_filetime", "_host", "_negotiate", "_random", "signing")

    def __init__(
        self,
        account: NtlmAccount,
        *,
        random: bytes,
        filetime: int,
        channel_bindings: bytes = b"",
        signs: bool,
        host: str = "",
    ) -> None:
        """Say nothing yet.

        Args:
            account: who logs in.
            random: `RANDOM_SIZE` unpredictable octets.
            filetime: now, in 100 ns since 1601; for servers that do not tell their own time.
            channel_bindings: of `tls_server_end_point`, or empty.
            signs: whether messages are signed and sealed after it: over a clear connection, and never over TLS.
            host: whom the login is meant for, as the connection names it; empty says nothing of it.
        """
        if len(random) != RANDOM_SIZE:
            raise ValueError(f"{RANDOM_SIZE} random octets are needed")
        self._account = account
        self._random = random
        self._filetime = filetime
        self._channel_bindings = channel_bindings
        self._host = host
        self._asked = ASKED | _SIGNED if signs else ASKED
        self._negotiate = encode_negotiate(self._asked)
        self.signing: Signing | None = None

    def first(self) -> bytes:
        """Return the token that the first bind request carries."""
        return first_token(self._negotiate)

    def answered(self, token: bytes) -> bytes:
        """Return the token for the next bind request; `token` is what the server has answered to the first.

        Raises:
            NtlmError: it cannot be gone on with.
        """
        answer = read_server_token(token)
        if answer.state == REJECT or not answer.token:
            raise NtlmError("the server does not take NTLM")
        challenge = read_challenge(answer.token)
        flags = self._agreed(challenge.flags)
        response = self._response(challenge)
        session_key, exchanged_key = response.session_key, b""
        if flags & KEY_EXCHANGE:
            session_key = self._random[_CLIENT_CHALLENGE_SIZE:]
            exchanged_key = Rc4(response.session_key).crypt(session_key)
            self.signing = Signing(session_key)
        authenticate = self._authenticate(flags, response.nt_response, exchanged_key)
        if challenge.timestamp:
            mic = hmac_md5(session_key, self._negotiate + answer.token + authenticate)
            authenticate = authenticate[:MIC_AT] + mic + authenticate[MIC_AT + MIC_SIZE :]
        return next_token(authenticate, self.signing.sign(MECHANISMS) if self.signing is not None else b"")

    def finished(self, token: bytes | None) -> None:
        """Check what the server has sent with its success.

        Raises:
            NtlmError: messages are to be signed, and it does not prove that it can; or it says that it is no success.
        """
        answer = read_server_token(token) if token else None
        if answer is not None and answer.state == REJECT:
            raise NtlmError("the server reports success and a refusal of NTLM")
        if self.signing is None:
            return
        if answer is None or not answer.mic:
            raise NtlmError("the server reports success without proof that it knows the password")
        self.signing.verify(answer.mic, MECHANISMS)
        self.signing.begin_sealing_anew()

    def _agreed(self, flags: int) -> int:
        """Return what both can do; what is indispensable among it, the server can."""
        for flag, name in _INDISPENSABLE:
            if self._asked & flag and not flags & flag:
                raise NtlmError(f"the server does not offer {name}")
        return self._asked & flags

    def _response(self, challenge: Challenge) -> Response:
        timestamp = challenge.timestamp or self._filetime.to_bytes(8, "little")
        return Response(
            self._account.response_key,
            challenge.nonce,
            self._random[:_CLIENT_CHALLENGE_SIZE],
            timestamp,
            encode_pairs(self._target_info(challenge)),
        )

    def _target_info(self, challenge: Challenge) -> list[AvPair]:
        """Return what the server has said of itself, and what the client adds (MS-NLMP section 3.1.5.1.2)."""
        pairs = [pair for pair in challenge.target_info if pair[0] not in _OWN]
        if challenge.timestamp:
            pairs.append((AV_FLAGS, _MIC_IS_THERE.to_bytes(4, "little")))
        if self._channel_bindings:
            pairs.append((AV_CHANNEL_BINDINGS, self._channel_bindings))
        if self._host:
            pairs.append((AV_TARGET_NAME, utf16(f"ldap/{self._host}")))
        return pairs

    def _authenticate(self, flags: int, nt_response: bytes, exchanged_key: bytes) -> bytes:
        account = self._account
        domain, user, workstation = utf16(account.domain), utf16(account.user), utf16(account.workstation)
        return encode_authenticate(flags, domain, user, workstation, nt_response, exchanged_key)
