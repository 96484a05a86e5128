"""A gateway that answers by a script; and the fixtures of the integration tests, for commands to real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.scripted_gateway import ScriptedGateway
from tests.integration.conftest import shared_simulator, simulator, site

__all__ = ["gateway", "shared_simulator", "simulator", "site"]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[ScriptedGateway]:
    gateway = ScriptedGateway(tmp_path)
    yield gateway
    gateway.close()
