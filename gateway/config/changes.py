"""What a reload changes: two settings, compared by the names of sections, clients, applications and keys.

Nothing here holds a value but `name=`, by which people know a section: of a secret, as of every other key, it is told
that it is another one.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import asdict, replace

from gateway.config.settings import (
    AdClient,
    ApplicationSettings,
    ClientSettings,
    DuoOnlyClient,
    FirstFactor,
    ServerSettings,
    Settings,
)
from gateway.radius.reply import SignaturePosition

MAX_NAMES = 10
"""Of each kind that are told where it must be short."""

_KEYS = {
    "fail_mode": "failmode",
    "exempt_usernames": "exempt_username_N",
    "probe_usernames": "probe_username_N",
    "pass_through": "pass_through_attr_names",
    "secret_key": "skey",
    "next_secret_key": "skey_next",
    "api_timeout_s": "api_timeout",
    "ca_certs_file": "http_ca_certs_file",
}
_HOME_KEYS = {
    "pass_through": "pass_through_attr_names",
    "retry_wait_s": "retry_wait",
    "timeout_s": "timeout",
}
_DIRECTORY_KEYS = {
    "timeout_s": "timeout",
    "ca_certs": "ssl_ca_certs_file",
    "verify_hostname": "ssl_verify_hostname",
}
_LOG_KEYS = {
    "directory": "log_dir",
    "debug": "debug",
    "stdout": "log_stdout",
    "auth_events": "log_auth_events",
    "max_size": "log_max_size",
    "max_files": "log_max_files",
    "syslog": "log_syslog",
    "syslog_facility": "syslog_facility",
}
_CONSOLE_KEYS = {
    "token": "console_token_file",
    "certificate": "console_tls_cert_file",
    "metrics": "metrics",
}
_FLEET_KEYS = {
    "password": "engine_password_file",
    "ca_certs_file": "engine_ca_certs_file",
    "keys": "fleet_key_file",
}

_Named = Mapping[str, object]
"""What is compared, by its name; None is the same as not to be there."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Names of one kind: how many there are before and after, and those that come, go or stay with another value.

    The numbers are right where the names are too many to be told.
    """

    before: int = 0
    after: int = 0
    n_removed: int = 0
    n_added: int = 0
    n_changed: int = 0
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def present(self) -> tuple[str, ...]:
        """Those that are there after, and are not what they were before."""
        return (*self.added, *self.changed)


class ChangedKeys(msgspec.Struct, frozen=True, kw_only=True):
    """Keys of a section that is there before and after, in the order of the alphabet.

    A default is a value, too: a key is added or removed only if it has none. A secret goes by the key that would hold
    it in clear, `exempt_username_N` stands for all of them.
    """

    section: str
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """How settings differ from those before them.

    Attributes:
        sections: server sections.
        other_sections: all others; `main` and `gateway` are always there.
        clients: by section and key, as in `[radius_server_duo_only] radius_ip_1`.
        applications: by ikey.
        keys: of each section that is changed.
        names: what people call those of these server sections that have a name, by section.
    """

    sections: Difference = Difference()
    other_sections: Difference = Difference()
    clients: Difference = Difference()
    applications: Difference = Difference()
    keys: tuple[ChangedKeys, ...] = ()
    names: dict[str, str] = {}

    def called(self, section: str) -> str:
        """Return a section as people are told of it: `radius_server_duo_only2 "Tokyo"`."""
        name = self.names.get(section)
        return f'{section} "{name}"' if name else section

    def brief(self) -> "Changes":
        """Return them with so few names that they can be told again and again."""
        kinds = (self.sections, self.other_sections, self.clients, self.applications)
        sections, other_sections, clients, applications = map(_brief, kinds)
        keys = tuple(map(_brief_keys, self.keys[:MAX_NAMES]))
        told = (*sections.removed, *sections.added, *sections.changed)
        return Changes(
            sections=sections,
            other_sections=other_sections,
            clients=clients,
            applications=applications,
            keys=keys,
            names={section: self.names[section] for section in told if section in self.names},
        )


def compare(before: Settings, after: Settings) -> Changes:
    """Return what is different after."""
    old, new = _servers(before), _servers(after)
    old_others, new_others = _other_sections(before), _other_sections(after)
    sections = _difference(old, new)
    told = (*sections.removed, *sections.added, *sections.changed)
    named = {section: (new.get(section) or old[section]).name for section in told}
    return Changes(
        sections=sections,
        other_sections=_difference(old_others, new_others),
        clients=_difference(_clients(before), _clients(after)),
        applications=_difference(_applications(before), _applications(after)),
        keys=(*_changed_keys(old_others, new_others), *_changed_server_keys(old, new)),
        names={section: name for section, name in named.items() if name},
    )


def client_name(server: ServerSettings, client: ClientSettings) -> str:
    """Return what a client is called among those of all sections."""
    return f"[{server.section}] {client.name}"


def _difference(before: _Named, after: _Named) -> Difference:
    removed, added, changed = _names(before, after)
    return Difference(
        before=len(before),
        after=len(after),
        n_removed=len(removed),
        n_added=len(added),
        n_changed=len(changed),
        removed=removed,
        added=added,
        changed=changed,
    )


def _names(before: _Named, after: _Named) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    removed = tuple(name for name in before if name not in after)
    added = tuple(name for name in after if name not in before)
    changed = tuple(name for name, value in before.items() if name in after and after[name] != value)
    return removed, added, changed


# What there is, by name.


def _servers(settings: Settings) -> dict[str, ServerSettings]:
    return {server.section: server for server in settings.servers}


def _clients(settings: Settings) -> dict[str, ClientSettings]:
    return {client_name(server, client): client for server in settings.servers for client in server.clients}


def _applications(settings: Settings) -> dict[str, frozenset[ApplicationSettings]]:
    """Return them by ikey; sections may have other rules for the same one."""
    found: dict[str, set[ApplicationSettings]] = {}
    for server in settings.servers:
        found.setdefault(server.application.ikey, set()).add(server.application)
    return {ikey: frozenset(applications) for ikey, applications in found.items()}


def _other_sections(settings: Settings) -> dict[str, dict[str, object]]:
    fleet = {} if settings.fleet is None else {"fleet": _keys_of(settings.fleet, _FLEET_KEYS)}
    clients = {each.section: _first_factor_keys(each) for each in settings.clients}
    return {"main": _main_keys(settings), "gateway": _gateway_keys(settings), **fleet, **clients}


# Keys.


def _changed_server_keys(
    before: Mapping[str, ServerSettings], after: Mapping[str, ServerSettings]
) -> list[ChangedKeys]:
    """Take apart only what is not the same: there may be thousands of sections."""
    changed = _names(before, after)[2]
    return [_keys_that_changed(name, _server_keys(before[name]), _server_keys(after[name])) for name in changed]


def _changed_keys(before: Mapping[str, _Named], after: Mapping[str, _Named]) -> list[ChangedKeys]:
    changed = [name for name, keys in before.items() if name in after and after[name] != keys]
    return [_keys_that_changed(name, before[name], after[name]) for name in changed]


def _keys_that_changed(section: str, before: _Named, after: _Named) -> ChangedKeys:
    removed, added, changed = (tuple(sorted(names)) for names in _names(before, after))
    return ChangedKeys(section=section, removed=removed, added=added, changed=changed)


def _keys_of(settings: msgspec.Struct, names: Mapping[str, str], *, only: bool = False) -> dict[str, object]:
    """Return the values of a struct by the names of their keys in the file; `only` of fields that `names` has."""
    return {
        names.get(field, field): value
        for field, value in asdict(settings).items()
        if value is not None and (field in names or not only)
    }


def _main_keys(settings: Settings) -> dict[str, object]:
    return _keys_of(settings.log, _LOG_KEYS, only=True)


def _gateway_keys(settings: Settings) -> dict[str, object]:
    console = settings.gateway.console
    keys = _keys_of(settings.gateway, {}) | {"console": str(console), "log_format": settings.log.format}
    return keys | (_keys_of(console, _CONSOLE_KEYS, only=True) if console is not None else {})


def _server_keys(server: ServerSettings) -> dict[str, object]:
    keys = _keys_of(server, _KEYS) | _keys_of(server.application, _KEYS) | _keys_of(server.modes, _KEYS)
    for field in ("section", "clients", "application", "modes"):
        keys.pop(field, None)
    for client in server.clients:
        keys.update(_client_keys(client))
    return keys


def _client_keys(client: ClientSettings) -> Iterator[tuple[str, object]]:
    number = client.name.removeprefix("radius_ip_")
    yield client.name, client.networks
    yield f"radius_secret_{number}", client.shared_secret
    if client.next_secret is not None:
        yield f"radius_secret_{number}_next", client.next_secret
    if client.message_authenticator_in_replies is not SignaturePosition.FIRST:  # rare, and else told of each client
        yield f"message_authenticator_in_replies_{number}", client.message_authenticator_in_replies


def _first_factor_keys(client: FirstFactor) -> dict[str, object]:
    """Hosts count together: their numbers say no more than their order."""
    if isinstance(client, DuoOnlyClient):
        return {}
    if isinstance(client, AdClient):
        keys = _keys_of(client, _DIRECTORY_KEYS)
        del keys["section"], keys["hosts"]
        return {**keys, "host": [host.host for host in client.hosts], "port": [host.port for host in client.hosts]}
    keys = _keys_of(client, _HOME_KEYS)
    del keys["section"], keys["homes"]
    hosts, ports = [home.host for home in client.homes], [home.port for home in client.homes]
    return {**keys, "host": hosts, "port": ports, "secret": [home.shared_secret for home in client.homes]}


# Briefly.


def _brief(difference: Difference) -> Difference:
    return replace(difference, **_first_names(difference))


def _brief_keys(keys: ChangedKeys) -> ChangedKeys:
    return replace(keys, **_first_names(keys))


def _first_names(struct: Any) -> dict[str, tuple[str, ...]]:
    return {kind: getattr(struct, kind)[:MAX_NAMES] for kind in ("removed", "added", "changed")}
