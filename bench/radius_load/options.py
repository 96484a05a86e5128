"""The options of `python -m bench.radius_load`."""

import argparse
from pathlib import Path

FIELDS = {
    "mix": "shares of the kinds of login: passcode=0.8 wrong_passcode=0.1 push=0.1 push_denied=0 push_unanswered=0",
    "n_users": "how many there are; nobody logs in twice at a time",
    "zipf": "exponent by which the first users log in more often (default: all alike)",
    "n_nas": "source addresses and ports of the NAS, each with 256 Identifiers",
    "source_network": "where the NAS have their addresses, such as 127.64.0.0/16",
    "retransmission": "none, rfc5080, aws, and fields: 'rfc5080 tries=3'",
    "n_processes": "that send, side by side",
    "cores": "that the processes are put on, in turn: '1' or '1 2'",
    "seed": "of users and waits",
    "drain_s": "how long answers are awaited after the last login",
}


_EPILOG = """\
users are u000000 and so on, with passcode 123456 or the word push: Duo must be a simulated one that lets them in

exit status:
  0  every login was sent and answered rightly; with --find-limit: some rate was carried
  1  not so
  2  a mistake in what was asked for
  3  something is not installed"""


def parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.radius_load",
        description="Make RADIUS load for any server, and tell what became of it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--target", metavar="ADDRESS:PORT", action="append", required=True, help="again for more")
    parser.add_argument("--secret-file", metavar="FILE", type=Path, required=True, help="holds the shared secret")
    parser.add_argument("--rate", type=float, default=1000.0, help="logins per second (default: %(default)g)")
    parser.add_argument("--duration", metavar="SECONDS", type=float, default=10.0, help="(default: %(default)g)")
    parser.add_argument("--phases", metavar="'RATE[-RATE]xSECONDS …'", help="in place of rate and duration")
    parser.add_argument("--find-limit", action="store_true", help="double the rate until it is not carried, then halve")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write plan and result there")
    for name, text in FIELDS.items():
        parser.add_argument("--" + name.replace("_", "-"), metavar=name.upper(), help=text)
    return parser
