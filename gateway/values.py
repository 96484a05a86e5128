"""Values that hot code passes around: questions, answers, effects.

Compiled, a class of this kind costs an allocation and its attributes nothing: the compiled modules know where they
stand. That needs the class in a compiled module, marked so:

    @final
    @mypyc_attr(acyclic=True, free_list_len=1)
    class SendReply(Value):

`acyclic` keeps the garbage collector away, so nothing that a value holds may lead back to it.
"""

from typing import Final

from mypy_extensions import mypyc_attr

_ATTRIBUTES: Final = ("member_descriptor", "getset_descriptor")  # of `__slots__`, and of what mypyc makes of them


@mypyc_attr(acyclic=True)
class Value:
    """Something that is equal to another of its class with equal attributes, and is no key of a dictionary."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and contents(self) == contents(other)

    def __hash__(self) -> int:
        raise TypeError(f"unhashable type: {type(self).__name__!r}")

    def __repr__(self) -> str:
        """Show all attributes: a class that holds a secret has its own."""
        shown = ", ".join([f"{name}={value!r}" for name, value in contents(self).items()])
        return f"{type(self).__name__}({shown})"


def contents(value: Value) -> dict[str, object]:
    """Return the attributes of a value by name, in their order; compiled, its properties too."""
    kinds = vars(type(value))
    return {name: getattr(value, name) for name, kind in kinds.items() if type(kind).__name__ in _ATTRIBUTES}
