"""A question under way, as a login holds it: whoever asks derives from this, and keeps the rest to itself."""

from mypy_extensions import trait


@trait
class Asking:
    """Somebody is being asked."""

    __slots__ = ()

    def cancel(self) -> None:
        """Want no answer any more."""
        raise NotImplementedError

    def took_s(self, now: float) -> float:
        """Return how many seconds of it, until its answer `now`, went to who was asked, or to a person."""
        raise NotImplementedError
