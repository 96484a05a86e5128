"""What both demos have: a gateway's configuration, a NAS that asks it, and an end that waits for Ctrl-C."""

import os
import signal
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from bench.processes import SimulatorProcess
from gateway.radius.client import encode_access_request, verify_reply
from gateway.radius.packet import Packet
from gateway.radius.shared_secret import SharedSecret

SHARED_SECRET: Final = "a secret for the demo alone"

_MAIN: Final = """\
[main]
http_ca_certs_file={ca}
log_dir={folder}/log
"""
_SERVER: Final = """\
[radius_server_{kind}]
ikey={ikey}
skey={skey}
api_host={api_host}
radius_ip_1=127.0.0.1
radius_secret_1={secret}
port={port}
"""
_GATEWAY: Final = """\
[gateway]
workers={n_workers}
console=127.0.0.1:0
run_dir={folder}/run
drain_timeout_s=2
"""


def server_section(simulator: SimulatorProcess, port: int, *more: str, kind: str = "duo_only") -> str:
    """Return a server section that asks the simulated Duo, with these lines more. A number may follow its kind."""
    keys = {"ikey": simulator.ikey, "skey": simulator.secret_key, "api_host": simulator.api_host}
    section = _SERVER.format(kind=kind, port=port, secret=SHARED_SECRET, **keys)
    return section + "".join(f"{line}\n" for line in more)


def write_config(folder: Path, simulator: SimulatorProcess, sections: Iterable[str], n_workers: int) -> Path:
    """Write a gateway's configuration into its folder, for our eyes only; return its path."""
    main = _MAIN.format(ca=simulator.ca, folder=folder)
    path = folder / "authproxy.cfg"
    path.touch(mode=0o600)
    path.write_text("\n".join([main, *sections, _GATEWAY.format(folder=folder, n_workers=n_workers)]))
    return path


class Asked:
    """An Access-Request under way."""

    def __init__(self, port: int, user: str, typed: str, attributes: bytes = b"") -> None:
        self._secret = SharedSecret(SHARED_SECRET.encode())
        self._authenticator = os.urandom(16)
        request = encode_access_request(
            self._authenticator[0], self._authenticator, self._secret, user.encode(), typed.encode(), attributes
        )
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._socket.send(request)

    def reply(self, timeout_s: float) -> Packet | None:
        """Wait for the reply; None if nobody answers."""
        self._socket.settimeout(timeout_s)
        with self._socket as udp, suppress(OSError):
            return verify_reply(udp.recv(4096), self._authenticator, self._secret)
        return None

    def give_up(self) -> None:
        """Wait no more: nobody will answer."""
        self._socket.close()


def stay() -> None:
    """Leave everything running until Ctrl-C."""
    try:
        signal.pause()
    except KeyboardInterrupt:
        with suppress(OSError):  # the terminal may be gone
            print("\nStopping …", flush=True)
