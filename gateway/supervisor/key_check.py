"""What Duo says to the keys that a reload has brought, for whoever has asked for the reload.

Only that person's answer waits for it: the settings serve already, and what becomes of logins whose keys are refused is
for the breakers to decide.
"""

import asyncio
import time
from collections.abc import Mapping
from functools import partial

from gateway.duoapi.calls import Answer, Check
from gateway.failmode.probing import Passed, ProbeOutcome
from gateway.supervisor.breaker_driver import ProbeAsker, outcome_of
from gateway.unavailable import Unavailable

PATIENCE_S = 2.0

_Waiting = asyncio.Future[ProbeOutcome]


async def troubles_of_keys(askers: Mapping[str, ProbeAsker], patience_s: float = PATIENCE_S) -> list[str]:
    """Have Duo check each application's keys; return a line for each that has not passed in time.

    Args:
        askers: by what the application is called, `api_host:port/ikey`.
        patience_s: for all of them together.
    """
    loop = asyncio.get_running_loop()
    waiting: dict[str, _Waiting] = {key: loop.create_future() for key in askers}
    checks = []
    try:
        for key, asker in askers.items():
            checks.append(asker.ask(Check(), partial(_take, waiting[key])))
        if checks:
            await asyncio.wait(waiting.values(), timeout=patience_s)
    finally:
        for check in checks:
            check.cancel()
    return [f"{_called(key)} {trouble}" for key, each in waiting.items() if (trouble := _trouble(each))]


def ikey_of(key: str) -> str:
    """Return the ikey of an application that is called so."""
    return key.rpartition("/")[2]


def _take(waiting: _Waiting, answer: Answer | Unavailable) -> None:
    if not waiting.done():
        waiting.set_result(outcome_of(answer, time.time()))


def _trouble(waiting: _Waiting) -> str:
    if not waiting.done():
        return "have not been checked by Duo yet: radgate status tells what comes of it"
    outcome = waiting.result()
    return "" if isinstance(outcome, Passed) else f"did not pass Duo's check: {outcome.detail}"


def _called(key: str) -> str:
    return f"the keys of {ikey_of(key)} at {key.rpartition('/')[0]}"
