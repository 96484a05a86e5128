"""Which networks lie within which: two of them are apart, or one contains the other."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from gateway.config.values import Network

Item = TypeVar("Item")


def nested(items: Iterable[Item], network_of: Callable[[Item], Network]) -> Iterator[tuple[Item, list[Item]]]:
    """Yield each item with those whose networks are around its own, the widest first; the list is the walk's own.

    One walk in the order of their first addresses will do, with a stack of those around the present one: the cost grows
    with n log n, and the stack is as deep as networks are nested.
    """
    around: list[Item] = []
    for item in sorted(items, key=lambda each: _place(network_of(each))):
        while around and not _contains(network_of(around[-1]), network_of(item)):
            around.pop()
        yield item, around
        around.append(item)


def _place(network: Network) -> tuple[int, int, int]:
    """Return what puts a network behind all that contain it."""
    return network.version, int(network.network_address), network.prefixlen


def _contains(outer: Network, inner: Network) -> bool:
    """Whether a network that comes later in the order lies within this one."""
    return outer.version == inner.version and int(inner.network_address) <= int(outer.broadcast_address)
