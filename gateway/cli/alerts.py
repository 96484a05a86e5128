"""What people need to learn first from a status: fail mode, silent slots, refused reloads, lost logs, hosts. Pure."""

from collections.abc import Iterator

from gateway.cli.amounts import short, span
from gateway.cli.sections import full_name
from gateway.ipc.console_channel import UNSERVED_AFTER_S, unserved_state
from gateway.supervisor.status import Status
from gateway.words.english import counted

HOST_TROUBLES = {
    "silent": "IS SILENT: it does not beat any more, and has not said that it leaves",
    "not_serving": "SERVES NOBODY: no worker of it is ready",
}
_FAIL_MODE_EFFECTS = {"safe": "logins are accepted without Duo", "secure": "logins are rejected"}


def fail_mode_alert(application: Status, status: Status) -> str:
    """Return what fail mode does to an application's logins, and for how long; empty where it is not active, or where
    this host is silent instead.
    """
    isolated = (status.get("fleet") or {}).get("isolated", ())
    if not application["failmode_active"] or application.get("application") in isolated:
        return ""
    effect = _FAIL_MODE_EFFECTS.get(application["failmode"], f"failmode is {application['failmode']}")
    return f"FAIL MODE of {application['ikey']} for {span(application['state_for_s'])}: {effect}"


def first_factor_alerts(status: Status) -> list[str]:
    """Return which first factors are down, with whose logins that concerns, or some hosts of them."""
    lines = []
    names = {server["section"]: full_name(server) for server in status["servers"]}
    for client in status.get("clients", ()):
        name = client["section"]
        if client["state"] == "down":
            of_whom = ", ".join(names.get(section, section) for section in client["sections"])
            lines.append(f"FIRST FACTOR DOWN: no host of [{name}] answers; all logins are rejected at {of_whom}")
        down = [host for host in client["hosts"] if host["state"] == "down"]
        lines += [f"HOST OF [{name}] DOWN: {host['host']}: {host['hint']}" for host in down]
    return lines


def slot_alerts(status: Status) -> list[str]:
    """Return whose users get no answer, and which workers are not ready yet."""
    workers = [worker for worker in status["workers"] if worker["generation"] == status["generation"]]
    unserved = [worker for worker in workers if worker["unserved_s"] > UNSERVED_AFTER_S]
    lines = [
        f"NOBODY SERVES slot {worker['slot']} ({unserved_state(worker['state'])}) for {span(worker['unserved_s'])}: "
        f"its users get no answer{_why_unserved(worker)}"
        for worker in unserved
    ]
    unready = [
        f"worker {worker['slot']} ({worker['state']})"
        for worker in workers
        if worker["state"] != "ready" and worker not in unserved
    ]
    return [*lines, f"NOT READY: {', '.join(unready)}"] if unready else lines


def _why_unserved(worker: Status) -> str:
    """Return where the cause stands; of the first start there is none."""
    return " yet" if worker["state"] in ("empty", "starting") and not worker["restarts"] else "; authproxy.log says why"


def reload_alerts(status: Status) -> list[str]:
    """Return why the last reload was refused, if it was; a gateway of an older version does not tell."""
    last = status.get("last_reload")
    if not last or last["ok"]:
        return []
    told = f"RELOAD REFUSED {span(last['age_s'])} ago; generation {status['generation']} goes on serving"
    return [f"{told}: {'; '.join(last['problems'])}"]


def version_alerts(status: Status) -> list[str]:
    """Return what runs other code than is installed, or than the supervisor; older gateways do not tell."""
    own, installed = status["version"], status.get("installed_version") or status["version"]
    lines = []
    if installed != own:
        lines.append(
            f"INSTALLED AND RUNNING DIFFER: {installed} is installed, {own} runs: radgate upgrade puts it to use"
        )
    if others := [worker for worker in status["workers"] if worker.get("version", "") not in ("", own)]:
        versions = ", ".join(f"worker {worker['slot']} {worker['version']}" for worker in others)
        lines.append(f"WORKERS OF ANOTHER VERSION: {versions}, and the supervisor {own}")
    return lines


def log_alerts(status: Status) -> list[str]:
    """Return which logs are lost, to whom and why."""
    return [
        f"LOG LOST: {log['log']} ({log['trouble']}); lines lost so far: {short(log['lines_lost'])}"
        for log in status["logs"]
        if log["trouble"]
    ]


def console_alerts(status: Status) -> list[str]:
    """Return why there is no status page, if one is wanted; a gateway of an older version does not tell."""
    trouble = (status.get("console") or {}).get("trouble")
    return [f"NO STATUS PAGE: {trouble}; logins do not depend on it"] if trouble else []


def fleet_alerts(status: Status) -> list[str]:
    """Return what is wrong among the hosts of a fleet; nothing where there is none."""
    fleet = status.get("fleet")
    return [] if fleet is None else [*_isolation(status, fleet), *_of_this_host(fleet), *_of_others(fleet)]


def _isolation(status: Status, fleet: Status) -> Iterator[str]:
    """Yield of which applications this host is silent, and where that is."""
    names = {server["section"]: full_name(server) for server in status["servers"]}
    sections = {each.get("application"): each.get("sections", ()) for each in status["applications"]}
    for application in fleet["isolated"]:
        where = ", ".join(names.get(section, section) for section in sections.get(application, ()))
        silence = f"nobody is answered at {where}" if where else "it answers nobody there"
        yield f"ISOLATED: another host reaches {application} and this one does not, so {silence}"


def _of_this_host(fleet: Status) -> Iterator[str]:
    if fleet["leaving"]:
        yield "LEAVING: this host stops, and takes no more logins"
    if not fleet["up"]:
        who = "some workers of this host decide alone" if fleet.get("workers_alone") else "this host decides alone"
        yield f"NOT SHARED ({fleet['detail']}): {who}, and a login that is asked at two hosts is pushed twice"
    if fleet["strangers"]:
        is_one = fleet["strangers"] == 1
        uses, they, belong, them = ("uses", "it", "belongs", "it") if is_one else ("use", "they", "belong", "them")
        yield (
            f"ANOTHER FLEET KEY: {counted(fleet['strangers'], 'host')} {uses} this store with another key. If {they} "
            f"{belong} to this fleet, give {them} the same fleet_key_file; if not, give {them} another store"
        )
    for name in fleet.get("same_names", []):
        yield f"SAME NAME: two hosts beat as {name}; give each its own name= in [fleet]"


def _of_others(fleet: Status) -> Iterator[str]:
    own, *others = fleet["hosts"]
    for host in others:
        if host["state"] in HOST_TROUBLES:
            yield f"HOST {host['name']} {HOST_TROUBLES[host['state']]}"
        if host["differs"]:
            sections = ", ".join(f"[{section}]" for section in host["differs"])
            yield f"OTHER SETTINGS at host {host['name']} for {sections}: logins there may end differently"
        if host.get("other_first_key"):
            yield (
                f"OTHER FIRST KEY at host {host['name']}: a login that is asked at both is pushed twice; "
                "finish step 2 of a change of the fleet key"
            )
    if older := [host for host in others if host["version"] not in ("", own["version"])]:
        versions = ", ".join(f"{host['name']} {host['version']}" for host in older)
        yield f"OTHER VERSIONS: {versions}, and {own['version']} here"
