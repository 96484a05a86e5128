"""What a worker sees of one Duo application: counted on the board, and shown to the supervisor as evidence."""

from typing import final

from gateway.duo.observer import CallObserver
from gateway.duoapi.calls import Call
from gateway.failmode.evidence import Witness
from gateway.statistics.counters import ApplicationCounters
from gateway.unavailable import Trouble


@final
class EvidenceWriter(CallObserver):
    """Hears of every call to an application, and writes down what counts."""

    __slots__ = ("_counters", "_witness")

    def __init__(self, counters: ApplicationCounters) -> None:
        self._counters = counters
        self._witness = Witness()

    def asked(self, call: Call, token: object, now: float) -> None:
        """Note a question."""
        self._witness.asked(call, token, now)

    def postponed(self, call: Call, token: object, now: float) -> None:
        """Note HTTP 429."""
        self._witness.postponed(call, token, now)

    def forgotten(self, token: object) -> None:
        """Note that nobody wants to know any more."""
        self._witness.forgotten(token)

    def answered(self, call: Call, token: object, seconds: float, now: float) -> None:
        """Count and note an answer."""
        self._counters.called(type(call), seconds)
        self._witness.answered(call, token, seconds, now)

    def failed(self, call: Call, token: object, trouble: Trouble, detail: str, seconds: float, now: float) -> None:
        """Count and note a call that ended without one."""
        self._counters.called(type(call), seconds)
        self._counters.troubled(trouble)
        self._witness.failed(call, token, trouble, detail, seconds, now)

    def show(self, now: float, since: float, ping_s: float) -> None:
        """Put the evidence on the board; `since` and `ping_s` are what the supervisor knows already."""
        self._counters.write_evidence(self._witness.evidence(now, since, ping_s))
