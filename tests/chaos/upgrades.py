"""`python -m tests.chaos.upgrades`: the code on disk takes the gateway's place, again and again, under full load.

The logins are those of `reloads`. Each upgrade reloads first; then all workers leave, and the supervisor becomes the
new code by exec. Requests wait meanwhile in the sockets. What should be seen: every login answered, none pushed twice,
and how long a passcode takes.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.figures import each_seed, milliseconds, parser, percentile, play, summary, tell
from tests.chaos.reloads import PUSH_SHARE, RATE, reload_under_load
from tests.chaos.scene import Scene

N_UPGRADES, SPACING_S = 5, 8


def main(arguments: Sequence[str] | None = None) -> int:
    """Play with several seeds and print what was seen."""
    options = parser("upgrades", __doc__, rate=RATE)
    options.add_argument("--upgrades", type=int, default=N_UPGRADES, help="default: %(default)s")
    options.add_argument("--push-share", type=float, default=PUSH_SHARE, help="default: %(default)s")
    chosen = options.parse_args(arguments)

    def run(folder: Path, seed: int) -> bool:
        outcome = play(
            reload_under_load(
                folder, seed, chosen.upgrades, chosen.rate, SPACING_S, push_share=chosen.push_share, begin=Scene.upgrade
            )
        )
        p50, p99, most = (milliseconds(percentile(outcome.passcodes_s, share)) for share in (0.5, 0.99, 1.0))
        tell(
            f"seed {seed}: {outcome.n_logins} logins at {chosen.rate}/s, "
            f"{outcome.n_reloads} of {chosen.upgrades} upgrades, {outcome.n_answers} answers; "
            f"{outcome.n_asked_again} asked again, at most {outcome.most_sent} transmissions; "
            f"passcodes p50 {p50}, p99 {p99}, at most {most}; violations: {summary(outcome.violations)}"
        )
        is_whole = outcome.n_answers == outcome.n_logins and outcome.n_reloads == chosen.upgrades
        return is_whole and not outcome.violations

    return each_seed(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
