"""`radgate protect`: the secrets of a configuration file, encrypted where they stand."""

import argparse
import getpass
import secrets
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from gateway.cli.exits import Exit
from gateway.cli.parsers import add_command
from gateway.config.including import included_paths, read_sources
from gateway.config.ini import parse_ini
from gateway.config.kinds import section_kind
from gateway.config.problems import ConfigError
from gateway.config.protection import KEY_SIZE, NONCE_SIZE, SCHEME, decode_key, encode_key, protect, protected_key
from gateway.config.rewriting import protect_entries, reveal_entries
from gateway.config.secret_keys import SECRETS_KEY_FILE
from gateway.config.slips import secret_slips
from gateway.config.surroundings import read_configuration, read_disk, surroundings_of
from gateway.config.values import BadValueError
from gateway.config.writing import create_file, explain_error, replace_file

EPILOG = """\
examples:
  radgate protect --config /etc/radgate/authproxy.cfg --key-file /var/lib/radgate/secrets.key
      encrypts every skey, radius_secret_N and service_account_password where it stands (skey_protected=radgate1:…),
      makes the key if it is not there, and writes secrets_key_file= into [gateway]; then: radgate check
  radgate protect /etc/radgate/authproxy.cfg --undo
      puts everything in clear again
  radgate protect --value radius_server_duo_only radius_secret_2 --key-file /var/lib/radgate/secrets.key < new-secret
      prints one line to put into that section

Whoever has both files has the secrets: keep the key out of the backups that hold the configuration. A value is bound
to its section and key, and cannot be used anywhere else. Secrets never stand on a command line.

exit status: 0 done, 2 the file or the key cannot be used, and nothing was changed.
"""
_MAX_SECRET = 65_536


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    text = "encrypt the secrets of the configuration file"
    description = "Encrypt the secrets of a configuration file, with a key that is kept elsewhere."
    parser = add_command(subparsers, common, "protect", text, description, EPILOG)
    parser.add_argument("file", metavar="FILE", nargs="?", help="the configuration file (default: that of --config)")
    parser.add_argument("--key-file", metavar="PATH", help=f"where the key is (default: what {SECRETS_KEY_FILE}= says)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--undo", action="store_true", help="write every secret in clear again")
    what.add_argument(
        "--value", nargs=2, metavar=("SECTION", "KEY"), help="encrypt one secret from standard input, print its line"
    )
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Rewrite the file, or print a line for it."""
    path = Path(options.file or options.config).absolute()
    try:
        return _protect_value(path, options) if options.value else _protect_file(path, options)
    except ConfigError as error:
        raise ConfigError(error.problems, error.path or str(path)) from error
    except (OSError, ValueError) as error:
        text = explain_error(error) if isinstance(error, OSError) else error
        print(f"radgate: {text}; nothing was changed", file=sys.stderr)
        return Exit.CONFIGURATION


def _protect_file(path: Path, options: argparse.Namespace) -> int:
    """Rewrite the configuration file, and those that it includes."""
    _check_is_main(path, Path(options.config).absolute())
    files = _files(path)
    key_file = _find_key_file(path, files[path], options.key_file)
    present = _read_key(key_file)
    if options.undo:
        rewritten = _in_clear(files, present or _no_key(key_file))
    else:
        _check_key_file(path, files[path], key_file)
        secrets_key = present or secrets.token_bytes(KEY_SIZE)
        rewritten = _encrypted(files, secrets_key, str(key_file))
        if present is None and rewritten != files:
            create_file(key_file, encode_key(secrets_key))
    try:
        _replace_all(files, rewritten)
    except OSError:
        if present is None and path.read_bytes() == files[path]:  # nothing needs the key that was made for it
            key_file.unlink()
        raise
    _tell(path, _n_encrypted(rewritten) - _n_encrypted(files), key_file)
    return Exit.OK


def _check_is_main(path: Path, usual: Path) -> None:
    """Make sure that neither the usual file nor one a folder above includes this one: [gateway] may not stand here."""
    for main in (usual, *sorted(path.parent.parent.glob("*.cfg"))):
        if main != path and main.is_file() and str(path) in _included_by(main):
            raise BadValueError(f"{path} is included by {main}, where the key is named; write: radgate protect {main}")


def _included_by(main: Path) -> list[str]:
    try:
        return included_paths(read_disk(str(main)), surroundings_of(main))
    except (OSError, ValueError):  # what cannot be read includes nothing that is ours
        return []


def _files(path: Path) -> dict[Path, bytes]:
    """Return the content of the file and of those that it includes, itself the first.

    Raises:
        ConfigError: one cannot be read.
    """
    sources = read_sources(read_configuration(str(path)), surroundings_of(path))
    if errors := [problem for problem in sources.problems if problem.is_error]:
        raise ConfigError(errors, str(path))
    return {Path(file.path or path): file.content.octets for file in sources.files}


def _encrypted(files: dict[Path, bytes], secrets_key: bytes, key_file: str) -> dict[Path, bytes]:
    """Return the files with secrets encrypted; the first names the key, and is written first, for all need it."""
    main, *included = files
    found = {
        each: _in_file(each, protect_entries, files[each], secrets_key, _nonce, "", names_key=False)
        for each in included
    }
    names_key = True if any(found[each] != files[each] for each in included) else None
    return {main: protect_entries(files[main], secrets_key, _nonce, key_file, names_key=names_key), **found}


def _in_clear(files: dict[Path, bytes], secrets_key: bytes) -> dict[Path, bytes]:
    """Return the files with secrets in clear; the first, which names the key, is written last."""
    for path in files:
        if read_disk(str(path)).is_readable_by_others:
            raise BadValueError(f"others could read the secrets in {path}; first: chmod o-r {shlex.quote(str(path))}")
    return {each: _in_file(each, reveal_entries, files[each], secrets_key) for each in reversed(files)}


def _in_file(path: Path, rewrite: Callable[..., bytes], *arguments: Any, **options: Any) -> bytes:
    """Let an error name the file that it is in."""
    try:
        return rewrite(*arguments, **options)
    except ConfigError as error:
        raise ConfigError(error.problems, str(path)) from error


def _replace_all(files: dict[Path, bytes], rewritten: dict[Path, bytes]) -> None:
    """Write all of them, or none.

    Raises:
        OSError: one cannot be written, and all are as they were.
    """
    written = []
    try:
        for path, octets in rewritten.items():
            if octets != files[path]:
                replace_file(path, octets)
                written.append(path)
    except OSError:
        for path in written:
            replace_file(path, files[path])
        raise


def _n_encrypted(files: dict[Path, bytes]) -> int:
    return sum(octets.count(SCHEME.encode()) for octets in files.values())


def _tell(path: Path, n_encrypted: int, key_file: Path) -> None:
    if n_encrypted > 0:
        print(
            f"{path}: secrets encrypted: {n_encrypted}; the key is in {key_file}: keep a copy, apart from this file's"
        )
        print("Copies of the file as it was, in backups or an editor's, still hold them in clear.")
    elif n_encrypted < 0:
        print(f"{path}: secrets in clear: {-n_encrypted}; nothing of this file needs {key_file} any more")
    else:
        print(f"{path}: nothing to do")


def _protect_value(path: Path, options: argparse.Namespace) -> int:
    section, key = (word.lower() for word in options.value)
    name = protected_key(key)
    if name is None or section_kind(section) is None:
        raise BadValueError(f"[{section}] {key} holds no secret; write --value radius_server_duo_only skey, say")
    octets = b"" if options.key_file else read_configuration(str(path)).octets
    key_file = _find_key_file(path, octets, options.key_file)
    secrets_key = _read_key(key_file) or _no_key(key_file)
    print(f"{name}={protect(_read_secret(key), section, key, secrets_key, _nonce())}")
    return Exit.OK


def _read_secret(key: str) -> bytes:
    """Return the secret from standard input, without the end of its line; a terminal does not show it."""
    if sys.stdin.isatty():
        secret = getpass.getpass(f"{key}: ").encode("utf-8", "surrogateescape")
    else:
        secret = sys.stdin.buffer.read(_MAX_SECRET).removesuffix(b"\n").removesuffix(b"\r")
    if not secret:
        raise BadValueError("standard input holds no secret")
    for slip in secret_slips(secret):
        if slip.is_error:
            raise BadValueError(f"the secret {slip.text}")
        print(f"warning: the secret {slip.text}", file=sys.stderr)
    return secret


def _find_key_file(path: Path, octets: bytes, given: str | None) -> Path:
    """Return where the key is: as given, else as the file says."""
    if given:
        return Path(given).absolute()
    if named := _named_key_file(octets):
        return Path(surroundings_of(path).resolve(named))
    raise BadValueError(f"{path} has no {SECRETS_KEY_FILE}=; write --key-file PATH, where the key is or shall be")


def _named_key_file(octets: bytes) -> str:
    entries = (section.entries.get(SECRETS_KEY_FILE) for section in parse_ini(octets)[0])
    return next((entry.value for entry in entries if entry is not None and entry.value), "")


def _check_key_file(path: Path, octets: bytes, key_file: Path) -> None:
    """Make sure that the gateway will find this key by what the file says; of `%d/` only systemd knows where it is."""
    text, named = str(key_file), _named_key_file(octets)
    if not named and (not text.isprintable() or text != text.strip()):
        raise BadValueError("the name of the key file is nothing that a line can hold; write another --key-file PATH")
    if named and not named.startswith("%d/") and Path(surroundings_of(path).resolve(named)) != key_file:
        wanted = f"write --key-file {named}, or correct {SECRETS_KEY_FILE}="
        raise BadValueError(f"{path} names another key: {named}; {wanted}")


def _read_key(key_file: Path) -> bytes | None:
    """Return the key, or None if there is no such file."""
    if not key_file.exists():
        return None
    try:
        return decode_key(read_disk(str(key_file)).octets)
    except ValueError as error:
        raise BadValueError(f"{key_file}: {error}") from error


def _no_key(key_file: Path) -> NoReturn:
    raise BadValueError(f"there is no key at {key_file}; write --key-file PATH, where it is")


def _nonce() -> bytes:
    return secrets.token_bytes(NONCE_SIZE)
