"""What a worker sees of one Duo application: counted on the board, and shown to the supervisor as evidence."""

from gateway.duoapi.calls import Call, Trouble
from gateway.engine.statistics import ApplicationCounters
from gateway.engine.witness import Witness


class Observation:
    """Hears of every call to an application, see `net.duo_client.CallObserver`."""

    def __init__(self, counters: ApplicationCounters) -> None:
        self._counters = counters
        self._witness = Witness()
        self.asked = self._witness.asked
        self.postponed = self._witness.postponed
        self.forgotten = self._witness.forgotten

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
