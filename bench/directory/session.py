"""One connection's LDAP, without the connection: octets come, octets go."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from bench.directory import ntlm, people
from bench.directory.entries import Directory, Entry
from bench.directory.matching import accounts_in, matches
from bench.directory.requests import Bind, Extended, Request, SaslBind, Search, Unbind, cut, read_request
from gateway.ldap import results
from gateway.ldap.ber import ENUMERATED, OCTET_STRING, SEQUENCE, SET, BerError, element, integer
from gateway.ldap.ntlm.client import MECHANISM
from gateway.ldap.ntlm.errors import NtlmError
from gateway.ldap.ntlm.signing import Signing, WrappedReader, frame
from gateway.ldap.requests import START_TLS, Scope
from gateway.ldap.responses import DISCONNECTION

ANONYMOUS: Final = "(anonymous)"
"""Who is counted for a bind without a password: it succeeds, as in Active Directory."""

_BIND_RESPONSE: Final = 0x61
_ENTRY: Final = 0x64
_SEARCH_DONE: Final = 0x65
_REFERENCE: Final = 0x73
_EXTENDED_RESPONSE: Final = 0x78
_SERVER_CREDENTIALS: Final = 0x87
_RESPONSE_NAME: Final = 0x8A
_NO_ATTRIBUTES: Final = b"1.1"

_REFUSED: Final = "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {code}, v4563\0"
_NOT_BOUND: Final = (
    "000004DC: LdapErr: DSID-0C090A58, comment: In order to perform this operation a successful bind must be completed "
    "on the connection., data 0, v4563\0"
)
_NOT_SIGNED: Final = (
    "00002028: LdapErr: DSID-0C090254, comment: The server requires binds to turn on integrity checking if SSL\\TLS "
    "are not already active on the connection, data 0, v4563\0"
)
_BUSY: Final = "The server is busy.\0"
_NO_OBJECT: Final = "0000208D: NameErr: DSID-0310028B, problem 2001 (NO_OBJECT), data 0, best match of:\n\t'{base}'\n\0"


class Session:
    """What a connection has come to.

    Attributes:
        binds: how often whose password was asked about, at all sessions that share it.
        n_binds: of this session alone.
        starts_tls: the answer is to be sent, and TLS to begin behind it.
        is_over: the answer is to be sent, and the connection to be closed.
        is_busy: it answers no bind but with "busy".
    """

    def __init__(self, directory: Directory, binds: Counter[str], *, is_safe: bool = True) -> None:
        """Begin; a connection that is not safe gets no bind done before TLS."""
        self._directory = directory
        self._left = b""
        self._wrapped = WrappedReader()
        self._signing: Signing | None = None
        self._is_challenged = False
        self._is_bound = False
        self._is_safe = is_safe
        self.has_tls = False
        self.can_start_tls = False
        self.binds = binds
        self.n_binds = self.n_searches = 0
        self.starts_tls = self.is_over = self.is_busy = False

    def received(self, octets: bytes) -> bytes:
        """Return what is to be sent for what has come. A bind's own answer is not signed by what it has begun."""
        signing = self._signing
        try:
            if signing is not None:
                octets = b"".join([signing.unwrap(each) for each in self._wrapped.feed(octets)])
            messages, self._left = cut(self._left + octets)
            answer = b"".join([self._answer(read_request(each)) for each in messages])
            return frame(signing.wrap(answer)) if answer and signing is not None else answer
        except (BerError, NtlmError) as error:
            self.is_over = True
            name = element(_RESPONSE_NAME, DISCONNECTION)
            return _ended(_EXTENDED_RESPONSE, 0, results.PROTOCOL_ERROR, str(error), name)

    def secured(self) -> None:
        """TLS has begun; who was bound is not any more."""
        self.has_tls, self._is_bound, self.starts_tls = True, False, False

    def _answer(self, request: Request) -> bytes:
        if isinstance(request, Bind):
            return self._bind(request)
        if isinstance(request, SaslBind):
            return self._sasl_bind(request)
        if isinstance(request, Search):
            return self._search(request)
        if isinstance(request, Extended):
            return self._extended(request)
        self.is_over = isinstance(request, Unbind)
        return b""

    def _bind(self, request: Bind) -> bytes:
        """Whatever comes out: who was bound before is not any more."""
        self._is_bound = False
        code, text = self._bound(request)
        self._is_bound = code == results.SUCCESS and bool(request.password)
        return _ended(_BIND_RESPONSE, request.message_id, code, text)

    def _bound(self, request: Bind) -> tuple[int, str]:
        entry = self._directory.named(request.name)
        person = entry.person if entry is not None else None
        self._count(ANONYMOUS if not request.password else person.name if person is not None else request.name)
        if self.is_busy:
            return results.BUSY, _BUSY
        if not (self._is_safe or self.has_tls):
            return results.STRONGER_AUTH_REQUIRED, _NOT_SIGNED
        if not request.password:
            return results.SUCCESS, ""
        if person is None:
            return results.INVALID_CREDENTIALS, _REFUSED.format(code="525")
        code = "" if self._directory.takes_anybody else people.refusal(person, request.password)
        return (results.INVALID_CREDENTIALS, _REFUSED.format(code=code)) if code else (results.SUCCESS, "")

    def _sasl_bind(self, request: SaslBind) -> bytes:
        """Answer a step of NTLM: a challenge first. What is signed is told by what the client asks for."""
        self._is_bound = False
        number = request.message_id
        if request.mechanism != MECHANISM:
            return _ended(_BIND_RESPONSE, number, results.AUTH_METHOD_NOT_SUPPORTED, "this mechanism is not known here")
        self._is_challenged = not self._is_challenged
        if self._is_challenged:
            token = ntlm.challenge(signs=ntlm.asks_for_signatures(request.credentials))
            return _ended(_BIND_RESPONSE, number, results.SASL_BIND_IN_PROGRESS, behind=_credentials(token))
        code, text, token = self._proven(ntlm.read_authenticate(request.credentials))
        self._is_bound = code == results.SUCCESS
        return _ended(_BIND_RESPONSE, number, code, text, _credentials(token) if token else b"")

    def _proven(self, answer: ntlm.Authenticate) -> tuple[int, str, bytes]:
        entry = self._directory.person(answer.user) or self._directory.named(answer.user)
        person = entry.person if entry is not None else None
        self._count(answer.user if person is None else person.name)
        if self.is_busy:
            return results.BUSY, _BUSY, b""
        proof = ntlm.proven(answer, person.password) if person is not None else None
        if person is None or proof is None:
            return results.INVALID_CREDENTIALS, _REFUSED.format(code="52e"), b""
        if code := people.refusal(person, person.password):
            return results.INVALID_CREDENTIALS, _REFUSED.format(code=code), b""
        token, self._signing = proof
        return results.SUCCESS, "", token

    def _count(self, name: str) -> None:
        self.n_binds += 1
        self.binds[name] += 1

    def _search(self, request: Search) -> bytes:
        self.n_searches += 1
        if not self._is_bound and request.base:
            return _ended(_SEARCH_DONE, request.message_id, results.OPERATIONS_ERROR, _NOT_BOUND)
        accounts = accounts_in(request.encoded_filter) if self._directory.takes_anybody else ()
        looked_at = self._directory.below(request.base, request.scope, accounts)
        if looked_at is None:
            text = _NO_OBJECT.format(base=self._directory.base)
            return _ended(_SEARCH_DONE, request.message_id, results.NO_SUCH_OBJECT, text)
        return self._found(request, [each for each in looked_at if matches(request.encoded_filter, each)])

    def _found(self, request: Search, found: list[Entry]) -> bytes:
        """Return entries, a reference where Active Directory has one, and how it ended."""
        limit = request.size_limit or len(found)
        answers = [_entry(request, each) for each in found[:limit]]
        if request.base.lower() == self._directory.base.lower() and request.scope == Scope.SUBTREE:
            where = element(OCTET_STRING, f"ldap://example.test/CN=Configuration,{self._directory.base}".encode())
            answers.append(_message(request.message_id, element(_REFERENCE, where)))
        code = results.SIZE_LIMIT if len(found) > limit else results.SUCCESS
        return b"".join([*answers, _ended(_SEARCH_DONE, request.message_id, code)])

    def _extended(self, request: Extended) -> bytes:
        if request.name != START_TLS:
            return _ended(
                _EXTENDED_RESPONSE, request.message_id, results.PROTOCOL_ERROR, "an operation that is unknown"
            )
        self.starts_tls = self.can_start_tls and not self.has_tls
        code = results.SUCCESS if self.starts_tls else results.UNAVAILABLE
        return _ended(_EXTENDED_RESPONSE, request.message_id, code, behind=element(_RESPONSE_NAME, START_TLS))


def _credentials(token: bytes) -> bytes:
    return element(_SERVER_CREDENTIALS, token)


def _entry(request: Search, entry: Entry) -> bytes:
    wanted: Iterable[bytes] = request.attributes or tuple(entry.attributes)
    attributes = [
        element(SEQUENCE, element(OCTET_STRING, name) + element(SET, _values(entry.attributes[name])))
        for name in wanted
        if name in entry.attributes and name != _NO_ATTRIBUTES
    ]
    content = element(OCTET_STRING, entry.dn.encode()) + element(SEQUENCE, b"".join(attributes))
    return _message(request.message_id, element(_ENTRY, content))


def _values(values: Iterable[bytes]) -> bytes:
    return b"".join([element(OCTET_STRING, value) for value in values])


def _ended(tag: int, message_id: int, code: int, text: str = "", behind: bytes = b"") -> bytes:
    strings = element(OCTET_STRING, b"") + element(OCTET_STRING, text.encode())
    return _message(message_id, element(tag, integer(code, ENUMERATED) + strings + behind))


def _message(message_id: int, operation: bytes) -> bytes:
    return element(SEQUENCE, integer(message_id) + operation)
