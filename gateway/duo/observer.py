"""Who hears of the calls of an application."""

from mypy_extensions import mypyc_attr

from gateway.duoapi.calls import Call
from gateway.unavailable import Trouble


@mypyc_attr(allow_interpreted_subclasses=True)
class CallObserver:
    """Who hears of every call: that it was asked, and then one of the others. `token` tells calls apart.

    A call whose connection was dead is forgotten and asked with the same token.

    `now` is an instant by `time.monotonic`; `seconds` have passed since the call was asked, all waits included.
    """

    __slots__ = ()

    def asked(self, call: Call, token: object, now: float) -> None:
        """The call goes out, or waits for a connection."""
        raise NotImplementedError

    def answered(self, call: Call, token: object, seconds: float, now: float) -> None:
        """Duo itself answered, be it a refusal."""
        raise NotImplementedError

    def failed(self, call: Call, token: object, trouble: Trouble, detail: str, seconds: float, now: float) -> None:
        """It ended without an answer of Duo's that could be used."""
        raise NotImplementedError

    def postponed(self, call: Call, token: object, now: float) -> None:
        """Duo wants to be asked again later (429)."""
        raise NotImplementedError

    def forgotten(self, token: object) -> None:
        """Nobody wants to know any more, or nobody can tell whether it was Duo that answered."""
        raise NotImplementedError
