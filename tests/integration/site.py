"""A gateway and its NAS, as one thing to test with."""

import os
import re
import socket
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from bench.processes import GatewayProcess, SimulatorProcess, free_udp_port
from gateway.cli.main import main
from gateway.radius.client import encode_access_request, encode_attribute, sign_request, verify_reply
from gateway.radius.dictionary import REPLY_MESSAGE, USER_NAME, Code
from gateway.radius.packet import Packet
from gateway.radius.shared_secret import SharedSecret

SECRET = "a shared secret of 32 characters"
_ASKING = ("reload", "status", "stop", "login")
_FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)')


class Reply(NamedTuple):
    """What a NAS got."""

    code: int
    message: str
    packet: Packet

    @property
    def is_accept(self) -> bool:
        return self.code == 2


class LogLine(NamedTuple):
    """A line of the log, taken apart."""

    text: str
    fields: dict[str, str]


class Nas:
    """A RADIUS client on a socket of its own."""

    def __init__(self, port: int, *, host: str = "127.0.0.1", secret: str = SECRET) -> None:
        self._secret = SharedSecret(secret.encode())
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.connect(("127.0.0.1", port))
        self._identifier = 0
        self._pending: dict[int, bytes] = {}

    def send(self, user: str | bytes, password: str | bytes, attributes: bytes = b"") -> bytes:
        """Send an Access-Request; return its octets."""
        self._identifier = (self._identifier + 1) % 256
        authenticator = self._pending[self._identifier] = os.urandom(16)
        octets = encode_access_request(
            self._identifier, authenticator, self._secret, _octets(user), _octets(password), attributes
        )
        self._socket.send(octets)
        return octets

    def send_credentials(self, user: bytes, credentials: bytes) -> bytes:
        """Send an Access-Request without User-Password; return its octets."""
        self._identifier = (self._identifier + 1) % 256
        authenticator = self._pending[self._identifier] = os.urandom(16)
        attributes = encode_attribute(USER_NAME, user) + credentials
        octets = sign_request(Code.ACCESS_REQUEST, self._identifier, authenticator, self._secret, attributes)
        self._socket.send(octets)
        return octets

    @property
    def port(self) -> int:
        """The port of its own socket."""
        return int(self._socket.getsockname()[1])

    def send_octets(self, octets: bytes) -> None:
        """Send anything."""
        self._socket.send(octets)

    def repeat(self, octets: bytes) -> None:
        """Send an Access-Request that another NAS of the same secret has sent."""
        self._pending[octets[1]] = octets[4:20]
        self._socket.send(octets)

    def receive(self, timeout_s: float = 20.0) -> Reply:
        """Return the next reply, verified."""
        self._socket.settimeout(timeout_s)
        datagram = self._socket.recv(4096)
        packet = verify_reply(datagram, self._pending[datagram[1]], self._secret)
        return Reply(packet.code, b"".join(packet.values(REPLY_MESSAGE)).decode(), packet)

    def has_reply(self) -> bool:
        """Whether a reply has arrived already."""
        self._socket.setblocking(False)
        try:
            return bool(self._socket.recv(4096, socket.MSG_PEEK))
        except BlockingIOError:
            return False

    def login(self, user: str | bytes, password: str | bytes, attributes: bytes = b"") -> Reply:
        """Send an Access-Request and return its reply."""
        self.send(user, password, attributes)
        return self.receive()

    def close(self) -> None:
        """Give the socket up."""
        self._socket.close()


def _octets(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


class Site:
    """A configuration, the gateway that runs it, and what it logs.

    Attributes:
        server: the name of its server section.
        gateway_said: on standard error, by the one that was stopped last.
    """

    def __init__(self, folder: Path, simulator: SimulatorProcess, n_workers: int = 1) -> None:
        self.folder = folder
        self._n_workers = n_workers  # unless a test says otherwise
        self.simulator = simulator
        self.config = folder / "authproxy.cfg"
        self.port = free_udp_port()
        self.server = "radius_server_duo_only"
        self.gateway_said = ""
        self._gateway: GatewayProcess | None = None
        self._clients: list[Nas] = []

    def configure(
        self,
        *,
        main: str = "",
        gateway: str = "",
        ca: str = "",
        section: str = "radius_server_duo_only",
        clients: str = "",
        **server: Any,
    ) -> Path:
        """Write the file; keyword arguments are keys of the server section, None leaves one out. `clients` are sections
        of first factors.
        """
        self.server = section
        keys = {
            "ikey": self.simulator.ikey,
            "skey": self.simulator.secret_key,
            "api_host": self.simulator.api_host,
            "radius_ip_1": "127.0.0.1",
            "radius_secret_1": SECRET,
            "port": self.port,
            "reject_delay_s": 0,
            **server,
        }
        lines = [
            "[main]",
            f"http_ca_certs_file={ca or self.simulator.ca}",
            f"log_dir={self.folder / 'log'}",
            main,
            f"[{section}]",
            *(f"{key}={value}" for key, value in keys.items() if value is not None),
            "[gateway]",
            "" if "console=" in gateway else "console=off",
            "" if "workers" in gateway else f"workers={self._n_workers}",
            f"run_dir={self.folder / 'run'}",
            gateway,
            clients,
        ]
        self.config.write_text("\n".join(lines) + "\n")
        self.config.chmod(0o600)
        return self.config

    def start(self, **options: Any) -> "Site":
        """Configure and run the gateway."""
        self.configure(**options)
        self._gateway = GatewayProcess(self.config)
        return self

    @property
    def gateway(self) -> GatewayProcess:
        """The running gateway."""
        assert self._gateway is not None
        return self._gateway

    def nas(self, **options: Any) -> Nas:
        """Return a NAS of this site."""
        nas = Nas(self.port, **options)
        self._clients.append(nas)
        return nas

    def stop(self) -> int:
        """Stop the gateway; return its exit status."""
        for nas in self._clients:
            nas.close()
        self._clients.clear()
        if self._gateway is None:
            return 0
        gateway, self._gateway = self._gateway, None
        status = gateway.stop()
        self.gateway_said = gateway.output
        return status

    @property
    def log_text(self) -> str:
        """The log so far; complete once the gateway has stopped."""
        path = self.folder / "log" / "authproxy.log"
        return path.read_text() if path.exists() else ""

    def log_lines(self, word: str = "reason=") -> list[LogLine]:
        """Stop the gateway and return the lines that hold a word, by default those of finished logins."""
        self.stop()
        return [parse_line(line) for line in self.log_text.splitlines() if word in line]

    def descriptors(self, pid: int) -> list[Path]:
        """Return what a process of the gateway has open."""
        return list(Path(f"/proc/{pid}/fd").iterdir())

    def radgate(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run another `radgate` command with this configuration: what only asks the gateway, in this process."""
        run = call_radgate if arguments[0] in _ASKING and not options else run_radgate
        return run(*arguments, "--config", str(self.config), **options)


def call_radgate(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command without a process of its own, which costs a third of a second."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        status = main(arguments)
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())


def run_radgate(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "gateway", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **{"stdin": subprocess.DEVNULL, **options},
    )


def parse_line(line: str) -> LogLine:
    """Take a line apart; quoted values lose their quotes."""
    fields = {key: value.strip('"') for key, value in _FIELD.findall(line)}
    return LogLine(line, fields)
