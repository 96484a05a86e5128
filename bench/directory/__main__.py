"""`python -m bench.directory`: an LDAP directory as a process, for who wants to try a first factor.

When it serves, one line of JSON goes to stdout: host, port, tls_port, ca, control, base, and as whom to bind
in order to search. It runs until SIGTERM or SIGINT.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from bench.directory.control import Control
from bench.directory.entries import Directory
from bench.directory.people import SERVICE_ACCOUNT
from bench.directory.server import HOST, DirectoryServer
from bench.simulator.certificates import DEFAULT_NAMES, Certificates, certificates_in


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; the exit status is 0, or 2 for wrong arguments and 3 for a port that is taken."""
    options = _parser().parse_args(arguments)
    files = certificates_in(options.dir, (*DEFAULT_NAMES, options.host)) if options.dir else None
    server = DirectoryServer(
        Directory(takes_anybody=options.anybody),
        context=files.server_context() if files else None,
        demands_tls=options.demands_tls,
        delay_s=options.delay,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_serve(server, files, options))
        except OSError as error:
            print(f"directory: {error}", file=sys.stderr)
            return 3
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.directory", description="An LDAP directory for trials.")
    add = parser.add_argument
    add("--dir", type=Path, help="folder for ca.pem and the server's certificate; without it there is no TLS")
    add("--host", default=HOST, help="address (default: %(default)s)")
    add("--port", type=int, default=0, help="in the clear and with StartTLS; 0 = any free one (default)")
    add("--tls-port", type=int, default=0, help="over TLS; 0 = any free one (default)")
    add("--control-port", type=int, default=0, help="of the control API on 127.0.0.1; 0 = any free one (default)")
    add("--demands-tls", action="store_true", help="refuse simple binds in the clear, as newer domains do")
    add("--anybody", action="store_true", help="know whoever is asked about, by any password; by NTLM there is one")
    add("--delay", type=float, default=0.0, metavar="SECONDS", help="how long each answer takes")
    return parser


async def _serve(server: DirectoryServer, files: Certificates | None, options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    control = Control(server)
    await server.start(options.host, options.port, options.tls_port)
    try:
        await control.start(options.control_port)
        try:
            print(json.dumps(_announced(server, control, files, options.host)), flush=True)
            await stop.wait()
        finally:
            await control.stop()
    finally:
        server.close()


def _announced(
    server: DirectoryServer, control: Control, files: Certificates | None, host: str
) -> dict[str, str | int]:
    service = server.directory.person(SERVICE_ACCOUNT.name)
    return {
        "host": host,
        "port": server.port,
        "tls_port": server.tls_port,
        "ca": str(files.ca_file.absolute()) if files else "",
        "control": control.url,
        "base": server.directory.base,
        "bind_dn": service.dn if service else "",
    }


if __name__ == "__main__":
    sys.exit(main())
