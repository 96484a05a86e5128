"""What people need to learn first from a status: fail mode, silent slots, refused reloads, lost logs. Pure."""

from gateway.cli.amounts import short, span
from gateway.ipc.console_channel import UNSERVED_AFTER_S, unserved_state
from gateway.supervisor.status import Status

_FAIL_MODE_EFFECTS = {"safe": "logins are accepted without Duo", "secure": "logins are rejected"}


def fail_mode_alert(application: Status) -> str:
    """Return what fail mode does to an application's logins, and for how long; empty where it is not active."""
    if not application["failmode_active"]:
        return ""
    effect = _FAIL_MODE_EFFECTS.get(application["failmode"], f"failmode is {application['failmode']}")
    return f"FAIL MODE of {application['ikey']} for {span(application['state_for_s'])}: {effect}"


def slot_alerts(status: Status) -> list[str]:
    """Return whose users get no answer, and which workers are not ready yet."""
    workers = [worker for worker in status["workers"] if worker["generation"] == status["generation"]]
    unserved = [worker for worker in workers if worker["unserved_s"] > UNSERVED_AFTER_S]
    lines = [
        f"NOBODY SERVES slot {worker['slot']} ({unserved_state(worker['state'])}) for {span(worker['unserved_s'])}: "
        "its users get no answer; authproxy.log says why"
        for worker in unserved
    ]
    unready = [
        f"worker {worker['slot']} ({worker['state']})"
        for worker in workers
        if worker["state"] != "ready" and worker not in unserved
    ]
    return [*lines, f"NOT READY: {', '.join(unready)}"] if unready else lines


def reload_alerts(status: Status) -> list[str]:
    """Return why the last reload was refused, if it was; a gateway of an older version does not tell."""
    last = status.get("last_reload")
    if not last or last["ok"]:
        return []
    told = f"RELOAD REFUSED {span(last['age_s'])} ago; generation {status['generation']} goes on serving"
    return [f"{told}: {'; '.join(last['problems'])}"]


def log_alerts(status: Status) -> list[str]:
    """Return which logs are lost, to whom and why."""
    return [
        f"LOG LOST: {log['log']} ({log['trouble']}); lines lost so far: {short(log['lines_lost'])}"
        for log in status["logs"]
        if log["trouble"]
    ]
