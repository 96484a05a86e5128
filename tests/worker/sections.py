"""Server sections as a worker builds them from settings."""

from gateway.config.settings import ServerSettings, Settings
from gateway.engine.challenges.memory import ChallengeMemory, UnixClock
from gateway.engine.nas import Section
from gateway.worker.wiring import build_section


def built_section(settings: Settings, server: ServerSettings | None = None, key: bytes = bytes(32)) -> Section:
    """Return a section, the first one unless another is given; it has asked nobody for more yet."""
    return build_section(server or settings.servers[0], settings, ChallengeMemory(UnixClock()), key)


def built_sections(settings: Settings) -> dict[str, Section]:
    """Return all of them by name."""
    return {server.section: built_section(settings, server) for server in settings.servers}
