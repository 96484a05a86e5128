"""Whether the gateway is well, for balancers and monitors, and whether it lives, for who would start it anew. Pure."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway.ipc.console_channel import (
    UNSERVED_AFTER_S,
    unserved_state,
)

STALE_AFTER_S = 5.0  # the supervisor is asked every second
HUNG_AFTER_S = 30.0  # as long as systemd waits for it (WatchdogSec=)


class Health(NamedTuple):
    """What `/healthz`, `/readyz` and `/livez` say: nothing is wrong without problems."""

    problems: list[str]

    @property
    def http_status(self) -> int:
        """200, or 503 where new logins should go to another host."""
        return 503 if self.problems else 200

    @property
    def content(self) -> dict[str, Any]:
        """The JSON object."""
        return {"status": "failing" if self.problems else "ok", "reasons": self.problems}


def examine(status: dict[str, Any] | None, age_s: float) -> Health:
    """Return what is wrong with a gateway of which this was known `age_s` ago; None is nothing yet."""
    if status is None:
        return Health(["the supervisor has not answered yet"])
    silent = _silent_applications(status)
    problems = [*_of_fleet(status, silent)]
    if age_s > STALE_AFTER_S:
        problems.append(f"the supervisor has not answered for {age_s:.0f} s")
    if not any(worker["state"] == "ready" for worker in status["workers"]):
        problems.append("no worker serves")
    problems += [
        f"nobody serves slot {worker['slot']} ({unserved_state(worker['state'])}) for {worker['unserved_s']:.0f} s: "
        "its users get no answer"
        for worker in status["workers"]
        if worker["generation"] == status["generation"] and worker["unserved_s"] > UNSERVED_AFTER_S
    ]
    problems += [
        f"application {application['ikey']} is in fail mode, and failmode=secure rejects its logins"
        for application in status["applications"]
        if application["failmode_active"] and "secure" in application["failmode"] and application not in silent
    ]
    problems += _of_first_factors(status)
    return Health(problems)


def _of_first_factors(status: dict[str, Any]) -> Iterator[str]:
    """Yield whose hosts are all down, where so no login at all can succeed.

    Only if a host is found to be back without logins: a balancer sends none as long as this is said.
    """
    down = [client for client in status.get("clients", ()) if client["state"] == "down" and client.get("watched")]
    rejecting = {section for client in down for section in client["sections"]}
    if all(server["section"] in rejecting for server in status["servers"]):
        for client in down:
            hosts = ", ".join(host["host"] for host in client["hosts"])
            yield f"no host of [{client['section']}] answers ({hosts}): all logins are rejected"


def _silent_applications(status: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the Duo applications whose sections answer nobody, because another host reaches them."""
    isolated = (status.get("fleet") or {}).get("isolated", ())
    return [application for application in status["applications"] if application["application"] in isolated]


def _of_fleet(status: dict[str, Any], silent: list[dict[str, Any]]) -> Iterator[str]:
    """Yield why other hosts are to be asked instead of this one.

    Who still answers for one application stays: it may be another one that no other host reaches.
    """
    fleet = status.get("fleet")
    if fleet is not None and fleet["leaving"]:
        yield "this host leaves: it takes no more logins"
    if len(silent) == len(status["applications"]):
        for application in silent:
            sections = ", ".join(f"[{section}]" for section in application["sections"])
            yield (
                f"this host cannot reach {application['application']} and another one can, "
                f"so nobody is answered at {sections} (when_isolated=silent)"
            )


def examine_life(age_s: float) -> Health:
    """Return what a restart of the gateway would mend, where the supervisor was heard of `age_s` ago.

    No outage of Duo's is among it, nor a worker that dies: the supervisor sees to those.
    """
    return Health([f"the supervisor has not answered for {age_s:.0f} s"] if age_s > HUNG_AFTER_S else [])
