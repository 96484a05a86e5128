"""Whether the hot path is compiled: a few tests look at what only interpreted code shows."""

import pytest

from gateway.engine import engine

IS_COMPILED = not engine.__file__.endswith(".py")

only_interpreted = pytest.mark.skipif(IS_COMPILED, reason="looks at what only interpreted code shows")
