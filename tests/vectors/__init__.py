"""Test vectors: octets, what they mean, and where they come from."""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def load(name: str) -> list[dict[str, Any]]:
    """Return the vectors of one file."""
    vectors: list[dict[str, Any]] = json.loads((HERE / f"{name}.json").read_text())["vectors"]
    return vectors


def octets(vector: dict[str, Any], field: str) -> bytes:
    """Return a hexadecimal field."""
    return bytes.fromhex(vector[field])
