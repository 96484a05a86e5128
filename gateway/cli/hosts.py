"""The hosts of a fleet in the words of the terminal. Pure."""

from gateway.supervisor.status import Status
from gateway.words.english import counted


def host_state(host: Status) -> str:
    """Return how a host is, in a word or two."""
    state: str = host["state"]
    return f"silent {host['silent_s']:.0f} s" if state == "silent" else state.replace("_", " ")


def sharing(fleet: Status) -> str:
    """Return whether logins are shared among the hosts, or why not, in one sentence."""
    if not fleet["up"]:
        return f"Logins are not shared{' by ' if fleet.get('workers_alone') else ': '}{fleet['detail']}."
    taken = fleet["engine_ms"]
    return f"{_with_whom(fleet)}; a claim takes {taken['p50']:.1f} ms, 1 of 100 more than {taken['p99']:.1f} ms."


def _with_whom(fleet: Status) -> str:
    if not fleet["strangers"]:
        return "Logins are shared"
    if len(fleet["hosts"]) == 1:
        return "Logins are shared with nobody: the others have another fleet key"
    return f"Logins are shared, but not with {counted(fleet['strangers'], 'host')} of another fleet key"
