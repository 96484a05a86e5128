"""Requests built by hand, good and bad, and what the engine did with them."""

from gateway.duoapi.calls import Answer
from gateway.engine.digests import Digests
from gateway.engine.effects import Effect, Finished, PutQuestion, SendReply
from gateway.engine.engine import Engine
from gateway.engine.nas import Nas, NasTable
from gateway.engine.peer import Peer
from gateway.radius.client import encode_attribute, sign_request
from gateway.radius.dictionary import USER_NAME, USER_PASSWORD, Code
from gateway.radius.shared_secret import SharedSecret
from tests.engine.scene import ALLOWED, GO_ON, SECRET, Stage

RA = bytes(range(16))
ALICE = encode_attribute(USER_NAME, b"alice")


def attribute(kind: int, value: bytes = b"") -> bytes:
    """One attribute; without a value, which nobody may send, too."""
    return bytes((kind, 2 + len(value))) + value


def plain(attributes: bytes = b"", *, code: int = 1, identifier: int = 1, authenticator: bytes = RA) -> bytes:
    """A request without Message-Authenticator."""
    return bytes((code, identifier)) + (20 + len(attributes)).to_bytes(2, "big") + authenticator + attributes


def signed(
    attributes: bytes = b"",
    *,
    code: Code = Code.ACCESS_REQUEST,
    identifier: int = 1,
    authenticator: bytes = RA,
    secret: SharedSecret = SECRET,
) -> bytes:
    """A request with the right Message-Authenticator, first of all attributes."""
    return sign_request(code, identifier, authenticator, secret, attributes)


def pap(
    password: bytes = b"123456", *, user: bytes = b"alice", authenticator: bytes = RA, secret: SharedSecret = SECRET
) -> bytes:
    """User-Name and hidden User-Password."""
    hidden = secret.hide_user_password(password, authenticator)
    return encode_attribute(USER_NAME, user) + encode_attribute(USER_PASSWORD, hidden)


def forged(datagram: bytes) -> bytes:
    """The same request with one bit of its Message-Authenticator, which stands first, turned over."""
    return datagram[:22] + bytes((datagram[22] ^ 1,)) + datagram[23:]


def engine_for(
    *tables: list[tuple[str, Nas]], max_pending: int = 100, max_replies: int = 1000, window_s: float = 30.0
) -> Engine:
    """An engine with these clients at each listening address."""
    return Engine(
        [NasTable(table) for table in tables],
        Digests(bytes(32)),
        max_pending=max_pending,
        duplicate_window_s=window_s,
        max_replies=max_replies,
    )


def source(port: int = 40001, *, host: str = "192.0.2.10", listener: int = 0) -> Peer:
    """Where a request comes from, and to which listening address."""
    return Peer((host, port), listener)


def sent(effects: list[Effect]) -> list[bytes]:
    """The replies among effects, as octets."""
    return [effect.octets for effect in effects if isinstance(effect, SendReply)]


def asked(effects: list[Effect]) -> list[PutQuestion]:
    """The questions among effects."""
    return [effect for effect in effects if isinstance(effect, PutQuestion)]


def finished(effects: list[Effect]) -> list[Finished]:
    """The logins that ended."""
    return [effect for effect in effects if isinstance(effect, Finished)]


def discard_reason(stage: Stage) -> str:
    """Why the only datagram so far met silence."""
    assert not sent(stage.effects)
    assert not asked(stage.effects)
    ((reason, count),) = stage.discards.items()
    assert count == 1
    return reason.value


def decide(stage: Stage, question: PutQuestion, answer: Answer = ALLOWED, *, now: float = 0.0) -> list[Effect]:
    """Let Duo answer a login that has just been asked about: go on, then this."""
    stage.engine.answered(question.pending, GO_ON, now)
    stage.effects = stage.engine.answered(question.pending, answer, now)
    return stage.effects


def accept(stage: Stage, datagram: bytes) -> bytes:
    """Deliver a request, let Duo allow it, and return the Access-Accept."""
    (question,) = asked(stage.receive(datagram))
    (reply,) = sent(decide(stage, question))
    assert reply[0] == Code.ACCESS_ACCEPT
    return reply


def reject_reason(stage: Stage) -> str:
    """Why the last request, which never became a login, was rejected."""
    (reply,) = sent(stage.effects)
    assert reply[0] == Code.ACCESS_REJECT
    assert not asked(stage.effects)
    return stage.reason
