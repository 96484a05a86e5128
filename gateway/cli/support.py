"""`radgate support`: a file for somebody who is to help, without any secret in it."""

import argparse
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

from gateway.cli.exits import Exit
from gateway.cli.parsers import add_command
from gateway.config.surroundings import CREDENTIALS_DIRECTORY, read_configuration
from gateway.config.writing import create_file, explain_error

DESCRIPTION = """\
Write a ZIP file for somebody who is to help: the configuration without its secrets (*****[40] stands for 40 bytes),
what radgate check --connect, status and version say, the newest lines of the logs with stack dumps, and this machine's
limits. Nothing is sent anywhere.
"""
EPILOG = """\
examples:
  radgate support
  radgate support --anonymous --output /tmp/radgate.zip

Secrets are looked for and hidden in every file of it, also as base64, hexadecimal or percent signs. The logs name
users and addresses; --anonymous puts user-0001, user-0002 … in the place of users, the same one everywhere.

Secrets that systemd gives only to the gateway (%d/ in the file) can be hidden while it runs, if root asks.

exit status: 0 written, 2 there is no such configuration file, 74 the ZIP file cannot be written.
"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    text = "write a ZIP file for somebody who is to help, without secrets"
    parser = add_command(subparsers, common, "support", text, DESCRIPTION, EPILOG)
    parser.add_argument("--output", metavar="FILE.zip", help="default: radgate-support-HOST-TIME.zip, here")
    parser.add_argument("--anonymous", action="store_true", help="replace the names of users")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Write the bundle."""
    from gateway.cli.bundle import build_bundle  # which the other commands need not wait for
    from gateway.cli.gathering import find_credentials

    path = Path(options.config).absolute()
    octets = read_configuration(str(path)).octets
    for directory in find_credentials(path):  # for us, and for the commands that we run
        os.environ.setdefault(CREDENTIALS_DIRECTORY, directory)
    output = Path(options.output or _default_name()).absolute()
    try:
        bundle = build_bundle(path, octets, is_anonymous=options.anonymous)
        create_file(output, bundle.octets)
    except OSError as error:
        print(f"radgate: cannot write {explain_error(error)}", file=sys.stderr)
        return Exit.CANNOT_WRITE
    print(f"{output} ({output.stat().st_size / 1024:.0f} KB)")
    hidden = "Secrets are hidden in it"
    if bundle.unread:
        hidden = f"NOT hidden, since they could not be read: {', '.join(bundle.unread)}. All other secrets are hidden"
    print(f"{hidden}, and nothing was sent anywhere. Look through it before you pass it on.")
    if not options.anonymous:
        print("Names of users and addresses are in it; --anonymous replaces the names.")
    return Exit.OK


def _default_name() -> str:
    return f"radgate-support-{socket.gethostname()}-{time.strftime('%Y%m%d-%H%M%S')}.zip"
