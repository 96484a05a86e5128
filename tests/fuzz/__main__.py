"""`python -m tests.fuzz states --seed 1 --inputs 1000000`: what hostile octets reach first, by any octets at all."""

import argparse
import sys
from importlib import import_module
from traceback import print_exception

from tests.fuzz import PROGRAMS
from tests.fuzz.driver import Finding, run

MOST = 30  # words that are shown


def main() -> int:
    """Run one program; the exit status is 1 if something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("program", choices=PROGRAMS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--begin", type=int, default=0, help="the number of the first input")
    given = parser.parse_args()
    program = import_module(f"tests.fuzz.{given.program}").PROGRAM
    try:
        ran = run(program, given.seed, given.begin, given.inputs, lambda text: print(text, flush=True))
    except Finding as finding:
        print_exception(finding.__cause__)
        print(f"{given.program}, {finding}: {finding.data.hex()}", file=sys.stderr)
        return 1
    for word, n_inputs in ran.words.most_common(MOST):
        print(f"{n_inputs:>10}  {word}")
    speed = ran.n_inputs / ran.cpu_s
    print(f"{ran.n_inputs} inputs of seed {given.seed}, {speed:.0f} a second of the processor")
    print(f"the slowest block was {ran.slowest}: {1000 * ran.slowest_s:.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
