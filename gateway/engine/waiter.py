"""Who waits, and for what: `transaction.Transaction` is the first kind that waits for a login's verdict, and speaks
RADIUS.
"""

from gateway.engine.verdict import Verdict


class Awaited:
    """What is waited for: `pending.PendingLogin` alone, which knows its waiters more closely than they know it."""

    __slots__ = ()


class Waiter:
    """Somebody who is answered once, with the verdict of the login that it has begun or joined."""

    __slots__ = ()

    def encode(self, verdict: Verdict) -> bytes:
        """Return the octets that say a verdict to it."""
        raise NotImplementedError
