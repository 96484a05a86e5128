"""`python -m bench.peers`: see `bench.peers.command`."""

import sys

from bench.extra import run

if __name__ == "__main__":
    sys.exit(run("bench.peers.command"))
