"""A fleet of two hosts as `status.json` holds it, without a store."""

from typing import Any

from gateway.fleetapi.host_records import HostApplication, HostRecord
from gateway.supervisor.fleet_status import HostFacts, host_status

DUO = "api-12345678.duosecurity.com:443/DIXXXXXXXXXXXXXXXXXX"
SECTIONS = {"radius_server_duo_only": "aa", "radius_server_duo_only2": "bb"}
RECORD = HostRecord(
    name="gw-b",
    version="1.2.3",
    uptime_s=100.0,
    n_workers=2,
    n_ready=2,
    pending=3,
    reasons={"duo_allowed": 40, "duo_denied": 2},
    applications=[HostApplication(DUO, "healthy", False)],
    sections=SECTIONS,
)
OWN = HostFacts("a" * 16, "gw-a", RECORD)
OTHER = HostFacts("b" * 16, "gw-b", RECORD, silent_s=0.2)
SILENT = OTHER._replace(silent_s=7.3, is_gone=True)


def shown(host: HostFacts = OTHER) -> dict[str, Any]:
    """Return what is shown of a host."""
    return host_status(host, OWN, [SECTIONS])


def fleet_of(*others: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """Return `fleet` of a host `gw-a` that shares its logins with others."""
    claims = {"granted": 5, "joined": 2, "alone": 0, "takeover": 1, "displaced": 0, "lost": 0}
    return {
        "name": "gw-a",
        "instance": "a" * 16,
        "up": True,
        "detail": "",
        "workers_alone": 0,
        "leaving": False,
        "isolated": [],
        "strangers": 0,
        "same_names": [],
        "hosts": [shown(OWN), *others],
        "claims": claims,
        "engine_ms": {"p50": 0.3, "p99": 1.2},
        **changed,
    }
