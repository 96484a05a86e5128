"""The lines of the log on fail mode: one when it begins and one when it ends.

The same when logins fail although ping and check pass, and of the clock.
"""

import logging

from gateway.failmode.breaker import Breaker, StateChanged
from gateway.failmode.probing import Failed, Probe, Refused
from gateway.failmode.states import BreakerEvent, BreakerState

log = logging.getLogger("gateway.health")

_LEVELS = {
    BreakerState.DOWN: logging.WARNING,
    BreakerState.CLOCK_SKEWED: logging.WARNING,
    BreakerState.KEYS_REFUSED: logging.ERROR,
}


class FailModeLog:
    """What the log says of one application.

    Args:
        key: `api_host:port/ikey`.
        consequence: what fail mode means for its sections, in one line.
        breaker: its state so far; changes are told.
    """

    def __init__(self, key: str, consequence: str, breaker: Breaker) -> None:
        self._consequence = consequence
        api_host, _, ikey = key.rpartition("/")
        self._name = {"application": ikey, "api_host": api_host}
        known = breaker.standing  # from another driver
        self._began_at = known.entered_at if known.state.is_fail_mode_active else None
        self._is_clock_off = known.state is BreakerState.CLOCK_SKEWED
        self._are_logins_failing = breaker.are_logins_failing

    def state_changed(self, change: StateChanged, now: float) -> None:
        """Tell of a change."""
        level = _LEVELS.get(change.new, logging.INFO)
        if change.new.is_fail_mode_active:
            self._tell_of_fail_mode(level, change, now)
        elif change.event is BreakerEvent.LOGINS_FAIL:
            self._say(logging.WARNING, change, f"{self._end(now)}{change.account}. Of these, {self._consequence}")
        elif self._began_at is not None:
            self._say(level, change, f"{self._end(now)}{change.account}")
        elif self._are_logins_failing:
            self._say(level, change, f"Logins fail no more: {change.account}")
        elif self._is_clock_off and change.new is BreakerState.HEALTHY:
            self._say(level, change, "This machine's clock agrees with Duo's again")
        else:
            is_news = change.new is BreakerState.CLOCK_SKEWED and not self._is_clock_off
            self._say(level if is_news else logging.DEBUG, change, change.account)
        self._are_logins_failing = change.event is BreakerEvent.LOGINS_FAIL
        if change.new is not BreakerState.SUSPECT:
            self._is_clock_off = change.new is BreakerState.CLOCK_SKEWED

    def _tell_of_fail_mode(self, level: int, change: StateChanged, now: float) -> None:
        if self._began_at is None:
            self._began_at = now
            self._say(level, change, f"Fail mode begins: {change.account}. {_sentence(self._consequence)}")
            return
        is_trial = BreakerState.TRIAL in (change.old, change.new)
        text = f"Fail mode goes on: {change.account}. {_sentence(self._consequence)}"
        self._say(logging.DEBUG if is_trial else level, change, text)

    def _end(self, now: float) -> str:
        began_at, self._began_at = self._began_at, None
        return "" if began_at is None else f"Fail mode has ended after {now - began_at:.1f} s: "

    def probe_failed(self, probe: Probe, outcome: Failed | Refused) -> None:
        """Tell of a probe that did not pass."""
        log.debug("%s did not pass (%s: %s)", probe.kind, outcome.trouble, outcome.detail, extra={"fields": self._name})

    def _say(self, level: int, change: StateChanged, text: str) -> None:
        fields = {**self._name, "state": change.new.value}
        if change.hint:
            fields["hint"] = change.hint
        log.log(level, "%s", text, extra={"fields": fields})


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
