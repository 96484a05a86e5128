"""`radgate version`: what is running, for a report to somebody who has to help."""

import argparse
import platform
import ssl
from importlib import metadata
from typing import Any

from gateway import __version__
from gateway.cli.exits import Exit
from gateway.cli.parsers import add_command
from gateway.cli.terminal import as_json
from gateway.supervisor.form import hot_path

DESCRIPTION = """\
Print the versions of what is installed, and which form of the hot path runs: for a report to somebody who is to help.
radgate status says what the running gateway is.
"""
EPILOG = """\
exit status: 0.
"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = add_command(subparsers, common, "version", "print the versions that matter", DESCRIPTION, EPILOG)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Print one line for each part, or all of it as JSON."""
    parts = _parts()
    if options.json:
        print(as_json({name.lower().replace(" ", "_"): version for name, version in parts.items()}))
    else:
        print(*(f"{name} {version}" for name, version in parts.items()), sep="\n")
    return Exit.OK


def _parts() -> dict[str, str]:
    return {
        "radgate": __version__,
        "Python": platform.python_version(),
        "OpenSSL": ssl.OPENSSL_VERSION.removeprefix("OpenSSL "),
        "uvloop": metadata.version("uvloop"),
        "hot path": str(hot_path()),
    }
