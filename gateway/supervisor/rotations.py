"""Who still uses the present secret of clients that have a next one: what `status.json` says of a section. Pure."""

from collections.abc import Mapping
from typing import Any

from gateway.statistics.reading import SecretUse
from gateway.words.english import ago

SHOWN = 5  # clients that used the present secret last


def rotation_status(uses: Mapping[str, SecretUse], now_ns: int, since_ns: int) -> dict[str, Any]:
    """Return what is known of the clients of a section that have two secrets, by name, since an instant."""
    late_first = sorted(uses.items(), key=lambda each: -each[1].present_at_ns)
    return {
        "clients": len(uses),
        "used_next": sum(use.n_next > 0 for use in uses.values()),
        "used_present": sum(use.n_present > 0 for use in uses.values()),
        "packets": {
            "present": sum(use.n_present for use in uses.values()),
            "next": sum(use.n_next for use in uses.values()),
        },
        "last_present": [
            {"client": client, "address": use.address, "ago_s": max(now_ns - use.present_at_ns, 0) / 1e9}
            for client, use in late_first[:SHOWN]
            if use.n_present
        ],
        "since_s": max(now_ns - since_ns, 0) / 1e9,
    }


def rotation_advice(rotation: Mapping[str, Any]) -> str:
    """Return how far a section's clients are, in a sentence."""
    n_clients, n_next, n_present = rotation["clients"], rotation["used_next"], rotation["used_present"]
    began = f"{n_next} of {n_clients} clients with a next secret have used it"
    if not n_present:
        return f"{began}; none has used the old one since the last start or reload, {ago(rotation['since_s'])}"
    last = [f"{each['address']} ({each['client']}) {ago(each['ago_s'])}" for each in rotation["last_present"]]
    if n_present > len(last):
        last.append(f"{n_present - len(last)} more before")
    return f"{began}; the old one was used last by {', '.join(last)}"
