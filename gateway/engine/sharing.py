"""What other hosts are told of this one's logins: by which names they know them, and how they end."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from gateway.engine.asking import Question
from gateway.engine.effects import ShareEnd
from gateway.engine.login_states import AUTH, LOST, WAITING
from gateway.engine.pending import PendingLogin
from gateway.engine.transaction import Transaction
from gateway.engine.verdict import Verdict
from gateway.fleetapi.questions import Claim, Held, Join, UseState
from gateway.words.reasons import Reason

_SIZE: Final = 16
_FAIL_MODE: Final = (Reason.FAILMODE_SAFE, Reason.FAILMODE_SECURE, Reason.OVERLOADED)
_OWN: Final = (*_FAIL_MODE, Reason.DEADLINE, Reason.INTERNAL_ERROR)
"""Verdicts that say how it is with this host, and nothing about the login."""


class FleetNames:
    """What logins and packets are called among the hosts that have the same key."""

    __slots__ = ("_login", "_n_claims", "_owner", "_packet")

    def __init__(self, key: bytes, owner: str) -> None:
        """Take a secret key of up to 64 octets, and how the owners' names of this worker begin, and of no other:
        8 hexadecimal digits that count follow.
        """
        self._login = blake2b(key=key, digest_size=_SIZE, person=b"login")
        self._packet = blake2b(key=key, digest_size=_SIZE, person=b"packet")
        self._owner = owner
        self._n_claims = 0

    def put_into(self, question: Question, pending: PendingLogin) -> None:
        """Say in a question which login it is about."""
        if not pending.fleet_key:
            pending.fleet_key = self._login_named(pending)
        if isinstance(question, Claim):
            self._n_claims += 1
            owner = self._owner + (self._n_claims & 0xFFFFFFFF).to_bytes(4, "big").hex()
            pending.login.held = Held(owner, 0)
            question.owner = owner
            question.packet = self.packet(pending.transactions[-1]) if pending.transactions else b""
            question.number, question.login = pending.number, pending.fleet_key
        elif isinstance(question, (Join, UseState)):
            question.number, question.login = pending.number, pending.fleet_key

    def ended_here(
        self, pending: PendingLogin, verdict: Verdict | None, answered: Sequence[Transaction] = ()
    ) -> ShareEnd:
        """Return what to tell of a login that has its verdict, or None: another host may go on with it.

        Whether Duo may have asked somebody shows in how far the login was when it was kept last. A question to Duo that
        fail mode took the place of has not been put, or had not arrived. `answered` are the packets that get it.
        """
        progress = pending.kept_as[0] if pending.kept_as is not None else ""
        reason = verdict.reason if verdict is not None else None
        is_asked = progress in (WAITING, LOST) or (progress == AUTH and reason not in _FAIL_MODE)
        is_own = reason in _OWN or (reason is Reason.PUSH_LOST and not is_asked)  # the latter stood still
        told = None if is_own else verdict
        return ShareEnd(pending, told, is_asked, [self.packet(each) for each in answered])

    def _login_named(self, pending: PendingLogin) -> bytes:
        digest = self._login.copy()
        digest.update(pending.login.policy.application.encode() + b"\0" + pending.key)
        return digest.digest()

    def packet(self, transaction: Transaction) -> bytes:
        """Return what stands for a packet: of one login, the authenticator tells packets apart."""
        if not transaction.shared_as:
            packet, digest = transaction.packet, self._packet.copy()
            digest.update(bytes((packet.identifier,)) + packet.authenticator)
            transaction.shared_as = digest.digest()
        return transaction.shared_as

    def __repr__(self) -> str:
        """Hide the key."""
        return "<FleetNames>"
