"""FreeRADIUS's radclient as the NAS that stands before a proxy."""

from tests.integration.clients import SECRET
from tests.integration.clients.machines import Foreign

SIGNED = "Message-Authenticator = 0x00"
ACCEPTED, REJECTED = 0, 1


def radclient(port: int, user: str, password: str, *attributes: str, tries: int = 1) -> Foreign:
    """Start a login that waits 20 s for its answer, or half a second for that of each of several tries."""
    options = ("-x", "-r", str(tries), "-t", "20" if tries == 1 else "0.5")
    typed = ", ".join((f'User-Name = "{user}"', f'User-Password = "{password}"', *attributes))
    return Foreign("radclient", *options, f"127.0.0.1:{port}", "auth", SECRET, typed=typed + "\n")
