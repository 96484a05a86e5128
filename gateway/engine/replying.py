"""Replies leave: at once, or late where a credential was refused; and no older one after a newer request."""

from typing import Final

from gateway.engine.duplicates import DuplicateCache
from gateway.engine.effects import KeepReply, Outbox, SendReply
from gateway.engine.timers import Timers
from gateway.engine.transaction import Transaction
from gateway.engine.verdict import Verdict
from gateway.words.reasons import REFUSED_FIRST_FACTOR, Reason

# What a person's wrong or refused credential caused is answered late on purpose, to slow guessing down.
_DELAYED: Final = frozenset(
    {
        Reason.CHALLENGE_UNKNOWN,
        Reason.DUO_DENIED,
        Reason.DUO_FRAUD,
        Reason.DUO_LOCKED_OUT,
        Reason.DUO_REFUSED_CALL,
        Reason.NOT_ENROLLED,
        Reason.NO_PASSWORD,
        Reason.UNKNOWN_FACTOR,
        Reason.UNREADABLE_PASSWORD,
        Reason.NO_SUCH_DEVICE,
        Reason.NO_CAPABLE_DEVICE,
        Reason.FACTOR_MISSING,
        Reason.UNKNOWN_OPTION,
        Reason.NAS_CANNOT_ANSWER,
        Reason.USER_DIFFERS,
    }
    | REFUSED_FIRST_FACTOR
)


class Replies:
    """Says verdicts to transactions.

    Attributes:
        n_late: how many replies are made and wait for their instant.
    """

    __slots__ = ("_duplicates", "_outbox", "_timers", "n_late")

    def __init__(self, duplicates: DuplicateCache, timers: Timers, outbox: Outbox) -> None:
        self._duplicates = duplicates
        self._timers = timers
        self._outbox = outbox
        self.n_late = 0

    def reply(self, transaction: Transaction, verdict: Verdict, now: float, due: float = 0.0) -> None:
        """Reply when it is due, or when the section's delay for refused credentials is over; till then duplicates meet
        silence.
        """
        if transaction.is_superseded:
            return
        octets = transaction.encode(verdict)
        sent = self._duplicates.as_replied(transaction, octets, now)
        self._outbox.add(KeepReply(sent, transaction.peer))
        if is_delayed(verdict):
            due = due or due_at(transaction)
        if due > now:
            self.n_late += 1
            self._timers.at(due, self._send_late, (transaction, octets))
        else:
            self._duplicates.adopt(sent, now)
            self._outbox.add(SendReply(octets, transaction.peer))

    def _send_late(self, late: tuple[Transaction, bytes], now: float) -> None:
        self.n_late -= 1
        transaction, octets = late
        if not transaction.is_superseded:
            self._duplicates.replied(transaction, octets, now)
            self._outbox.add(SendReply(octets, transaction.peer))


def is_delayed(verdict: Verdict) -> bool:
    """Whether a verdict is said late: a rejection for what a person typed or did."""
    return not verdict.is_accept and verdict.reason in _DELAYED


def due_at(transaction: Transaction) -> float:
    """Return when a rejection may leave: after the section's delay, and up to a tenth more, so that its length tells
    nothing.

    The Request Authenticator is as random as the engine needs.
    """
    delay_s = transaction.nas.section.reject_delay_s * (1 + transaction.packet.authenticator[0] / 2560)
    return transaction.received_at + delay_s
