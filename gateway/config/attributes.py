"""Names of RADIUS attributes to their numbers, by a dictionary file that pyrad reads."""

import difflib
from functools import lru_cache
from pathlib import Path

from pyrad.dictionary import Dictionary

from gateway.config.values import BadValueError, quoted
from gateway.engine.rules import AttributeSettings

_FILE = Path(__file__).with_name("dictionary")
_SHORT_NAMES = {"paloalto": "PaloAlto-Client-Source-IP"}


def attribute(text: str) -> AttributeSettings:
    """Return the attribute of this name, whose letter case does not matter.

    Raises:
        BadValueError: the dictionary does not know it.
    """
    known = _attributes()
    found = known.get(_SHORT_NAMES.get(text.lower(), text).lower())
    if found is not None:
        return found
    close = difflib.get_close_matches(text.lower(), known, n=1, cutoff=0.5)
    names = known[close[0]].name if close else ", ".join(sorted(each.name for each in known.values()))
    raise BadValueError(f"{quoted(text)} is not an attribute that holds a user's address; write {names}")


@lru_cache(maxsize=1)
def _attributes() -> dict[str, AttributeSettings]:
    dictionary = Dictionary(str(_FILE))
    return {
        name.lower(): AttributeSettings(
            name=name,
            vendor=dictionary.vendors[found.vendor] if found.vendor else 0,
            kind=found.code,
            data_type=found.type,
        )
        for name, found in dictionary.attributes.items()
    }
