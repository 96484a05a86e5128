"""Writes what the services of ../compose.fleet.yaml share: a file for each gateway, and the secrets that they name.

    python prepare.py SHARED_FOLDER

The folder holds what the simulated Duo has written already. All of it is made anew each time.
"""

import base64
import json
import secrets
import sys
from pathlib import Path

GATEWAYS = (
    {"name": "gw-a", "port": 18121, "console": 18481},
    {"name": "gw-b", "port": 18122, "console": 18482},
)
TEMPLATE = Path(__file__).with_name("authproxy.cfg")


def prepare(shared: Path) -> None:
    """Write all files, which only their owner can read."""
    application = json.loads((shared / "duo/application.json").read_text())
    write(shared / "skey", application["skey"])
    write(shared / "radius.secret", secrets.token_urlsafe(24))
    write(shared / "fleet.key", base64.b64encode(secrets.token_bytes(32)).decode())
    for gateway in GATEWAYS:
        text = TEMPLATE.read_text().replace("/shared/", f"{shared}/")
        write(shared / f"{gateway['name']}.cfg", text.format(ikey=application["ikey"], **gateway))


def write(path: Path, text: str) -> None:
    """Write a file of one's own."""
    path.touch(mode=0o600)
    path.write_text(f"{text}\n")


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
