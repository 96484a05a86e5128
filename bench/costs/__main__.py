"""`python -m bench.costs`: see `bench.costs.command`."""

import sys

from bench.extra import run
from bench.processes import interrupt_when_ended

if __name__ == "__main__":
    interrupt_when_ended()
    sys.exit(run("bench.costs.command"))
