"""Names of RADIUS attributes to their numbers, by a dictionary file that pyrad reads."""

import difflib
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.config.scope import Scope
from gateway.config.values import TRUE, BadValueError, quoted
from gateway.engine.rules import CALLING_STATION_ID, AttributeSettings
from gateway.radius.attributes import AttributeKind

if TYPE_CHECKING:
    from pyrad.dictionary import Dictionary

_FILE = Path(__file__).with_name("dictionary")
_SHORT_NAMES = {"paloalto": "PaloAlto-Client-Source-IP"}
_WITH_ADDRESSES = (
    *("NAS-IP-Address", "Framed-IP-Address", "Login-IP-Host", "Called-Station-Id", "Calling-Station-Id"),
    *("NAS-Identifier", "Tunnel-Client-Endpoint", "NAS-IPv6-Address", "Login-IPv6-Host", "Framed-IPv6-Address"),
    *("MS-User-IPv4-Address", "MS-User-IPv6-Address", "Fortinet-Client-IP-Address", "PaloAlto-Client-Source-IP"),
)
_BY_NUMBER = re.compile(r"attr-(?:26\.([0-9]{1,8})\.)?([0-9]{1,3})", re.IGNORECASE | re.ASCII)
_AS_NUMBER = "Attr-TYPE, or Attr-26.VENDOR.TYPE for one of a vendor's"
_MAX_KIND = 255


def attribute(text: str) -> AttributeSettings:
    """Return the attribute of this name or number, which may hold a user's address; letter case does not matter.

    Raises:
        BadValueError: it is not known.
    """
    if text == CALLING_STATION_ID.name:
        return CALLING_STATION_ID  # the default: most files start sooner without the dictionary
    found = _find(_SHORT_NAMES.get(text.lower(), text))
    if found is not None:
        return found
    known = {name.lower(): name for name in _WITH_ADDRESSES}
    close = difflib.get_close_matches(text.lower(), known, n=1, cutoff=0.5)
    names = known[close[0]] if close else ", ".join(sorted(known.values()))
    raise BadValueError(f"{quoted(text)} is no attribute that is known here; write {names}, or {_AS_NUMBER}")


def may_hold_address(found: AttributeSettings) -> bool:
    """Whether an attribute holds a user's address at some RADIUS clients, as far as is known."""
    return found.name in _WITH_ADDRESSES or found.name.lower() not in known_attributes()


def passed_attributes(text: str) -> frozenset[AttributeKind]:
    """Return which attributes a list of names means, with commas or blanks between them; letter case does not matter.

    What the dictionary does not have is named as FreeRADIUS does: `Attr-26.9.1` is Cisco's first, `Attr-25` is Class.

    Raises:
        BadValueError: a name is not known, or there is none.
    """
    names = _names_in(text)
    if names == [""]:
        raise BadValueError("names no attribute; write names with commas between them, or remove the line")
    return frozenset(map(_passed_attribute, names))


def check_passed(
    scope: Scope, is_never_passed: Callable[[AttributeKind], bool], beside_all: frozenset[AttributeKind] = frozenset()
) -> None:
    """Warn of names in a section's list that have no effect.

    Args:
        scope: the section.
        is_never_passed: whether an attribute stays behind in any case.
        beside_all: what the list adds where everything is passed on.
    """
    listed, has_all = scope.own().entries("pass_through_attr_names"), scope.own().entries("pass_through_all")
    for entry in listed:
        try:
            kinds = {name: _passed_attribute(name) for name in _names_in(entry.value)}
        except BadValueError:
            continue  # told when it was read
        if never := [name for name, kind in kinds.items() if is_never_passed(kind)]:
            scope.warn(entry, f"{', '.join(never)} never goes on, whatever a section says; remove it")
        if any(each.value.lower() in TRUE for each in has_all) and beside_all.isdisjoint(kinds.values()):
            scope.warn(entry, "has no effect beside pass_through_all=true; remove one of the two")


def _names_in(text: str) -> list[str]:
    return re.split(r"[\s,]+", text.strip(" \t,"))


def _passed_attribute(name: str) -> AttributeKind:
    found = _find(name)
    if found is not None:
        return AttributeKind(found.vendor, found.kind)
    close = difflib.get_close_matches(name.lower(), known_attributes(), n=1, cutoff=0.5)
    instead = known_attributes()[close[0]].name if close else "a name as FreeRADIUS has it"
    raise BadValueError(f"{quoted(name)} is no attribute that is known here; write {instead}, or {_AS_NUMBER}")


def _find(name: str) -> AttributeSettings | None:
    """Return the attribute of this name, or of the numbers that stand for one: those without a name hold octets."""
    number = _BY_NUMBER.fullmatch(name)
    if number is None:
        return known_attributes().get(name.lower())
    vendor, kind = int(number[1] or 0), int(number[2])
    if not 1 <= kind <= _MAX_KIND:
        return None
    named = (each for each in known_attributes().values() if (each.vendor, each.kind) == (vendor, kind))
    return next(named, AttributeSettings(name=name, vendor=vendor, kind=kind, data_type="octets"))


def vendor_name(number: int) -> str:
    """Return what the dictionary calls a vendor that it has."""
    return str(_dictionary().vendors.GetBackward(number))


@lru_cache(maxsize=1)
def known_attributes() -> dict[str, AttributeSettings]:
    """Return all of the dictionary by their names in lower case, in its order."""
    dictionary = _dictionary()
    return {
        name.lower(): AttributeSettings(
            name=name,
            vendor=dictionary.vendors[found.vendor] if found.vendor else 0,
            kind=found.code,
            data_type=found.type,
        )
        for name, found in dictionary.attributes.items()
    }


@lru_cache(maxsize=1)
def _dictionary() -> "Dictionary":
    from pyrad.dictionary import Dictionary  # only here: 10 ms, and as much to read the file

    return Dictionary(str(_FILE))
