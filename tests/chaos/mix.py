"""Logins as users have them: passcodes and pushes, most of them right."""

import random

from tests.chaos.records import PASSCODE, PUSH, WRONG_PASSCODE, Plan


def push_plans(seed: int, n_logins: int, answer: str = "person", after_s: float = 0.0) -> list[Plan]:
    """Return pushes of as many users, who all answer alike."""
    return [Plan(f"user{seed}-{number}", PUSH, answer, after_s) for number in range(n_logins)]


def mixed_plans(
    chance: random.Random,
    n_logins: int,
    *,
    push_share: float = 0.3,
    answered_after_s: tuple[float, float] = (0.5, 3.0),
    denied_share: float = 0.0,
) -> list[Plan]:
    """Return logins of as many users: passcodes, and pushes answered between these seconds; some of both denied."""
    plans = []
    for number in range(n_logins):
        user = f"user{number}"
        is_denied = chance.random() < denied_share
        if chance.random() < push_share:
            plans.append(Plan(user, PUSH, "deny" if is_denied else "approve", chance.uniform(*answered_after_s)))
        else:
            plans.append(Plan(user, WRONG_PASSCODE if is_denied else PASSCODE))
    return plans
