"""Which silent discards are worth a line: the first of each kind and source, then one an interval with the number
left out.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from gateway.engine.nas import Nas
from gateway.radius.discards import DiscardReason
from gateway.values import Value

INTERVAL_S: Final = 60.0
DAY_S: Final = 86_400.0
_MAX_SOURCES: Final = 1_024  # more sources than this in one interval share a line per reason


@final
@mypyc_attr(acyclic=True)
class Notice(Value):
    """Tell the administrator.

    Attributes:
        source: the address of the last such packet; empty when many sources share the line.
        n_packets: how many packets this line stands for.
        detail: more about it; empty for no more.
    """

    __slots__ = ("detail", "listener", "n_packets", "nas", "reason", "source")

    def __init__(
        self, reason: DiscardReason, source: str, listener: int, nas: Nas | None, n_packets: int, detail: str = ""
    ) -> None:
        self.reason = reason
        self.source = source
        self.listener = listener
        self.nas = nas
        self.n_packets = n_packets
        self.detail = detail


@final
@mypyc_attr(acyclic=True)
class UnsignedNas(Value):
    """Tell the administrator, once a day, that this NAS sends Access-Requests without Message-Authenticator."""

    __slots__ = ("nas", "source")

    def __init__(self, source: str, nas: Nas) -> None:
        self.source = source
        self.nas = nas


@final
@mypyc_attr(acyclic=True)
class ChoosePap(Value):
    """Tell the administrator, once a day, that this NAS asks with credentials that its section cannot take."""

    __slots__ = ("nas", "source")

    def __init__(self, source: str, nas: Nas) -> None:
        self.source = source
        self.nas = nas


@final
@mypyc_attr(acyclic=True)
class RefusalsLeftOut(Value):
    """Tell the administrator how many rejections of this NAS's unsigned requests have no line of their own.

    Attributes:
        source: the address of the last such request.
    """

    __slots__ = ("n_refusals", "nas", "source")

    def __init__(self, source: str, nas: Nas, n_refusals: int) -> None:
        self.source = source
        self.nas = nas
        self.n_refusals = n_refusals


class _Quiet:
    """One kind and source that had its line: when the next is due, and how many packets it will stand for."""

    __slots__ = ("n_packets", "until")

    def __init__(self, until: float) -> None:
        self.until = until
        self.n_packets = 0


class DiscardNotices:
    """The lines that are due for discards."""

    def __init__(self) -> None:
        self._quiet: dict[tuple[DiscardReason, str, int], _Quiet] = {}
        self._tidy_at = 0.0

    def discarded(
        self, reason: DiscardReason, source: str, listener: int, nas: Nas | None, now: float
    ) -> Notice | None:
        """Count one discarded packet; return the line that is due, if one is."""
        quiet = self._quiet.get((reason, source, listener))
        if quiet is None and self._is_full(now):
            source, nas = "", None
            quiet = self._quiet.get((reason, source, listener))
        if quiet is None:
            self._quiet[reason, source, listener] = _Quiet(now + INTERVAL_S)
            return Notice(reason, source, listener, nas, 1)
        quiet.n_packets += 1
        if now < quiet.until:
            return None
        notice = Notice(reason, source, listener, nas, quiet.n_packets)
        quiet.until, quiet.n_packets = now + INTERVAL_S, 0
        return notice

    def unsigned(self, nas: Nas, source: str, now: float) -> UnsignedNas | None:
        """Note that an unsigned request was taken; return the line that is due, once a day for each NAS."""
        if now < nas.unsigned_told_until:
            return None
        nas.unsigned_told_until = now + DAY_S
        return UnsignedNas(source, nas)

    def other_credentials(self, nas: Nas, source: str, now: float) -> ChoosePap | None:
        """Note that a request without a PAP password was rejected; return the line that is due, likewise."""
        if now < nas.pap_told_until:
            return None
        nas.pap_told_until = now + DAY_S
        return ChoosePap(source, nas)

    def refusals_left_out(self, nas: Nas, source: str) -> RefusalsLeftOut | None:
        """Return the line that is due for rejections that had none, if there were any."""
        n_left_out = nas.refusals.left_out_now()
        return RefusalsLeftOut(source, nas, n_left_out) if n_left_out else None

    def _is_full(self, now: float) -> bool:
        """Whether no further source is remembered; forgets, once a second at most, those whose interval is over."""
        if len(self._quiet) >= _MAX_SOURCES and now >= self._tidy_at:
            self._tidy_at = now + 1.0
            self._quiet = {key: quiet for key, quiet in self._quiet.items() if now < quiet.until}
        return len(self._quiet) >= _MAX_SOURCES
