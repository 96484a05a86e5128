"""Small matters of English in what people read."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 worker`, `2 workers`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def clock_difference(ahead_s: float) -> str:
    """Return where this machine's clock is, `40 s behind Duo's`, when Duo's is so far ahead; negative is behind."""
    return f"{abs(ahead_s):.0f} s {'behind' if ahead_s > 0 else 'ahead of'} Duo's"
