"""Parsers of single values: text -> typed value, or a `BadValueError` whose text says what to write instead."""

import re
from collections.abc import Callable
from enum import Enum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
    summarize_address_range,
)
from typing import NamedTuple, TypeVar

from gateway.config.slips import not_ascii, with_odd_character
from gateway.engine.rules import RequireMessageAuthenticator

Network = IPv4Network | IPv6Network
Word = TypeVar("Word", bound=Enum)

TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_MAPPED_IPV4 = IPv6Network("::ffff:0:0/96")
_SIZE_UNITS = {"k": 2**10, "m": 2**20, "g": 2**30}
_LARGEST_LOG = 2**40  # octets
_FACILITIES = frozenset(
    {"KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV", "FTP"}
    | {f"LOCAL{number}" for number in range(8)}
)

_INTEGER = re.compile("[0-9]{1,18}")
_DECIMAL = re.compile("[0-9]{1,9}([.][0-9]{1,9})?")
_SIZE = re.compile("([0-9]{1,9}) ?([kmg])i?b?", re.IGNORECASE)
_SCHEME = re.compile("https?://", re.IGNORECASE | re.ASCII)
_LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}([.]{_LABEL})*", re.IGNORECASE | re.ASCII)
_BRACKETED = re.compile(r"\[([^\]]*)\](?::(.*))?")
_ADDRESS_LIKE = re.compile("[0-9a-f.:/, -]+", re.IGNORECASE | re.ASCII)
_IKEY = re.compile("[A-Za-z0-9]{20}")
_PASSWORDS = ("\\x42\\u0042", "xn--bcher-kva", "".join(map(chr, range(0x20, 0x7F))))
_NATIONAL = str.maketrans({"¥": "\\", "₩": "\\", "‾": "~"})  # what Japan and Korea write in the place of two signs
_HARMLESS = re.compile(r"""[\w.:/\\,%+\[\]"' -]+""")


class BadValueError(ValueError):
    """The value cannot be used; the text says why and what to write instead."""


class HostPort(NamedTuple):
    """A host name or address, and the port if one is given."""

    host: str
    port: int | None


def boolean(text: str) -> bool:
    """Return the truth of true, 1, yes, on and false, 0, no, off."""
    word = text.lower()
    if word in TRUE:
        return True
    if word in _FALSE:
        return False
    raise BadValueError(f"{quoted(text)} is neither true nor false; write true or false")


def choice(words: type[Word]) -> Callable[[str], Word]:
    """Return the parser of an enumeration's words, in any letter case."""

    def parse(text: str) -> Word:
        try:
            return words(text.lower())
        except ValueError:
            *others, last = (word.value for word in words)
            raise BadValueError(f"{quoted(text)} is not known; write {', '.join(others)} or {last}") from None

    return parse


def message_authenticator_rule(text: str) -> RequireMessageAuthenticator:
    """Return yes, no or auto; true and false are understood too."""
    if text.lower() == "auto":
        return RequireMessageAuthenticator.AUTO
    try:
        return RequireMessageAuthenticator.YES if boolean(text) else RequireMessageAuthenticator.NO
    except BadValueError:
        raise BadValueError(f"{quoted(text)} is not known; write yes, no or auto") from None


def integer(low: int, high: int) -> Callable[[str], int]:
    """Return the parser of a whole number from `low` to `high`."""

    def parse(text: str) -> int:
        is_number = _INTEGER.fullmatch(text) is not None
        if is_number and low <= int(text) <= high:
            return int(text)
        what = "is out of range" if is_number else "is no number"
        raise BadValueError(f"{quoted(text)} {what}; write a whole number from {low} to {high}")

    return parse


def seconds(high: int, low: float = 0) -> Callable[[str], float]:
    """Return the parser of seconds from `low` to `high`, with a fraction or without."""

    def parse(text: str) -> float:
        is_number = _DECIMAL.fullmatch(text) is not None
        if is_number and low <= float(text) <= high:
            return float(text)
        what = "is out of range" if is_number else "is no number"
        raise BadValueError(f"{quoted(text)} {what}; write seconds from {low:g} to {high}, without a unit")

    return parse


def seconds_or_0(low: float, high: int) -> Callable[[str], float]:
    """Return the parser of seconds from `low` to `high`, or 0, which says that there is none."""

    def parse(text: str) -> float:
        found = seconds(high)(text)
        if 0 < found < low:
            raise BadValueError(f"{quoted(text)} is too short for anybody to answer; write 0, or {low:g} to {high}")
        return found

    return parse


port = integer(1, 65535)


def workers(text: str) -> int:
    """Return the number of workers, 0 for `auto`."""
    if text.lower() == "auto":
        return 0
    try:
        return integer(1, 1024)(text)
    except BadValueError as error:
        raise BadValueError(f"{error}, or auto") from None


def log_size(text: str) -> int:
    """Return a number of octets; what has a unit is refused with the number to write."""
    size = _SIZE.fullmatch(text)
    n_octets = int(size[1]) * _SIZE_UNITS[size[2].lower()] if size else 0
    if 0 < n_octets <= _LARGEST_LOG:
        raise BadValueError(f"{quoted(text)} has a unit; write bytes: {n_octets}")
    return integer(0, _LARGEST_LOG)(text)


def facility(text: str) -> str:
    """Return a syslog facility as `LOG_USER`; `user` is understood too."""
    name = text.upper().removeprefix("LOG_")
    if name not in _FACILITIES:
        raise BadValueError(
            f"{quoted(text)} is not a syslog facility; write LOG_USER, LOG_DAEMON, LOG_AUTH, LOG_LOCAL0 …"
        )
    return f"LOG_{name}"


def codec(text: str) -> str:
    """Return the name of a character set in which a password can be read: the letters of `push` are those of ASCII."""
    if odd := not_ascii(text):  # some are passed over when a codec is looked for
        raise BadValueError(f"holds a character that does not belong there, {odd}; type the name anew")
    try:
        "".encode(text)
    except (LookupError, ValueError):
        raise BadValueError(f"{quoted(text)} is not a known character set; write utf-8, latin-1, cp1252 …") from None
    if not all(_reads(text, sample) for sample in _PASSWORDS):
        raise BadValueError(
            f"{quoted(text)} cannot read a password such as push or 123456; write utf-8, latin-1, cp1252, cp932 …"
        )
    return text.lower()


def _reads(codec: str, ascii_text: str) -> bool:
    try:
        return ascii_text.encode("ascii").decode(codec).translate(_NATIONAL) == ascii_text
    except ValueError:
        return False


def plain(text: str) -> str:
    """Return the text as it is."""
    return text


def integration_key(text: str) -> str:
    """Return an ikey. The value is not shown: it is often the skey that was pasted here."""
    if len(text) != 20:
        raise BadValueError(
            f"an integration key has 20 characters and starts with DI, this one has {len(text)}"
            + (": it may be the skey" if len(text) == 40 else "; copy it again from Duo's admin panel")
        )
    if not _IKEY.fullmatch(text):
        raise BadValueError(
            "an integration key consists of letters and digits only; copy it again from Duo's admin panel"
        )
    return text


def address(text: str) -> str:
    """Return an IPv4 or IPv6 address to listen on in its usual form."""
    found = as_address(text)
    if found is None:
        raise BadValueError(f"{quoted(text)} is not an address; write one of this machine's, such as 10.0.0.5")
    if why := _why_deaf(found):
        raise BadValueError(f"{quoted(text)} {why}; write one of this machine's addresses, such as 10.0.0.5")
    return str(found)


def _why_deaf(found: IPv4Address | IPv6Address) -> str:
    """Return why nobody can be served at an address; empty if that is not known of it."""
    if found.is_multicast:
        return "is a multicast address, from which nothing can be answered"
    if found == IPv4Address("255.255.255.255"):
        return "is the broadcast address, from which nothing can be answered"
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        return f"is {found.ipv4_mapped} in IPv6 form, at which nothing arrives"
    if isinstance(found, IPv6Address) and found.is_link_local and not found.scope_id:
        return f"is only valid on one link and does not say which, as in {found}%eth0"
    return ""


def host(text: str) -> str:
    """Return a host name or address without port, scheme or path."""
    found = host_port(text)
    if found.port is not None:
        raise BadValueError(f"{quoted(text)} has a port; write only the host, and the port in the key for it")
    return found.host


def host_port(text: str, example: str = "host.example.com") -> HostPort:
    """Split `host`, `host:port`, `[IPv6]`, `[IPv6]:port` or a bare IPv6 address; the host in lower case.

    `example` is what a name may look like.
    """
    if scheme := _SCHEME.match(text):
        raise BadValueError(
            f"{quoted(text)} is an address of a web page; remove {scheme[0]} and write only the host name"
        )
    if "@" in text:
        raise BadValueError("the value has a user name before @, which is not supported; write only the host name")
    if "/" in text:
        raise BadValueError(f"{quoted(text)} has a path; write only the host name, without / and what follows")
    if bracketed := _BRACKETED.fullmatch(text):
        return HostPort(_ipv6_address(bracketed[1]), None if bracketed[2] is None else port(bracketed[2]))
    if text.count(":") > 1:
        return HostPort(_ipv6_address(text), None)
    name, colon, number = text.partition(":")
    return HostPort(_host_name(name, example), port(number) if colon else None)


def listening_address(text: str) -> HostPort | None:
    """Return an address of this machine or `localhost`, and a port, which may be 0; None for `off`."""
    if text.lower() == "off":
        return None
    name, colon, number = text.rpartition(":")
    found = host_port(name) if colon and number == "0" else host_port(text)
    if found.port is None and number != "0":
        raise BadValueError(f"{quoted(text)} has no port; write host:port, such as 127.0.0.1:8480, or off")
    if found.host != "localhost":
        address(found.host)
    return found._replace(port=found.port or 0)


def is_loopback(name: str) -> bool:
    """Whether only this machine can reach a listener there."""
    found = as_address(name)
    return name == "localhost" if found is None else found.is_loopback


def networks(text: str) -> tuple[Network, ...]:
    """Return the fewest networks that cover exactly an address, a network in CIDR form or a range `FIRST-LAST`."""
    try:
        found = _range(text) if "-" in text else (ip_network(text, strict=False),)
    except (ValueError, TypeError):
        shown = quoted(text) if _ADDRESS_LIKE.fullmatch(text) else "the value"  # which may be the secret, swapped
        raise BadValueError(
            f"{shown} is neither address, network nor range; write 10.0.0.1, 10.0.0.0/24 or 10.0.0.1-10.0.0.9 "
            f"(lower one first), one to a key; names are not resolved{with_odd_character(text)}"
        ) from None
    if any(isinstance(network, IPv6Network) and network.subnet_of(_MAPPED_IPV4) for network in found):
        raise BadValueError(f"{quoted(text)} is an IPv4 address in IPv6 form; write it as IPv4")
    return found


def has_host_bits(text: str) -> bool:
    """Whether a valid network is written with an address inside it, as in `10.0.0.1/24`."""
    if "/" not in text:
        return False
    interface = ip_interface(text)
    return interface.ip != interface.network.network_address


def quoted(text: str, most: int = 64) -> str:
    """Return the value for a problem's text, or only `the value` if something else may have slipped into it."""
    return f"'{text}'" if len(text) <= most and _HARMLESS.fullmatch(text) else "the value"


def quoted_name(text: str) -> str:
    """Return a user's name likewise, which may be an address of mail."""
    return f"'{text}'" if quoted(text.replace("@", "-")).startswith("'") else quoted(text)


def _range(text: str) -> tuple[Network, ...]:
    first, last = (ip_address(end.strip()) for end in text.split("-", 1))
    if isinstance(first, IPv4Address) and isinstance(last, IPv4Address):
        return tuple(summarize_address_range(first, last))
    if isinstance(first, IPv6Address) and isinstance(last, IPv6Address):
        return tuple(summarize_address_range(first, last))
    raise BadValueError("the ends differ in kind")


def _ipv6_address(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except ValueError:
        raise BadValueError(
            f"{quoted(text)} is not an IPv6 address; write a host name, an address, or [address]:port"
        ) from None


def _host_name(text: str, example: str) -> str:
    text = text.removesuffix(".")  # the root, which certificates do not name
    is_number = text.rpartition(".")[2].isdigit()
    if is_number and not isinstance(as_address(text), IPv4Address):
        raise BadValueError(f"{quoted(text)} is not an address; write a host name or four numbers from 0 to 255")
    if not _HOST_NAME.fullmatch(text):
        raise BadValueError(f"{quoted(text)} is not a host name; write it as in {example}")
    return text.lower()


def as_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address as a value; None for what is none."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_utf8(octets: bytes) -> bool:
    """Whether these are text in UTF-8."""
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True
