"""The fixtures of the integration tests, for the rules that only real processes show."""

from tests.integration.conftest import shared_simulator, simulator, site

__all__ = ["shared_simulator", "simulator", "site"]
