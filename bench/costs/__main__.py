"""`python -m bench.costs`: see `bench.costs.command`."""

import sys

from bench.extra import run

if __name__ == "__main__":
    sys.exit(run("bench.costs.command"))
