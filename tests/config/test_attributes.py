"""Names of attributes."""

import pytest

from gateway.config.attributes import attribute
from gateway.config.values import BadValueError
from gateway.engine.rules import CALLING_STATION_ID


def test_the_default_is_what_the_dictionary_says():
    assert attribute("Calling-Station-Id") == CALLING_STATION_ID


@pytest.mark.parametrize("name", ["paloalto", "PaloAlto-Client-Source-IP", "PALOALTO-client-source-ip"])
def test_a_vendors_attribute_has_its_vendors_number(name):
    found = attribute(name)
    assert (found.vendor, found.kind, found.data_type) == (25461, 7, "string")


def test_a_mistyped_name_is_answered_with_the_known_one():
    with pytest.raises(BadValueError, match="write Calling-Station-Id"):
        attribute("Caling-Station-ID")


def test_an_unknown_name_is_answered_with_all_known_ones():
    with pytest.raises(BadValueError, match="write Called-Station-Id, Calling-Station-Id"):
        attribute("zzzz")
