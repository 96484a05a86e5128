"""What a reload changes, out of the gateway's answer, for people."""

from collections.abc import Iterator
from typing import Any

import msgspec

from gateway.cli.terminal import printable
from gateway.config.changes import Changes
from gateway.config.changes_told import details, summary


def change_lines(answer: dict[str, Any]) -> Iterator[str]:
    """Yield one line with numbers, and others with names; nothing where the gateway does not tell."""
    if "changes" in answer:  # an older one has none, and where the file has errors there are none
        changes = msgspec.convert(answer["changes"], Changes)
        yield summary(changes)
        yield from (f"  {printable(line)}" for line in details(changes))
