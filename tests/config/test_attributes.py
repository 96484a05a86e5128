"""Names of attributes."""

import pytest

from gateway.config.attributes import attribute, may_hold_address, passed_attributes
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


def test_an_unknown_name_is_answered_with_all_that_hold_addresses():
    with pytest.raises(
        BadValueError, match=r"write Called-Station-Id, Calling-Station-Id, .*, or Attr-TYPE, or Attr-26"
    ):
        attribute("zzzz")


@pytest.mark.parametrize(
    ("name", "vendor", "kind", "data_type"),
    [
        ("class", 0, 25, "octets"),
        ("Cisco-AVPair", 9, 1, "string"),
        ("Connect-Info", 0, 77, "string"),
        ("Attr-4", 0, 4, "ipaddr"),
        ("attr-26.25461.7", 25461, 7, "string"),
        ("Attr-26.3845.2", 3845, 2, "octets"),
    ],
)
def test_whatever_has_a_name_or_a_number_may_hold_an_address(name, vendor, kind, data_type):
    found = attribute(name)
    assert (found.vendor, found.kind, found.data_type) == (vendor, kind, data_type)


@pytest.mark.parametrize("text", ["Attr-0", "Attr-256", "Attr-26.9.0", "Vendor-9-Attr-1", "Attr-26"[:4], "Client-IP?"])
def test_what_is_no_attribute_is_refused(text):
    with pytest.raises(BadValueError, match="is no attribute that is known here"):
        attribute(text)


@pytest.mark.parametrize(
    ("text", "does"),
    [("Called-Station-Id", True), ("Framed-IP-Address", True), ("Attr-26.3845.2", True), ("Attr-31", True)]
    + [(name, False) for name in ("Class", "User-Name", "NAS-Port", "Cisco-AVPair", "Attr-25")],
)
def test_what_usually_holds_no_address(text, does):
    assert may_hold_address(attribute(text)) is does


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Class", {(0, 25)}),
        ("class,FILTER-ID", {(0, 25), (0, 11)}),
        ("Class, Filter-Id  Cisco-AVPair,", {(0, 25), (0, 11), (9, 1)}),
        ("Fortinet-Group-Name", {(12356, 1)}),
        ("PaloAlto-User-Group", {(25461, 5)}),
        ("Citrix-User-Groups", {(66, 16)}),
        ("Juniper-Local-User-Name", {(2636, 1)}),
        ("Aruba-User-Role", {(14823, 1)}),
        ("F5-LTM-User-Role", {(3375, 1)}),
        ("CP-Gaia-User-Role", {(2620, 229)}),
        ("pfSense-Bandwidth-Max-Up", {(13644, 1)}),
        ("MS-MPPE-Send-Key", {(311, 16)}),
        ("Attr-26.9.1, attr-25", {(9, 1), (0, 25)}),
    ],
)
def test_names_of_attributes_that_are_passed_on(text, kinds):
    assert passed_attributes(text) == kinds


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("Clas", "write Class, or Attr-TYPE"),
        ("Class, Cisco-AVPiar", "write Cisco-AVPair, or"),
        ("zzzzzzzz", "write a name as FreeRADIUS has it, or Attr-TYPE"),
        ("Attr-0", "Attr-26.VENDOR.TYPE"),
        ("Attr-26.9.256", "Attr-26.VENDOR.TYPE"),
        (" , ", "names no attribute"),
    ],
)
def test_a_name_that_is_not_known_is_answered_with_what_to_write(text, instead):
    with pytest.raises(BadValueError, match=instead):
        passed_attributes(text)
