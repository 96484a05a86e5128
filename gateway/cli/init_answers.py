"""How `radgate init` comes by its answers: from arguments, or by asking on the terminal."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gateway.config.drafting import SecretSource
from gateway.config.values import BadValueError

Value = TypeVar("Value")

QUESTIONS = {
    "mode": "What users type:\n"
    "  duo_only   only a second factor; the RADIUS client checks the password\n"
    "  auto       a password, perhaps with a factor behind it: secret,123456\n"
    "  concat     always both: secret,push\n"
    "  challenge  a password, and then the answer to a question\n"
    "Which",
    "first_factor": "Who checks passwords:\n"
    "  directory  Active Directory, or another LDAP server\n"
    "  radius     RADIUS servers\n"
    "  none       nobody here: whoever knows a name and holds the phone gets in\n"
    "Which",
    "directory": "Domain controllers, or other LDAP servers, with blanks between them (host)",
    "search_dn": "Where users are looked for, such as DC=example,DC=com (search_dn)",
    "service_account": "Account that searches it, by name or by distinguished name",
    "service_password": "Its password, not shown",
    "directory_ca": "Certificate of whoever signs the directory's: a PEM file, or system for what this\n"
    "  machine trusts; empty: without TLS",
    "group": "Group of which users must be members (security_group_dn); empty: none",
    "home": "RADIUS servers that check passwords, as HOST or HOST:PORT, blanks between\n  (host of [radius_client])",
    "home_secret": "Secret shared with them, not shown",
    "ikey": "Integration key of the Duo application (ikey)",
    "skey": "Secret key (skey), not shown",
    "api_host": "API hostname (api_host)",
    "clients": "RADIUS clients, such as your VPN: addresses, networks or ranges, with blanks between them\n"
    "  (for an AWS directory: its two DNS addresses)",
    "secret": "Secret shared with them, not shown; empty: make one",
    "failmode": "When Duo cannot be reached: safe lets people in without it, secure rejects everybody",
}


def given_or_asked(name: str, given: str | None, parse: Callable[[str], Value], default: str = "") -> Value:
    """Return the answer that an argument gives, or a person."""
    return parsed(name, given, parse) if given else ask(name, parse, default=default)


def parsed(name: str, text: str, parse: Callable[[str], Value]) -> Value:
    """Return the answer that an argument gives.

    Raises:
        BadValueError: it cannot be used; the text names the argument.
    """
    try:
        return parse(text)
    except BadValueError as error:
        raise BadValueError(f"--{name.replace('_', '-')}: {error}") from error


def ask(name: str, parse: Callable[[str], Value], *, secret: bool = False, default: str = "") -> Value:
    """Ask until the answer can be used.

    Raises:
        EOFError: nothing more can be read.
    """
    from gateway.cli.terminal import plain_console

    console = plain_console()
    question = QUESTIONS[name] + (f" [{default}]: " if default else ": ")
    while True:
        answer = console.input(question, password=secret, markup=False).strip() or default
        try:
            return parse(answer)
        except BadValueError as error:
            said = str(error)
            console.print(f"  that {said}" if said.startswith("is ") else f"  {said}", markup=False)


def file_of(text: str) -> SecretSource:
    """Return the file with a secret; its path is whole, or in systemd's folder of credentials."""
    return SecretSource(path=text if text.startswith("%d/") else str(Path(text).absolute()))


def typed_secret(text: str) -> str:
    """Return a secret that can stand in a line."""
    if not text:
        raise BadValueError("that is empty; type the secret")
    if not text.isprintable():
        raise BadValueError("it contains characters that cannot be typed; write another one")
    return text
