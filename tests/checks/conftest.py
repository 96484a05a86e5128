"""The fixtures of the integration tests: a simulated Duo to ask."""

from tests.integration.conftest import shared_simulator, simulator, site

__all__ = ["shared_simulator", "simulator", "site"]
