"""The keys of those who check passwords: `host`, `host_2` …, and what else has their number."""

import re

from gateway.config.ini import Entry
from gateway.config.schema import number_in
from gateway.config.scope import Scope

_HOST_KEY = re.compile("host(_[0-9]+)?")


def host_entries(scope: Scope, what: str, missing: str) -> list[Entry]:
    """Return the entries that name a host, one for each number, in the order of the numbers.

    Args:
        scope: the section.
        what: what one of its hosts is, for the text of a problem.
        missing: what to write where there is none.
    """
    entries = sorted(scope.matching(_HOST_KEY), key=host_number)
    if not entries:
        scope.missing("host", f"is missing; {missing}")
    given: dict[int, Entry] = {}
    for entry in entries:
        if entry.value:
            other = given.setdefault(host_number(entry), entry)
            if other is not entry:
                scope.error(
                    entry,
                    f"is the same key as {other.key} in line {other.place.told_at(entry.place)}; remove one of the two",
                )
    for empty in (entry for entry in entries if not entry.value):
        text = f"has no value: there is no such {what}; write its address, or remove the line"
        (scope.warn if given else scope.error)(empty, text)
    return list(given.values())


def host_number(entry: Entry) -> int:
    """Return which host a key is about: `host` is `host_1`."""
    return int(number_in(entry.key) or "1")


def check_numbers(scope: Scope, pattern: re.Pattern[str], entries: list[Entry]) -> None:
    """Note what is said of hosts that are not there; [main] may say it for several sections."""
    numbers = {host_number(entry) for entry in entries}
    for entry in scope.matching(pattern):
        if host_number(entry) not in numbers and entry.section == scope.section:
            name = f"host_{number_in(entry.key)}"
            scope.missing(name, f"there is no {name} to go with it; write {name}=ADDRESS, or remove the line", entry)
