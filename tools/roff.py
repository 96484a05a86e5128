"""Text as pages of `man`: the few macros of man(7) that they need."""

import re
from collections.abc import Iterator


def escaped(text: str) -> str:
    """Return text that stands as it is on the page."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("…", "...").replace("’", "'")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def heading(name: str, number: int, version: str) -> str:
    """Return how a page begins."""
    return f'.TH {name.upper()} {number} "" "radgate {version}" "radgate"\n'


def section(title: str) -> str:
    """Return a heading of the first order."""
    return f".SH {title}\n"


def subsection(title: str) -> str:
    """Return a heading of the second order."""
    return f".SS {escaped(title)}\n"


def item(term: str, text: str, more: str = "") -> str:
    """Return a term in bold, what follows it in italics, and what it means, set in from the left."""
    words = rf"\fB{escaped(term)}\fR" + (rf" \fI{escaped(more)}\fR" if more else "")
    return f".TP\n{words}\n{escaped(text)}\n"


def literal(text: str) -> str:
    """Return lines that stand as they are."""
    return f".PP\n.EX\n{escaped(text)}\n.EE\n"


def prose(text: str) -> Iterator[str]:
    """Yield paragraphs; those of indented lines stand as they are."""
    for paragraph in re.split(r"\n{2,}", text.strip("\n")):
        first, *rest = paragraph.splitlines()
        if rest and all(line.startswith("  ") for line in rest):
            yield f".PP\n{escaped(first)}\n" + literal("\n".join(rest))
        else:
            yield f".PP\n{escaped(' '.join([first, *rest]))}\n"
