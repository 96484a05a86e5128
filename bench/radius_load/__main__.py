"""`python -m bench.radius_load`: see `bench.radius_load.options`."""

import sys
from collections.abc import Sequence

from bench.extra import run
from bench.radius_load.options import parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the options say; return the exit status that `--help` tells."""
    return run("bench.radius_load.command", parser().parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
