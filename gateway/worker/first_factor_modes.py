"""Settings of a section with a first factor into its mode: a row for each kind, and what all of them need."""

import os
from codecs import lookup
from collections.abc import Callable, Mapping
from typing import Final

from gateway.config.schema import without_number
from gateway.config.settings import AdClient, DuoOnlyClient, RadiusClient, ServerSettings, Settings
from gateway.engine.challenges.challenger import Challenger
from gateway.engine.challenges.keys import application_state_key, fleet_state_key, meaning_key
from gateway.engine.challenges.memory import ChallengeMemory
from gateway.engine.challenges.tokens import Tokens
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.modes.auto import Auto
from gateway.engine.modes.challenge import Challenge
from gateway.engine.modes.concat import Concat
from gateway.engine.modes.mode import Mode
from gateway.engine.modes.parts import FirstFactor, Parts
from gateway.engine.rules import SectionRules
from gateway.radius.passing import Passing
from gateway.radius.shared_secret import SharedSecret

_MODES: Final[Mapping[str, Callable[[LoginPolicy, SectionRules, Parts], Mode]]] = {
    "radius_server_auto": Auto,
    "radius_server_concat": Concat,
    "radius_server_challenge": Challenge,
}


def build_first_factor_mode(
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
    tokens = Tokens(state_keys(server, settings), server.section, server.client or "")
    challenger = Challenger(tokens, memory, rules.modes.challenge_life_s, os.urandom)
    to_nas = Passing(rules.modes.pass_through, rules.modes.pass_through_all)
    parts = Parts(first_factor_of(server, settings), to_nas, challenger, digest_key(settings, key))
    return _MODES[without_number(server.section)](policy, rules, parts)


def digest_key(settings: Settings, key: bytes) -> bytes:
    """Return the key by which two logins are the same: the fleet's, or the gateway's own, which outlives a reload."""
    return meaning_key(fleet_state_key(settings.fleet.keys[0].octets) if settings.fleet is not None else key)


def state_keys(server: ServerSettings, settings: Settings) -> list[bytes]:
    """Return the keys of a section's States: the fleet's, or those of its application.

    The secret key that is to take the other's place seals, for it is the one that stays; both open.
    """
    if settings.fleet is not None:
        return [fleet_state_key(key.octets) for key in settings.fleet.keys]
    application = server.application
    secret_keys = (application.next_secret_key, application.secret_key)
    return [application_state_key(each.octets) for each in secret_keys if each is not None]


def first_factor_of(server: ServerSettings, settings: Settings) -> FirstFactor:
    """Return who is asked first at a section, by the name under which the worker holds its client."""
    client = next((each for each in settings.clients if each.section == server.client), None)
    if client is None or isinstance(client, DuoOnlyClient):
        return FirstFactor()
    if isinstance(client, AdClient):
        return FirstFactor(client.section, is_directory=True, pw_codec="utf-8")
    secrets = {home.name: SharedSecret(home.shared_secret.octets) for home in client.homes}
    passing, pw_codec = _passing_of(client), _other_codec(server, client)
    return FirstFactor(client.section, passing, relays=True, secrets=secrets, pw_codec=pw_codec)


def _other_codec(server: ServerSettings, client: RadiusClient) -> str:
    """Return the codec in which home servers want passwords, where it is not that in which they come."""
    return client.pw_codec if lookup(client.pw_codec).name != lookup(server.pw_codec).name else ""


def _passing_of(settings: RadiusClient) -> Passing:
    return Passing(settings.pass_through, settings.pass_through_all)
