"""YAML for tests, by the reader of Helm that its Python package has; without it tests are skipped by name."""

from typing import Any

import pytest


def read_yaml(text: str) -> Any:
    """Return one document."""
    helm = pytest.importorskip("helm_python", reason="helm-python-sdk is not installed: pip install helm-python-sdk")
    return helm.chart.values_from_yaml(text)
