"""What `radgate init` asks of whoever checks passwords: a directory, or a RADIUS server."""

import argparse
from pathlib import Path

from gateway.certificates import SYSTEM
from gateway.cli.init_answers import ask, file_of, parsed, typed_secret
from gateway.config.directory_values import directory_host, dn, group_dn
from gateway.config.drafting import DirectoryDraft, FirstFactorDraft, HomeDraft, SecretSource
from gateway.config.values import BadValueError, HostPort, host_port, quoted
from gateway.config.writing import explain_error

_DIRECTORY, _RADIUS, _NONE = "directory", "radius", "none"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    group = parser.add_argument_group(
        "who checks passwords", "Not in duo_only: one of --directory, --home and --no-password."
    )
    group.add_argument(
        "--directory", metavar="HOST", action="append", help="a domain controller, or another LDAP server"
    )
    group.add_argument("--search-dn", metavar="DN", help="where users are looked for, as in DC=example,DC=com")
    group.add_argument(
        "--service-account", metavar="NAME=PATH", help="the account that searches, and the file with its password"
    )
    group.add_argument("--group", metavar="DN", help="a group of which users must be members")
    group.add_argument(
        "--directory-ca",
        metavar="PATH",
        help="the certificate of whoever signs the directory's, as PEM; without it there is no TLS",
    )
    group.add_argument(
        "--home",
        metavar="HOST[:PORT]=PATH",
        action="append",
        help="a RADIUS server, and the file with the secret shared with it",
    )

    group.add_argument(
        "--no-password", action="store_true", help="nobody here checks passwords: the RADIUS client has done so"
    )


def read_first_factor(options: argparse.Namespace, *, is_asking: bool) -> FirstFactorDraft | None:
    """Return who checks passwords; None for nobody here.

    Raises:
        BadValueError: an argument cannot be used; the text names it.
    """
    given = {"--directory": options.directory, "--home": options.home is not None, "--no-password": options.no_password}
    if len(names := [name for name, is_given in given.items() if is_given]) > 1:
        raise BadValueError(f"{' and '.join(names)}: write one of them")
    if options.directory:
        return _directory(options)
    if options.home is not None:
        return HomeDraft(tuple(map(_home, options.home)))
    if options.no_password:
        return None
    if not is_asking:
        raise BadValueError(
            "--mode: nothing says who checks passwords; write --directory HOST or --home HOST=PATH, or --no-password"
        )
    answer = ask("first_factor", _first_factor, default=_DIRECTORY)
    if answer == _DIRECTORY:
        return _directory_asked()
    return _home_asked() if answer == _RADIUS else None


def _first_factor(text: str) -> str:
    word = text.lower()
    if word not in (_DIRECTORY, _RADIUS, _NONE):
        raise BadValueError(f"{quoted(text)} is not known; write {_DIRECTORY}, {_RADIUS} or {_NONE}")
    return word


def _directory(options: argparse.Namespace) -> DirectoryDraft:
    if not options.search_dn or not options.service_account:
        raise BadValueError("--directory: write --search-dn DN and --service-account NAME=PATH, too")
    name, _, path = options.service_account.rpartition("=")
    if not name or not path:
        raise BadValueError("--service-account: write NAME=PATH, with the file that holds the password")
    return DirectoryDraft(
        tuple(parsed("directory", each, directory_host) for each in options.directory),
        parsed("search_dn", options.search_dn, dn),
        name,
        file_of(path),
        _ca_file(options.directory_ca or ""),
        parsed("group", options.group, group_dn) if options.group else "",
    )


def _directory_asked() -> DirectoryDraft:
    return DirectoryDraft(
        ask("directory", _hosts),
        ask("search_dn", dn),
        ask("service_account", _not_empty),
        SecretSource(ask("service_password", typed_secret, secret=True)),
        ask("directory_ca", _ca_file_there),
        ask("group", lambda text: group_dn(text) if text else ""),
    )


def _hosts(text: str) -> tuple[str, ...]:
    return tuple(map(directory_host, text.replace(",", " ").split())) or (directory_host(""),)


def _not_empty(text: str) -> str:
    if not text:
        raise BadValueError("that is empty; type the name")
    return text


def _ca_file(text: str) -> str:
    return text if not text or text.lower() == SYSTEM else str(Path(text).absolute())


def _ca_file_there(text: str) -> str:
    """Return its path, if somebody can read it: a slip is told at once, while there is somebody to mend it."""
    path = _ca_file(text)
    if not path or path.lower() == SYSTEM:
        return path
    try:
        is_pem = b"-----BEGIN CERTIFICATE-----" in Path(path).read_bytes()
    except OSError as error:
        raise BadValueError(f"cannot read {explain_error(error)}") from error
    if not is_pem:
        made = "openssl x509 -inform der -in FILE -out FILE.pem makes one of a .cer file"
        raise BadValueError(f"{quoted(path)} holds no certificate in PEM; {made}")
    return path


def _home(text: str) -> tuple[HostPort, SecretSource]:
    name, _, path = text.partition("=")
    if not path:
        raise BadValueError("--home: write HOST=PATH or HOST:PORT=PATH, with the file that holds the secret")
    return parsed("home", name, host_port), file_of(path)


def _home_asked() -> HomeDraft:
    homes, secret = ask("home", _homes), SecretSource(ask("home_secret", typed_secret, secret=True))
    return HomeDraft(tuple((home, secret) for home in homes))


def _homes(text: str) -> tuple[HostPort, ...]:
    return tuple(map(host_port, text.replace(",", " ").split())) or (host_port(""),)
