"""`radgate fleet-key`: a key for hosts that act as one."""

import argparse
import secrets
import sys
from pathlib import Path
from typing import Any

from gateway.cli.exits import Exit
from gateway.cli.parsers import add_command
from gateway.config.writing import create_file, explain_error
from gateway.fleetapi.keys import KEY_SIZE, encode_fleet_key

DESCRIPTION = """\
Make a file with a new fleet key, which only its owner can read. All hosts of a fleet have the same key: what they write
into their store is sealed with it. Who has the key and may write to the store could pass for one of them.
"""
EPILOG = """\
example:
  radgate fleet-key /etc/radgate/fleet.key

To change the key while people log in, make a new one and copy its line, on all hosts before the next step:
  1. below the old key's line    both open, the old one seals
  2. above it                    both open, the new one seals
  3. remove the old key's line
radgate reload after each. The first line tells hosts which logins are the same: while it differs, in step 2, a login
that two hosts are asked for is pushed by both.

exit status: 0 done, 2 the file cannot be written, or is there already and stays as it is.
"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    text = "make a key for hosts that act as one"
    parser = add_command(subparsers, common, "fleet-key", text, DESCRIPTION, EPILOG)
    parser.add_argument("file", metavar="FILE", help="the file to make; it must not be there yet")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Make the file."""
    path = Path(options.file).absolute()
    try:
        create_file(path, encode_fleet_key(secrets.token_bytes(KEY_SIZE)))
    except FileExistsError:
        print(f"radgate: {path} is there already, and stays as it is; name another file", file=sys.stderr)
        return Exit.CONFIGURATION
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        text = explain_error(error) if isinstance(error, OSError) else error
        print(f"radgate: {text}; nothing was made", file=sys.stderr)
        return Exit.CONFIGURATION
    print(f"{path}: a new fleet key, which only you can read")
    print("Every host of the fleet needs this file: copy it as you copy passwords, and write into each host's [fleet]:")
    print(f"  fleet_key_file={path}")
    print("To replace a key that is in use: its line goes below the old one's on all hosts, then above it, then the")
    print("old one goes; radgate fleet-key --help has the steps.")
    return Exit.OK
