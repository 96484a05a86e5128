"""The certificates of the scripted peers, which `tests/https` has too."""

from tests.https.conftest import authority, server_file

__all__ = ["authority", "server_file"]
