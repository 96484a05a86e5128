"""Who waits for a login's verdict: `transaction.Transaction` is the first kind, and speaks RADIUS."""

from gateway.engine.verdict import Verdict


class Waiter:
    """Somebody who is answered once, with the verdict of the login that it has begun or joined."""

    __slots__ = ()

    def encode(self, verdict: Verdict) -> bytes:
        """Return the octets that say a verdict to it."""
        raise NotImplementedError
