"""The secret keys of an application: one, or two while it changes them. Which one signs?

One is in use. A call whose signature Duo refuses (40103) has not been acted on, and is asked once more with the other
key, which is in use from then on. Calls that were under way meanwhile are asked again with it, too. Where Duo refuses
both, no call is asked twice for a second: one call more a second is what a change costs to notice then.
"""

from typing import Final

from gateway.duoapi.signing import Signer

QUIET_S: Final = 1.0


class SigningKeys:
    """One or two keys, of which one is in use. Pure: instants are seconds of any one clock.

    Attributes:
        signer: of the key in use.
        is_next: whether that is the one that is to take the other's place.
    """

    __slots__ = ("_changed_at", "_other", "_quiet_until", "_took_next", "is_next", "signer")

    def __init__(self, present: Signer, next_signer: Signer | None = None) -> None:
        self.signer = present
        self.is_next = self._took_next = False
        self._other = next_signer
        self._changed_at = self._quiet_until = float("-inf")

    @property
    def are_two(self) -> bool:
        """Whether there is another key to try."""
        return self._other is not None

    def refused(self, sent_at: float, was_resigned: bool, now: float) -> bool:
        """Note that Duo refused the signature of a call; return whether to ask it again, with the key in use.

        Args:
            sent_at: when the call was signed.
            was_resigned: it has been asked again for this reason already.
            now: the instant.
        """
        if was_resigned:
            self._quiet_until = now + QUIET_S
        if self._other is None or now < self._quiet_until:
            return False
        if sent_at > self._changed_at:  # else it was signed before the change
            self.signer, self._other = self._other, self.signer
            self.is_next = not self.is_next
            self._changed_at = now
        return True

    def taken(self) -> bool:
        """Note that Duo has taken the key in use; return whether it took the other one before."""
        is_news = self.is_next is not self._took_next
        self._took_next = self.is_next
        return is_news
