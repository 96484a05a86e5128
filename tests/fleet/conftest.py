import pytest

from tests.fleet.world import World
from tests.https.authority import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def server_file(authority: Authority) -> str:
    return authority.server_file("127.0.0.1", "duo.test")


@pytest.fixture
def world() -> World:
    world = World()
    world.live(3.0)  # everybody has heard everybody
    return world
