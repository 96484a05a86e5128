"""Who is in the directory, and what it says of a password."""

from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

PASSWORD: Final = "correct horse"


class State(Enum):
    """What else there is to say of somebody with the right password; the value is Active Directory's code for it."""

    FINE = ""
    EXPIRED = "532"
    MUST_CHANGE = "773"
    DISABLED = "533"
    ACCOUNT_EXPIRED = "701"
    LOCKED = "775"


class Person(NamedTuple):
    """A user of the directory, by the names of the groups that he is in himself."""

    name: str
    password: str = PASSWORD
    groups: tuple[str, ...] = ("staff", "vpn")
    state: State = State.FINE


SERVICE_ACCOUNT: Final = Person("radgate", "the service account's own", ("services",))
PEOPLE: Final[Sequence[Person]] = (
    Person("alice"),
    Person("bob"),
    Person("carol", state=State.EXPIRED),
    Person("dave"),
    Person("erin"),
    Person("frank", state=State.DISABLED),
    Person("grace", state=State.LOCKED),
    Person("ivan", groups=("admins",)),
    Person("judy", state=State.MUST_CHANGE),
    Person("mallory", state=State.ACCOUNT_EXPIRED),
    Person("olivia", groups=("staff",)),
    Person("trent"),
    SERVICE_ACCOUNT,
)
GROUPS: Final = {"admins": ("vpn",)}
"""Groups that are members of others."""

_WRONG_PASSWORD: Final = "52e"


def refusal(person: Person, password: str) -> str:
    """Return the code that a bind is refused with, nothing if it is not. A wrong password hides all but a lock."""
    if person.state is State.LOCKED or password == person.password:
        return person.state.value
    return _WRONG_PASSWORD
