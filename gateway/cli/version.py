"""`radgate version`: what is running, for a report to somebody who has to help."""

import argparse
import platform
import ssl
from importlib import metadata
from typing import Any

from gateway import __version__
from gateway.cli.exits import Exit
from gateway.supervisor.form import hot_path


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("version", parents=[common], help="print the versions that matter")
    parser.set_defaults(command=command)


def command(_options: argparse.Namespace) -> int:
    """Print one line for each part."""
    print(f"radgate {__version__}")
    print(f"Python {platform.python_version()}")
    print(ssl.OPENSSL_VERSION)
    print(f"uvloop {metadata.version('uvloop')}")
    print(f"hot path {hot_path()}")
    return Exit.OK
