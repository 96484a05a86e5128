"""Small matters of English in what people read."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 worker`, `2 workers`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
