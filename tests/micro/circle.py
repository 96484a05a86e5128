"""How a case repeats: for ever, at the same cost."""

from collections.abc import Callable

Run = Callable[[], object]
"""What is counted or timed."""

N_REQUESTS = 512  # in a circle, a tenth of a second apart: each is forgotten before its turn comes again
STEP_S = 0.1
