"""What the commands for a running gateway need of its configuration file, which may have errors by now."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from gateway.config.general import GATEWAY, MAIN, read_run_dir
from gateway.config.including import read_sources
from gateway.config.ini import IniSection, parse_ini
from gateway.config.problems import ConfigError, Problem
from gateway.config.scope import Scope
from gateway.config.surroundings import Surroundings, read_configuration, surroundings_of
from gateway.config.values import boolean, seconds


class ControlAddress(NamedTuple):
    """Where the running gateway can be asked, and how long it drains."""

    run_dir: str
    drain_timeout_s: float


def read_control_address(path: str | os.PathLike[str]) -> ControlAddress:
    """Return what the file says, or the default where the file has it wrong.

    Raises:
        ConfigError: the file cannot be read, is no configuration at all, or says wrongly where to ask.
    """
    problems: list[Problem] = []
    scope, surroundings = _read(path, "gateway", GATEWAY, problems)
    run_dir = read_run_dir(scope, surroundings)
    if any(problem.is_error for problem in problems):
        raise ConfigError(problems, str(path))
    return ControlAddress(run_dir, drain_timeout_s=scope.read("drain_timeout_s", seconds(3600)))


def names_run_dir(path: str | os.PathLike[str]) -> bool:
    """Whether the file says where to ask, and not the default. Raises as `read_control_address` does."""
    scope, _ = _read(path, "gateway", GATEWAY, problems=[])
    return any(entry.value for entry in scope.entries("run_dir"))


def read_log_dir(path: str | os.PathLike[str]) -> str:
    """Return where the logs are. Raises as `read_control_address` does."""
    return read_log_place(path).log_dir


class LogPlace(NamedTuple):
    """Where the logs are, and whether finished logins are written to standard output instead."""

    log_dir: str
    is_stdout: bool


def read_log_place(path: str | os.PathLike[str]) -> LogPlace:
    """Return where to look for logins. Raises as `read_control_address` does."""
    scope, surroundings = _read(path, "main", MAIN, problems=[])
    folder = scope.read_optional("log_dir", surroundings.resolve) or surroundings.log_dir
    return LogPlace(folder, scope.read("log_stdout", boolean))


def read_section_names(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return the name of each server section's directory, its section where it has none. Raises likewise."""
    sections = read_sources(read_configuration(str(Path(path).absolute())), surroundings_of(path)).sections
    servers = [section for section in sections if section.name.startswith("radius_server_")]
    return {each.name: each.entries["name"].value if "name" in each.entries else each.name for each in servers}


def _read(
    path: str | os.PathLike[str], name: str, defaults: Mapping[str, str], problems: list[Problem]
) -> tuple[Scope, Surroundings]:
    """Return a section over [main], and what is around the file."""
    sections = {section.name: section for section in reversed(_read_sections(str(Path(path).absolute())))}
    section, main = (sections.get(each, IniSection(each)) for each in (name, "main"))
    return Scope(section, main, defaults, problems), surroundings_of(path)


def _read_sections(path: str) -> list[IniSection]:
    sections, problems = parse_ini(read_configuration(path).octets)
    if problems and not sections:
        raise ConfigError(problems, path)
    return sections
