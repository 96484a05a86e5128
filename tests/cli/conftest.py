"""The fixtures of the integration tests, for the commands that real processes obey."""

from tests.integration.conftest import shared_simulator, simulator, site

__all__ = ["shared_simulator", "simulator", "site"]
