"""Counts, amounts and spans of time in the few letters that a table has for them. Pure."""


def short(count: int) -> str:
    """Return a count in at most six letters."""
    if count < 100_000:
        return str(count)
    value, units = count / 1e3, iter("kMGTPEZY")
    unit = next(units)
    while value >= 999.95:
        value /= 1e3
        unit = next(units)
    return f"{value:.1f}{unit}"


def decimal(value: float) -> str:
    """Return an amount with one digit behind the point, where there is room for it."""
    return f"{value:.1f}" if value < 1000 else short(round(value))


def span(seconds: float) -> str:
    """Return a time as `hours:minutes:seconds`, or in days and hours."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days}d {hour:02}h" if days else f"{hour:02}:{minute:02}:{second:02}"
