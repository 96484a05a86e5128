"""`python -m bench`: how many logins a second this machine carries, how many workers to set, and what happens to users
when Duo slows down or a host dies.
"""

import sys
from collections.abc import Sequence

from bench.extra import run

HELP = """\
How many logins a second does this machine carry?
    python -m bench run passcode-limit          finds the limit, then holds 90 % of it
    python -m bench run monday-morning          a ramp of pushes, as people come to work
    python -m bench peers                       the same beside FreeRADIUS and others
    python -m bench.costs                       what a login, a start and a flood cost one worker

How many workers should I set?
    python -m bench tune                        the limit with 1, 2 … workers, and the recommended number

What happens to my users when Duo slows down or a host dies?
    python -m bench run duo-brownout duo-outage
    python -m bench run worker-kill reload-under-load retransmit-storm garbage-flood

How many logins a second does my own gateway carry, with its configuration, on its host?
    python -m bench.radius_load --target HOST:PORT --secret-file FILE --mix passcode=1 --find-limit
                                                never with the real Duo behind it: see docs/tuning.md

    python -m bench list                        all scenarios, each with its question and how long it takes
    python -m bench compare A.json B.json       two runs side by side
        --fail-if 'p99 > 50ms'                  makes `run` and `compare` fail, for a pipeline
    python -m bench COMMAND --help              the options of a command
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status.

    0; 1 if what must never happen has happened; 2 for wrong arguments; 3 if a run could not be made; 130 if it was
    interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        print(HELP, end="")
        return 0
    if given[0] == "peers":  # has options of its own
        return run("bench.peers.command", given[1:])
    return run("bench.commands", given)


if __name__ == "__main__":
    sys.exit(main())
