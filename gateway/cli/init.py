"""`radgate init`: a first configuration file, from answers or from arguments."""

import argparse
import os
import pwd
import secrets
import shlex
import sys
from pathlib import Path
from typing import Any

from gateway.cli.exits import Exit
from gateway.cli.init_answers import ask, file_of, given_or_asked, parsed, typed_secret
from gateway.cli.init_first_factor import add_arguments, read_first_factor
from gateway.cli.parsers import add_command
from gateway.config.drafting import USER, Draft, SecretSource, draft_text
from gateway.config.kinds import SERVED
from gateway.config.problems import ConfigError, Problem
from gateway.config.reading import parse_settings
from gateway.config.servers import SKEY_SIZE
from gateway.config.surroundings import read_disk
from gateway.config.values import BadValueError, choice, host_port, integration_key, networks, port, quoted
from gateway.config.writing import create_file, explain_error
from gateway.engine.rules import FailMode

EPILOG = """\
examples:
  radgate init --config /etc/radgate/authproxy.cfg
      asks for everything on the terminal; secrets are not shown
  radgate init --ikey DIXXXXXXXXXXXXXXXXXX --skey-file /etc/radgate/skey --api-host api-XXXXXXXX.duosecurity.com \\
               --client 10.0.1.10 --client 10.0.2.10 --generate-secret
      for Amazon WorkSpaces: the two addresses of the directory, which share one secret with us
  radgate init ... --client 10.0.1.10=/etc/radgate/secret1 --client 10.9.0.0/16=/etc/radgate/secret2
      each client with its secret in a file; the files stay where they are
  radgate init ... --mode auto --directory dc1.example.com --directory dc2.example.com --search-dn DC=example,DC=com \\
               --service-account radgate=/etc/radgate/directory_password --directory-ca /etc/radgate/directory.pem
      a password first, which that directory checks
  radgate init ... --mode auto --home 10.0.0.5=/etc/radgate/home_secret
      a password first, which that RADIUS server checks; HOST:PORT=PATH for another port, --home again for another

Only its owner can read the file (mode 0600); where root writes it, the group of the workers' user can, too (0640), so
that the systemd unit can start all of the gateway as that user. A file that is there is never written over.

exit status: 0 written, 2 something is missing or wrong, and nothing was written.
"""
_MODES = tuple(kind.removeprefix("radius_server_") for kind in SERVED)


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    text = "write a first configuration file"
    description = "Write a first configuration file, ready for radgate check. What is not given is asked for."
    parser = add_command(subparsers, common, "init", text, description, EPILOG)
    parser.add_argument("--mode", metavar="MODE", help=f"{', '.join(_MODES)} (default: {_MODES[0]})")
    parser.add_argument("--ikey", metavar="DI…", help="integration key of the Duo application")
    parser.add_argument("--skey-file", metavar="PATH", help="the file with its secret key")
    parser.add_argument("--api-host", metavar="HOST", help="its API hostname")
    parser.add_argument(
        "--client", metavar="ADDRESS[=PATH]", action="append", help="a RADIUS client, and the file with its secret"
    )
    parser.add_argument("--generate-secret", action="store_true", help="make the secret of clients without a file")
    parser.add_argument("--failmode", metavar="MODE", help="safe or secure (default: safe)")
    parser.add_argument(
        "--user",
        metavar="NAME",
        default=USER if os.geteuid() == 0 else "",
        help=f"as whom workers run (default: {USER} if you are root; '' is nobody else)",
    )
    parser.add_argument("--port", metavar="PORT", default="1812", help="UDP port to listen on (default: 1812)")
    add_arguments(parser)
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Write the file, unless there is one."""
    path = Path(options.config).absolute()
    if os.path.exists(path):  # noqa: PTH110 -- Path's own raises where we may not look
        return _refuse(f"{path} is there already; edit it, or name another one with --config FILE")
    missing = _missing(options)
    if missing and not sys.stdin.isatty():
        return _refuse(f"without a terminal nothing can be asked; missing: {', '.join(missing)} (radgate init --help)")
    try:
        draft, has_made_secret = _draft(options)
        octets = draft_text(draft).encode()
        _, warnings = parse_settings(octets, str(path), read_disk, os.environ, os.getuid())
        create_file(path, octets, _group_of(options.user) if os.geteuid() == 0 else None)
    except BadValueError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"cannot write {explain_error(error)}")
    except ConfigError as error:
        raise ConfigError([*error.problems, Problem("", "", "nothing was written")], str(path)) from error
    for problem in warnings:
        print(problem.render(str(path)))
    _tell(path, options.user, has_made_secret=has_made_secret)
    return Exit.OK


def _refuse(text: str) -> int:
    print(f"radgate: {text}", file=sys.stderr)
    return Exit.CONFIGURATION


def _missing(options: argparse.Namespace) -> list[str]:
    """Return the arguments without which something must be asked."""
    given = {
        "--ikey": options.ikey,
        "--skey-file": options.skey_file,
        "--api-host": options.api_host,
        "--client": options.client,
    }
    missing = [name for name, value in given.items() if not value]
    if any("=" not in each for each in options.client or ()) and not options.generate_secret:
        missing.append("--client ADDRESS=PATH or --generate-secret")
    return missing


def _draft(options: argparse.Namespace) -> tuple[Draft, bool]:
    """Return what is to be written, and whether a secret was made for it.

    Raises:
        BadValueError: an argument cannot be used; the text names it.
    """
    is_asking = bool(_missing(options))
    mode_given = options.mode or ("" if is_asking else _MODES[0])
    mode = given_or_asked("mode", mode_given, _mode, _MODES[0])
    first_factor = read_first_factor(options, is_asking=is_asking) if mode != _MODES[0] else None
    ikey = given_or_asked("ikey", options.ikey, integration_key)
    secret_key = (
        file_of(options.skey_file) if options.skey_file else SecretSource(ask("skey", _secret_key, secret=True))
    )
    api_host = given_or_asked("api_host", options.api_host, _host)
    clients, has_made_secret = _clients(options)
    fail_mode_given = options.failmode or ("" if is_asking else FailMode.SAFE.value)
    fail_mode = given_or_asked("failmode", fail_mode_given, choice(FailMode), FailMode.SAFE.value)
    draft = Draft(
        ikey,
        secret_key,
        api_host,
        clients,
        fail_mode.value,
        parsed("port", options.port, port),
        options.user,
        mode,
        first_factor,
    )
    return draft, has_made_secret


def _mode(text: str) -> str:
    name = text.lower()
    if name not in _MODES:
        raise BadValueError(f"{quoted(text)} is not known; write {', '.join(_MODES[:-1])} or {_MODES[-1]}")
    return name


def _clients(options: argparse.Namespace) -> tuple[tuple[tuple[str, SecretSource], ...], bool]:
    """Return each client with its secret, and whether one was made, which those without a file share."""
    given = [each.partition("=") for each in options.client or ask("clients", _addresses)]
    common, has_made_secret = SecretSource(), False
    if any(not path for _, _, path in given):
        text = "" if options.generate_secret else ask("secret", _shared_secret, secret=True)
        common, has_made_secret = SecretSource(text or secrets.token_hex(16)), not text
    addresses = [(parsed("client", address, _address), path) for address, _, path in given]
    return tuple((address, file_of(path) if path else common) for address, path in addresses), has_made_secret


def _secret_key(text: str) -> str:
    if len(text) != SKEY_SIZE:
        raise BadValueError(f"that has {len(text)} characters instead of {SKEY_SIZE}; copy it from Duo's admin panel")
    return text


def _shared_secret(text: str) -> str:
    return typed_secret(text) if text else ""


def _host(text: str) -> str:
    host_port(text)
    return text


def _address(text: str) -> str:
    networks(text)
    return text


def _addresses(text: str) -> list[str]:
    addresses = text.replace(",", " ").split()
    if not addresses:
        raise BadValueError("write at least one, such as 10.0.1.10")
    return [_address(each) for each in addresses]


def _group_of(user: str) -> int | None:
    """Return the number of a user's own group; None if there is no such user."""
    try:
        return pwd.getpwnam(user).pw_gid
    except KeyError:
        return None


def _tell(path: Path, user: str, *, has_made_secret: bool) -> None:
    print(f"{path} is written.")
    if has_made_secret:
        print("A shared secret was made: radius_secret_1 in that file. Put it into the RADIUS client's settings.")
    option = f"--config {shlex.quote(str(path))}"
    print("Next:")
    if user and _group_of(user) is None:
        print(f"  useradd --system {user}   make the user as whom workers run; there is none of this name yet")
    print(f"  radgate check --connect {option}      is all of it right, does Duo answer?")
    print(f"  radgate run {option}                  serve; or as a service: systemctl enable --now radgate")
    print(f"  radgate login USER push {option}      try a login")
