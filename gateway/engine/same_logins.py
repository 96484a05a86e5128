"""Which login a new packet may join, beside those under way: one about to be rejected, and another worker's."""

from gateway.engine.digests import Digests
from gateway.engine.pending import PendingLogins
from gateway.engine.verdict import Verdict


class SameLogins:
    """Keys of logins that can be joined; see `digests.login_key`.

    Of another worker's login only the digest of its key is known: that is what it is called here.
    """

    __slots__ = ("_adopted", "_digests", "_held_back", "_pending")

    def __init__(self, digests: Digests, pending: PendingLogins) -> None:
        self._digests = digests
        self._pending = pending
        self._held_back: dict[bytes, tuple[Verdict, float]] = {}
        self._adopted: set[bytes] = set()

    def known_as(self, key: bytes) -> bytes:
        """Return what a login with this key is called here: its digest, if another worker began it."""
        if not self._adopted:
            return key
        digest = self._digests.login(key)
        return digest if digest in self._adopted else key

    def adopt(self, digest: bytes) -> None:
        """Let another worker's login be known by its key's digest until it can be joined no more."""
        self._adopted.add(digest)

    def hold_back(self, key: bytes, verdict: Verdict, until: float) -> None:
        """Let a login be known until its rejection leaves; then `rejection_left` is to be called."""
        self._held_back[key] = (verdict, until)

    def rejection(self, key: bytes) -> tuple[Verdict, float] | None:
        """Return the rejection that is held back from this login, and when it leaves."""
        return self._held_back.get(key)

    def rejection_left(self, key: bytes, _now: float) -> None:
        """Forget the rejection of this login: it has left."""
        self._held_back.pop(key, None)
        self.ended(key)

    def ended(self, key: bytes) -> None:
        """Look no more for another worker's login that can be joined no more."""
        if self._adopted and key not in self._held_back and self._pending.same(key) is None:
            self._adopted.discard(key)
