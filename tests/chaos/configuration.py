"""What gateways of all scenes are configured with."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.processes import SimulatorProcess

SECRET = "a shared secret of 32 characters"

_MAIN = """\
[main]
http_ca_certs_file={trusted}
log_dir={folder}/log
log_max_size=0
"""
_SERVER = """\
[radius_server_{kind}{number}]
ikey={ikey}
skey={skey}
api_host={api_host}
radius_ip_1={clients}
radius_secret_1={secret}
port={port}
failmode={fail_mode}
api_timeout={api_timeout_s}
reject_delay_s=0
{more}
"""
_GATEWAY = """\
[gateway]
workers={n_workers}
console=off
run_dir={folder}/run
max_pending=24000
"""


class Server(NamedTuple):
    """A server section, on a port of its own.

    Attributes:
        duo: the number of the simulated Duo that it asks.
        api_timeout_s: 0 means the gateway's built-in bounds.
        more: further lines of the section, or sections.
        kind: of the section.
    """

    fail_mode: str = "secure"
    duo: int = 0
    api_timeout_s: int = 0
    more: str = ""
    kind: str = "duo_only"


def server_section(
    server: Server,
    port: int,
    duo: SimulatorProcess,
    api_host: str,
    *,
    number: int = 1,
    clients: str = "127.0.0.0/24",
) -> str:
    """Return a server section for NAS of these addresses, which asks a simulated Duo by this way."""
    return _SERVER.format(
        number=number,
        port=port,
        ikey=duo.ikey,
        skey=duo.secret_key,
        api_host=api_host,
        clients=clients,
        secret=SECRET,
        **server._asdict(),
    )


def configuration(folder: Path, trusted: Path, sections: Sequence[str], n_workers: int) -> str:
    """Return the text of a file for a gateway that writes in this folder."""
    main = _MAIN.format(trusted=trusted, folder=folder)
    return "\n".join([main, *sections, _GATEWAY.format(n_workers=n_workers, folder=folder)])


def write_private(path: Path, octets: bytes) -> None:
    """Write a file that only we may read."""
    path.touch(mode=0o600)
    path.write_bytes(octets)
