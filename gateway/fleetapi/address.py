"""Where the store is: `rediss://radgate@redis.example.net:6379/0`, and the other forms that are written for it.

    redis://USER@HOST:PORT/DATABASE        rediss:// the same with TLS
    unix://USER@/PATH?db=DATABASE          a socket on this machine
    redis+sentinel://USER@HOST:PORT/MASTER/DATABASE    rediss+sentinel:// the same with TLS

User, port (6379, Sentinel's 26379) and database (0) may be left out. Several stand with commas between them.
"""

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from gateway.brackets import with_port

PORT: Final = 6379
SENTINEL_PORT: Final = 26379
EXAMPLE: Final = "rediss://radgate@redis.example.net:6379/0"

_SCHEMES: Final = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?")
_IPV6: Final = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9_.-]+)?")


class BadAddressError(ValueError):
    """This is no address of a store; the text says what to write instead, and repeats no password."""


class StoreAddress(NamedTuple):
    """One place to look for the store.

    Attributes:
        host: a name or an address without brackets; "" for a socket.
        path: of a socket on this machine, else "".
        user: for AUTH, "" for the default one.
        master: the name by which a Sentinel, which is who answers there, knows the master; "" where the store answers.
    """

    host: str
    port: int
    path: str = ""
    user: str = ""
    database: int = 0
    is_tls: bool = False
    master: str = ""

    def __str__(self) -> str:
        """For people: without user and database."""
        if self.path:
            return self.path
        return with_port(self.host, self.port)

    def moved(self, host: bytes, port: bytes) -> "StoreAddress | None":
        """Return where the master is that a Sentinel has told; None if that cannot be a place."""
        name = host.decode("ascii", "replace")
        if not (_HOST_NAME.fullmatch(name) or _IPV6.fullmatch(name)) or not _is_port(port.decode("ascii", "replace")):
            return None
        return self._replace(host=name, port=int(port), master="")


def parse_addresses(text: str) -> list[StoreAddress]:
    """Return the addresses of a list with commas, one at least.

    Raises:
        BadAddressError: one of them is none, or they are not of one store.
    """
    addresses = [parse_address(part.strip()) for part in text.split(",")]
    if len({address.database for address in addresses}) > 1:
        raise BadAddressError("the addresses name different databases, which are different stores; name one")
    if len(set(addresses)) != len(addresses):
        raise BadAddressError("one address stands there twice; remove one")
    return addresses


def parse_address(text: str) -> StoreAddress:
    """Return what one address says.

    Raises:
        BadAddressError: it is none.
    """
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _SCHEMES:
        known = ", ".join(f"{each}://" for each in _SCHEMES)
        raise BadAddressError(f"an address of the store begins with one of {known}; write {EXAMPLE}, say")
    rest, _, fragment = rest.partition("#")
    if fragment or any(character.isspace() or not character.isprintable() for character in rest):
        raise BadAddressError(f"an address has neither # nor blanks; write {EXAMPLE}, say")
    user, rest = _split_user(rest)
    if scheme == "unix":
        return _unix(user, rest)
    if "?" in rest:
        raise BadAddressError(f"nothing may stand behind ?; write {EXAMPLE}, say")
    where, _, path = rest.partition("/")
    is_sentinel = scheme.endswith("+sentinel")
    host, port = _host_and_port(where, SENTINEL_PORT if is_sentinel else PORT)
    master = ""
    if is_sentinel:
        master, _, path = path.partition("/")
        if not master:
            raise BadAddressError(
                f"behind a Sentinel's address stands the master's name; write {scheme}://{where}/mymaster, say"
            )
    return StoreAddress(host, port, "", user, _database(path), scheme.startswith("rediss"), unquote(master))


def _split_user(rest: str) -> tuple[str, str]:
    """Split the user from what follows: what stands before the last @."""
    user, separator, behind = rest.rpartition("@")
    if not separator:
        return "", rest
    if ":" in user:
        raise BadAddressError("a password does not stand in an address; put it into a file: engine_password_file=PATH")
    if not user or "/" in user:
        raise BadAddressError(f"before @ stands a user's name; write {EXAMPLE}, say; in a path write %40 for @")
    return unquote(user), behind


def _unix(user: str, rest: str) -> StoreAddress:
    path, separator, query = rest.partition("?")
    if not path.startswith("/"):
        raise BadAddressError("a socket has an absolute path; write unix:///run/redis/redis.sock, say")
    if separator and not query.startswith("db="):
        raise BadAddressError("behind ? there may only be the database; write unix:///run/redis/redis.sock?db=1, say")
    return StoreAddress("", 0, unquote(path), user, _database(query.removeprefix("db=")))


def _host_and_port(where: str, default: int) -> tuple[str, int]:
    if where.startswith("["):
        host, closed, behind = where[1:].partition("]")
        if not closed or not _IPV6.fullmatch(host) or (behind and not behind.startswith(":")):
            raise BadAddressError("an IPv6 address stands in brackets; write redis://[2001:db8::5]:6379, say")
        return host, _port(behind[1:], default) if behind else default
    if where.count(":") > 1:
        raise BadAddressError(f"an IPv6 address stands in brackets; write redis://[{where}]:{default}, say")
    host, separator, port = where.partition(":")
    if not _HOST_NAME.fullmatch(host):
        raise BadAddressError(f"there is no host's name or address; write {EXAMPLE}, say")
    return host, _port(port, default) if separator else default


def _port(text: str, default: int) -> int:
    if not _is_port(text):
        raise BadAddressError(f"a port is a number from 1 to 65535; write {default}, or leave it out")
    return int(text)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5 and 0 < int(text) <= 65_535


def _database(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= 5):
        raise BadAddressError(f"the database is a number, mostly 0; write {EXAMPLE}, say")
    return int(text)
