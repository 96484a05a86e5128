"""A server section's settings into its mode."""

from typing import Final

from gateway.config.schema import without_number
from gateway.config.settings import ServerSettings, Settings
from gateway.engine.challenges.memory import ChallengeMemory
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.modes.duo_only import DuoOnly
from gateway.engine.modes.mode import Mode
from gateway.engine.rules import SectionRules

_DUO_ONLY: Final = "radius_server_duo_only"


def build_mode(
    server: ServerSettings,
    settings: Settings,
    policy: LoginPolicy,
    rules: SectionRules,
    memory: ChallengeMemory,
    key: bytes,
) -> Mode:
    """Return the mode of a section; `memory` is that of the worker's challenges, and `key` that of all workers'
    digests.
    """
    if without_number(server.section) == _DUO_ONLY:
        return DuoOnly(policy, rules)
    # Here, for a worker that has no first factor starts sooner without them and the ciphers that seal their States.
    from gateway.worker.first_factor_modes import build_first_factor_mode

    return build_first_factor_mode(server, settings, policy, rules, memory, key)
