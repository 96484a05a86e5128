from collections.abc import Iterator

import pytest

from tests.https.conftest import authority
from tests.worker.succession_scene import Successor

__all__ = ["authority"]


@pytest.fixture
def successor() -> Iterator[Successor]:
    successor = Successor()
    yield successor
    successor.close()
