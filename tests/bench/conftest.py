import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.report import charts

_drawn: dict[str, str] = {}


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder with a short name: the path of a socket has 107 octets at most."""
    with tempfile.TemporaryDirectory(prefix="rg-") as name:
        yield Path(name)


@pytest.fixture
def drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chart of the same points, with the same words, is drawn by one test for all: each takes a tenth of a second."""
    for name in ("lines", "percentile_curve"):
        monkeypatch.setattr(charts, name, _remembered(getattr(charts, name)))


def _remembered(chart: Callable[..., str]) -> Callable[..., str]:
    def remembered(*points: object, **words: object) -> str:
        key = repr((chart.__name__, points, sorted(words.items())))
        if key not in _drawn:
            _drawn[key] = chart(*points, **words)
        return _drawn[key]

    return remembered
