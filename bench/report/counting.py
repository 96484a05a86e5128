"""Numbers with what they count, as people say them."""


def counted(number: int, one: str, many: str = "") -> str:
    """Return `1 worker`, `2 workers`; `many` where an s is not enough."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
