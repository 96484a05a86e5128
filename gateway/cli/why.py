"""`radgate why`: a person's logins out of the log, and why each ended as it did."""

import argparse
import re
import sys
import time
from typing import Any

from gateway.cli.exits import Exit
from gateway.cli.parsers import STDIN, add_command
from gateway.cli.terminal import as_json, printable, typed
from gateway.cli.why_log import Search, search_files, search_stdin
from gateway.cli.why_text import login_object, login_texts
from gateway.config.control_address import read_log_place, read_section_names
from gateway.config.problems import ConfigError
from gateway.logs.setup import LOG_FILE

N_SHOWN = 20
MOST = 10_000
DESCRIPTION = """\
Read authproxy.log, its full and compressed files too, and show a person's logins, the newest last: when, where, what
was asked, the answer, why, and what to do about it. Letter case and domain of USER do not count.
"""
EPILOG = """\
examples:
  radgate why alice --since 2h
  radgate why alice --server tokyo --refused
  journalctl -u radgate -o cat | radgate why alice --log -

The logs are for root and the gateway's user.

exit status: 0 found, 1 none, 2 the configuration file cannot be read.
"""
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = add_command(subparsers, common, "why", "show a person's logins and why each ended so", DESCRIPTION, EPILOG)
    parser.add_argument("user", metavar="USER")
    parser.add_argument("--since", metavar="TIME", type=_ago, help="no older ones than this: 30m, 2h, 7d")
    parser.add_argument("--server", metavar="NAME", help="of this server section only, by its section or its name=")
    parser.add_argument("--refused", action="store_true", help="only those that were refused: Access-Reject")
    parser.add_argument(
        "--last", metavar="N", type=_number, default=N_SHOWN, help=f"show so many, the newest (default: {N_SHOWN})"
    )
    parser.add_argument("--log", metavar="FILE", help="read this log instead; - for standard input")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Search, and tell what was found."""
    names = _names(options)
    search = _search(options, names)
    found = search.found
    if options.json:
        logins = [login_object(login, names) for login in found]
        print(
            as_json(
                {"user": search.wanted.user, "logins": logins, "left_out": search.n_left_out, "notes": search.notes}
            )
        )
    else:
        _tell(search, names)
    return Exit.OK if found else Exit.NONE_FOUND


def _search(options: argparse.Namespace, names: dict[str, str]) -> Search:
    since = time.time() - options.since if options.since is not None else None
    search = Search(
        typed(options.user), _sections(options.server, names), since, options.last, is_refused=options.refused
    )
    if options.log == STDIN:
        search_stdin(search)
    elif options.log is not None:
        search_files(search, typed(options.log))
    else:
        place = read_log_place(options.config)
        search_files(search, f"{place.log_dir}/{LOG_FILE}", is_stdout=place.is_stdout)
    if search.wanted.sections is not None and names and not search.wanted.sections & names.keys():
        search.notes.append(f"{options.config} has no server section of the name {typed(options.server)}")
    return search


def _tell(search: Search, names: dict[str, str]) -> None:
    """Print the logins, and on standard error what there is to know of the logs."""
    found, left_out = search.found, search.n_left_out
    if left_out:
        print(f"{left_out:,} older ones are left out; --last {min(len(found) + left_out, MOST)} shows more.\n")
    for text in login_texts(found, names):
        print(text)
    if not found:
        print(f"radgate: no login of {printable(search.wanted.user)} was found", file=sys.stderr)
    for note in search.notes:
        print(f"note: {printable(note)}", file=sys.stderr)


def _names(options: argparse.Namespace) -> dict[str, str]:
    """Return the names of directories by section; who names a log need have no configuration here."""
    try:
        return read_section_names(options.config)
    except ConfigError:
        if options.log is None:
            raise
        return {}


def _sections(server: str | None, names: dict[str, str]) -> frozenset[str] | None:
    if server is None:
        return None
    wanted = typed(server).lower()
    return frozenset({wanted, *(section for section, name in names.items() if name.lower() == wanted)})


def _ago(text: str) -> float:
    parts = re.fullmatch(r"(\d{1,6})([smhd])", text.strip())
    if parts is None:
        raise argparse.ArgumentTypeError("write a number with s, m, h or d, such as 2h")
    return int(parts[1]) * _UNITS[parts[2]]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST):
        raise argparse.ArgumentTypeError(f"write a whole number from 1 to {MOST}")
    return int(text)
