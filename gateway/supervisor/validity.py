"""Until when the certificates are valid that the gateway depends on, as `status.json` shows it."""

from collections.abc import Callable
from typing import Any

from gateway.config.settings import Settings
from gateway.https.tls import Validity
from gateway.ipc.plan import application_key


def certificates(settings: Settings, validity: Callable[[str], Validity | None]) -> list[dict[str, Any]]:
    """Return what is known: of each Duo host its own certificate and the root that it leads to, and the console's.

    Args:
        settings: those in use.
        validity: returns what probes have seen at an application's host, by the application's key.
    """
    found = {}
    for server in settings.servers:
        application = server.application
        host, seen = f"{application.api_host}:{application.api_port}", validity(application_key(application))
        if seen is not None:
            found[host] = seen
    shown = [
        _shown(name, host, until)
        for host, seen in found.items()
        for name, until in (("duo", seen.server), ("duo_root", seen.root))
    ]
    console = settings.gateway.console
    if console is not None and console.valid_until:
        shown.append(_shown("console", str(console), console.valid_until))
    return shown


def _shown(name: str, host: str, until: float) -> dict[str, Any]:
    return {"certificate": name, "host": host, "valid_until": until}
