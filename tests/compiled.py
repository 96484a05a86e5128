"""Whether the hot path is compiled: a few tests look at what only interpreted code shows."""

import pytest

from gateway.engine import core

IS_COMPILED = not core.__file__.endswith(".py")

only_interpreted = pytest.mark.skipif(IS_COMPILED, reason="looks at what only interpreted code shows")
