"""Values are told apart by what they hold."""

import pytest

from gateway.values import Value, contents


class Place(Value):
    __slots__ = ("host", "port")

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port


class Other(Place):
    __slots__ = ()


def test_equal_attributes_make_equal_values():
    assert Place("a", 1) == Place("a", 1)
    assert Place("a", 1) != Place("a", 2)


def test_another_class_is_another_value():
    assert Place("a", 1) != Other("a", 1)
    assert Place("a", 1) != ("a", 1)


def test_a_value_is_no_key():
    with pytest.raises(TypeError, match="unhashable type: 'Place'"):
        hash(Place("a", 1))


def test_contents_are_in_order_and_shown():
    assert list(contents(Place("a", 1)).items()) == [("host", "a"), ("port", 1)]
    assert repr(Place("a", 1)) == "Place(host='a', port=1)"
