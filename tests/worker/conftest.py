from collections.abc import Iterator

import pytest

from tests.worker.succession_scene import Successor


@pytest.fixture
def successor() -> Iterator[Successor]:
    successor = Successor()
    yield successor
    successor.close()
