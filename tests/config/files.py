"""Configuration texts for the tests, and a machine for them that has no disk."""

from collections.abc import Mapping
from pathlib import PurePath

from gateway.config.problems import ConfigError, Problem
from gateway.config.reading import parse_settings
from gateway.config.settings import Settings
from gateway.config.surroundings import FileContent

PATH = "/etc/radgate/authproxy.cfg"
IKEY = "DIABCDEFGHIJKLMNOPQR"
SKEY = "k3yThatNobodyMayEverSeeInAnyProblemText0"
SHARED_SECRET = "sharedSecretOfTheDirectory"

SERVER = f"""\
ikey={IKEY}
skey={SKEY}
api_host=api-12345678.duosecurity.com
radius_ip_1=10.0.1.10
radius_secret_1={SHARED_SECRET}
"""
MINIMAL = f"[radius_server_duo_only]\n{SERVER}"
"""What a test adds begins in line 7."""


def parse(
    text: str | bytes,
    files: Mapping[str, bytes] | None = None,
    *,
    mode: int = 0o600,
    environment: Mapping[str, str] | None = None,
    user_id: int = 0,
) -> tuple[Settings, list[Problem]]:
    """Parse a configuration among the given files, whose names are absolute."""

    def read_file(path: str) -> FileContent:
        try:
            return FileContent((files or {})[path], mode)
        except KeyError:
            raise FileNotFoundError(2, "No such file or directory", path) from None

    def list_folder(path: str) -> list[str]:
        names = [PurePath(each).name for each in files or {} if str(PurePath(each).parent) == path]
        if not names:
            raise FileNotFoundError(2, "No such file or directory", path)
        return names

    octets = text.encode() if isinstance(text, str) else text
    settings, problems = parse_settings(octets, PATH, read_file, environment, user_id, list_folder)
    return settings, problems


def problems_of(text: str | bytes, files: Mapping[str, bytes] | None = None, *, mode: int = 0o600) -> list[Problem]:
    """Return every problem of a configuration, whether it can be used or not."""
    try:
        return parse(text, files, mode=mode)[1]
    except ConfigError as error:
        return error.problems
