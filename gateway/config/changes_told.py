"""What a reload changes, in words: one line with numbers, and names under it. Pure."""

from collections.abc import Iterator, Sequence

from gateway.config.changes import MAX_NAMES, ChangedKeys, Changes, Difference


def summary(changes: Changes) -> str:
    """Return the numbers: `sections: 100 removed, 0 added, 2 changed; clients 10,000 -> 5,000`."""
    clients, others = changes.clients, changes.other_sections
    told = f"sections: {_numbers(changes.sections)}; clients {clients.before:,} -> {clients.after:,}"
    if others.n_removed or others.n_added or others.n_changed:
        told += f"; other sections: {_numbers(others)}"
    return told


def details(changes: Changes) -> list[str]:
    """Return a line for each kind of change that there is, with a few names."""
    sections, applications = _together(changes.sections, changes.other_sections), changes.applications
    keys = {each.section: each for each in changes.keys[:MAX_NAMES]}
    called = changes.called
    changed = [f"{called(name)} ({_keys(keys[name])})" if name in keys else called(name) for name in sections.changed]
    kinds = {
        "removed": ([*map(called, sections.removed)], sections.n_removed),
        "added": ([*map(called, sections.added)], sections.n_added),
        "changed": (changed, sections.n_changed),
        "applications removed": (applications.removed, applications.n_removed),
        "applications added": (applications.added, applications.n_added),
    }
    return [f"{kind}: {named(names, count)}" for kind, (names, count) in kinds.items() if count]


def named(names: Sequence[str], count: int) -> str:
    """Return the first of so many names, and how many more there are."""
    told = ", ".join(names[:MAX_NAMES])
    n_more = count - min(len(names), MAX_NAMES)
    return f"{told} and {n_more:,} more" if n_more else told


def _numbers(difference: Difference) -> str:
    return f"{difference.n_removed:,} removed, {difference.n_added:,} added, {difference.n_changed:,} changed"


def _together(one: Difference, other: Difference) -> Difference:
    return Difference(
        n_removed=one.n_removed + other.n_removed,
        n_added=one.n_added + other.n_added,
        n_changed=one.n_changed + other.n_changed,
        removed=(*one.removed, *other.removed),
        added=(*one.added, *other.added),
        changed=(*other.changed, *one.changed),
    )


def _keys(keys: ChangedKeys) -> str:
    """Return the keys of a section, with a sign before those that came or went."""
    told = list(_signed(keys))
    return named(told, len(told))


def _signed(keys: ChangedKeys) -> Iterator[str]:
    yield from keys.changed
    yield from (f"+{key}" for key in keys.added)
    yield from (f"-{key}" for key in keys.removed)
