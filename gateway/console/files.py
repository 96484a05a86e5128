"""The page's own files, read once: nothing that a visitor names is ever looked up on the disk."""

from pathlib import Path
from typing import NamedTuple

import msgspec

from gateway.words.explanations import DISCARDS, REASONS

_FOLDER = Path(__file__).parent / "static"
_HTML = "text/html"
_SCRIPT = "text/javascript"
_SCRIPTS = (
    "page", "alerts", "applications", "charts", "directories", "firstfactors", "hosts", "logins", "nodes", "pager",
    "scope", "search", "tables",
)  # fmt: skip
_NAMES = {
    "/": ("index.html", _HTML),
    "/login": ("login.html", _HTML),
    "/static/page.css": ("page.css", "text/css"),
    **{f"/static/{name}.js": (f"{name}.js", _SCRIPT) for name in _SCRIPTS},
    "/static/icon.svg": ("icon.svg", "image/svg+xml"),
    "/static/uplot.js": ("vendor/uplot/uPlot.iife.min.js", _SCRIPT),
    "/static/uplot.css": ("vendor/uplot/uPlot.min.css", "text/css"),
}
PUBLIC = frozenset({"/static/page.css", "/static/icon.svg"})
"""What the form that asks for the token needs."""


class File(NamedTuple):
    """What is sent, and its type."""

    octets: bytes
    content_type: str


def load_files() -> dict[str, File]:
    """Return all files by their path in the address bar.

    Raises:
        OSError: one is not there.
    """
    found = {path: File((_FOLDER / name).read_bytes(), kind) for path, (name, kind) in _NAMES.items()}
    return {**found, "/explanations.json": File(_explanations(), "application/json")}


def _explanations() -> bytes:
    """Return what the words of reasons and discards mean, and what to do about each."""
    return msgspec.json.encode(
        {
            "reasons": {reason.value: explanation._asdict() for reason, explanation in REASONS.items()},
            "discards": {reason.value: explanation._asdict() for reason, explanation in DISCARDS.items()},
        }
    )
