"""An `authproxy.cfg` -> `Settings`, or every problem of it at once.

`ini` finds sections and lines, `including` those of other files, `spelling` checks the names against `kinds`, whose
rows name the reader of each section;
`scope` reads its keys over those of [main], `conflicts` compares the sections. All of them go on after a problem;
whether there was an error is asked once, at the end.
"""

import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from msgspec import structs

from gateway.config.clients import unused_defaults
from gateway.config.conflicts import (
    ClientSection,
    ServedSection,
    application_problems,
    loop_problems,
    overlap_problems,
)
from gateway.config.credentials import has_clear_secrets, read_secrets_key
from gateway.config.first_factors import is_idle, named_clients
from gateway.config.fleet import FLEET_KEYS, read_fleet
from gateway.config.general import GATEWAY, MAIN, read_ca_certs_file, read_gateway, read_log
from gateway.config.guesses import without_guessed
from gateway.config.including import Source, file_of, is_text, read_sources
from gateway.config.ini import IniSection
from gateway.config.kinds import KINDS, SERVED, Kind, section_kind
from gateway.config.names import same_names, unused_name
from gateway.config.problems import ConfigError, Place, Problem, Severity, in_order
from gateway.config.scope import Context, Scope
from gateway.config.settings import FleetSettings, Settings
from gateway.config.spelling import name_problems
from gateway.config.surroundings import (
    PRIVATE_MODE,
    FileContent,
    ListFolder,
    ReadFile,
    Surroundings,
    list_disk,
    read_configuration,
    read_disk,
    surroundings_of,
)

_SERVED_NAMES: Final = f"{', '.join(f'[{kind}]' for kind in SERVED[:-1])} or [{SERVED[-1]}]"


def read_settings(
    path: str | os.PathLike[str],
    content: FileContent | None = None,
    read_file: ReadFile = read_disk,
    list_folder: ListFolder = list_disk,
    *,
    has_secrets: bool = True,
) -> tuple[Settings, list[Problem]]:
    """Return what the file on disk says, and warnings.

    Args:
        path: of the file; its folder is where relative paths begin.
        content: what the file is to hold, if that is not there yet.
        read_file: reads it, and each file that it names.
        list_folder: tells the names in the folder that it includes.
        has_secrets: else secrets that cannot be read here get notes, and others stand for them in the settings.

    Raises:
        ConfigError: there is an error in the file, or it cannot be read; carries all errors and warnings.
    """
    full_path = str(Path(path).absolute())
    if not is_text(full_path):
        text = "the path is not UTF-8, as which our processes tell it to each other; rename the file, or its folder"
        raise ConfigError([Problem("", "", text)], full_path)
    surroundings = replace(
        surroundings_of(full_path), read_file=read_file, list_folder=list_folder, has_secrets=has_secrets
    )
    return _parse(content or read_configuration(full_path, read_file), full_path, surroundings)


def parse_settings(
    octets: bytes,
    path: str,
    read_file: ReadFile,
    environment: Mapping[str, str] | None = None,
    user_id: int = 0,
    list_folder: ListFolder = list_disk,
) -> tuple[Settings, list[Problem]]:
    """Return what the octets of a configuration file say, and warnings.

    Args:
        octets: as they are in the file.
        path: absolute; names the file, and its folder is where relative paths begin.
        read_file: returns the content of a file that the configuration names; OSError if it cannot be read.
        environment: for `$CREDENTIALS_DIRECTORY` and the default directories.
        user_id: decides about the default directories; 0 is root.
        list_folder: returns the names in a folder that the configuration includes; OSError if it cannot.

    Raises:
        ConfigError: there is an error; carries all errors and warnings.
    """
    surroundings = Surroundings(
        folder=str(Path(path).parent),
        read_file=read_file,
        list_folder=list_folder,
        environment=environment or {},
        user_id=user_id,
    )
    return _parse(FileContent(octets, PRIVATE_MODE), path, surroundings)


def locate(problems: list[Problem], path: str | os.PathLike[str], content: FileContent) -> list[Problem]:
    """Return problems with the lines of their keys in a configuration, which whoever found them does not know.

    They name the section where the line stands: that is [main] for a key that it has for others.
    """
    if not problems:
        return []
    sources = read_sources(content, surroundings_of(path))
    sections = {section.name: section for section in reversed(sources.sections)}
    return [_located(problem, sections) for problem in problems]


def _located(problem: Problem, sections: dict[str, IniSection]) -> Problem:
    own, main = (sections.get(name, IniSection(name)) for name in (problem.section, "main"))
    entry = own.entries.get(problem.key) or main.entries.get(problem.key)
    if entry is None:
        return structs.replace(problem, place=own.place)
    return structs.replace(problem, section=entry.section, place=entry.place)


def _parse(content: FileContent, path: str, surroundings: Surroundings) -> tuple[Settings, list[Problem]]:
    files, sections, problems = read_sources(content, surroundings)
    if problems and not sections:
        raise ConfigError(problems, path)
    named = named_clients(sections)
    problems = [problem for problem in problems if not is_idle(problem.section, named)]
    problems += name_problems(sections)
    problems += _mode_problems(files, sections, path)
    of_values: list[Problem] = []
    settings = _read_sections(sections, path, surroundings, of_values)
    problems = in_order([*problems, *without_guessed(of_values, sections)])
    if any(problem.is_error for problem in problems):
        raise ConfigError(problems, path)
    return settings, problems


def _read_sections(
    sections: list[IniSection], path: str, surroundings: Surroundings, problems: list[Problem]
) -> Settings:
    """Return what they say: [main] and [gateway], then clients, then servers, which name their clients."""
    main = _first(sections, "main")
    main_scope = Scope(main, main, MAIN, problems)
    gateway_scope = Scope(_first(sections, "gateway"), main, GATEWAY, problems)
    surroundings = replace(surroundings, secrets_key=read_secrets_key(gateway_scope, surroundings))
    context = Context(surroundings, read_ca_certs_file(main_scope, surroundings))
    scopes = [(kind, Scope(section, main, kind.keys, problems)) for kind, section in _kinds_of(sections)]
    named = named_clients(sections)
    clients = [
        ClientSection(kind.read_client(scope, context), scope)
        for kind, scope in scopes
        if kind.read_client and not is_idle(scope.section, named)
    ]
    context = context._replace(clients={client.section: client for client, _ in clients})
    served = [ServedSection(kind.read_server(scope, context), scope) for kind, scope in scopes if kind.read_server]
    if not served:
        problems.append(Problem("", "", f"there is nothing to serve; write a section {_SERVED_NAMES}"))
    problems += unused_defaults(main, [section for kind, section in _kinds_of(sections) if kind.read_server])
    problems += unused_name(sections)
    problems += _problems_between(clients, served)
    return Settings(
        path=path,
        log=read_log(main_scope, gateway_scope, surroundings),
        gateway=read_gateway(gateway_scope, surroundings),
        clients=tuple(settings for settings, _ in clients),
        servers=tuple(settings for settings, _ in served),
        fleet=_read_fleet(sections, main, context, problems),
    )


def _problems_between(clients: list[ClientSection], served: list[ServedSection]) -> Iterator[Problem]:
    """Yield what is wrong with sections only because of others."""
    yield from same_names(served)
    yield from overlap_problems(served)
    yield from application_problems(served)
    yield from loop_problems(clients, served)


def _read_fleet(
    sections: list[IniSection], main: IniSection, context: Context, problems: list[Problem]
) -> FleetSettings | None:
    """Return what [fleet] says; None if it is not there."""
    section = next((each for each in sections if each.name == "fleet"), None)
    if section is None:
        return None
    return read_fleet(Scope(section, main, FLEET_KEYS, problems), context)


def _kinds_of(sections: list[IniSection]) -> list[tuple[Kind, IniSection]]:
    kinds = ((section_kind(section.name), section) for section in sections)
    return [(KINDS[kind], section) for kind, section in kinds if kind is not None]


def _mode_problems(files: list[Source], sections: list[IniSection], path: str) -> Iterator[Problem]:
    for file in (each for each in files if each.content.is_readable_by_others):
        entries = [entry for each in sections if file_of(each) == file.path for entry in each.entries.values()]
        if has_clear_secrets(entries):
            quoted = shlex.quote(file.path or path)
            text = f"every user of this machine can read the secrets in this file; run chmod o-r {quoted}"
            yield Problem("", "", text, Place(file.path), Severity.WARNING)


def _first(sections: list[IniSection], name: str) -> IniSection:
    return next((section for section in sections if section.name == name), IniSection(name))
