"""Families of series as Prometheus's text, version 0.0.4. Pure.

Written here and not by the client library, which takes ten times as long: it checks and formats each sample by itself,
and 200 sections make 28,000 of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[str, ...]
"""The values of a series' labels, in the order of their names."""
Samples = Iterable[tuple[Labels, float]]

_LABELS = "\0"  # their place in the form of a series
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def counter(name: str, text: str, names: Sequence[str], samples: Samples) -> Iterator[str]:
    """Yield the lines of a counter; `name` is without its `_total`."""
    return _simple(f"{name}_total", "counter", text, names, samples)


def gauge(name: str, text: str, names: Sequence[str], samples: Samples) -> Iterator[str]:
    """Yield the lines of a gauge."""
    return _simple(name, "gauge", text, names, samples)


def histogram(
    name: str,
    text: str,
    names: Sequence[str],
    bounds: Sequence[float],
    samples: Iterable[tuple[Labels, Sequence[int], float]],
) -> Iterator[str]:
    """Yield the lines of a histogram.

    Args:
        name: without `_bucket`, `_count` and `_sum`.
        text: what it is.
        names: of its labels.
        bounds: of its buckets, inclusive.
        samples: values of the labels, how many are at most as great as each bound, and at last how many there are,
            and their sum.
    """
    yield _head(name, "histogram", text)
    ends = [*(f"{bound:g}" for bound in bounds), "+Inf"]
    form = "".join(f'{name}_bucket{{{_LABELS}le="{end}"}} %d\n' for end in ends)
    end = f"{name}_count{_braces(names)} %d\n{name}_sum{_braces(names)} %r\n"
    labels_form = "".join(f'{label}="%s",' for label in names)
    for values, counts, total in samples:
        shown = tuple(map(_escaped, values))
        labels = labels_form % shown
        yield form.replace(_LABELS, labels.replace("%", "%%")) % tuple(counts)
        yield end % (*shown, counts[-1], *shown, total)


def _simple(name: str, kind: str, text: str, names: Sequence[str], samples: Samples) -> Iterator[str]:
    yield _head(name, kind, text)
    form = f"{name}{_braces(names)} %r\n"
    for values, value in samples:
        yield form % (*map(_escaped, values), value)


def _head(name: str, kind: str, text: str) -> str:
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n"


def _braces(names: Sequence[str]) -> str:
    """Return the form of a series' labels: nothing where it has none."""
    pairs = ",".join(f'{label}="%s"' for label in names)
    return f"{{{pairs}}}" if pairs else ""


@lru_cache(maxsize=4096)
def _escaped(value: str) -> str:
    """Return a label's value as it stands between quotation marks; each stands in many series."""
    return value.translate(_ESCAPES)
