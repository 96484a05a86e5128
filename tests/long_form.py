"""How much of what is drawn by seed the tests play: the short form in every run of all tests, or the long one."""

import os

SEEDS_VARIABLE = "RADGATE_CHAOS_SEEDS"
_SHORT_PART = 5


def is_long_form() -> bool:
    """Whether the environment variable asks for more than the short form."""
    return SEEDS_VARIABLE in os.environ


def histories(n_long: int) -> int:
    """Return how many histories to play of so many: a fifth of them in the short form, the same ones in every run."""
    return n_long if is_long_form() else n_long // _SHORT_PART
