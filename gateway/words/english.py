"""Small matters of English in what people read."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 worker`, `2 workers`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def clock_difference(ahead_s: float) -> str:
    """Return where this machine's clock is, `40 s behind Duo's`, when Duo's is so far ahead; negative is behind."""
    return f"{abs(ahead_s):.0f} s {'behind' if ahead_s > 0 else 'ahead of'} Duo's"


def ago(seconds: float) -> str:
    """Return how long ago something was, to the unit that counts: `3 minutes ago`."""
    for unit_s, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= unit_s:
            return f"{counted(int(seconds / unit_s), unit)} ago"
    return f"{counted(int(seconds), 'second')} ago"
