from pathlib import Path

import pytest

from tests.https.authority import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def authority_pem(authority: Authority) -> bytes:
    """Whom the peers of tests have their certificates from."""
    return Path(authority.ca_file).read_bytes()
