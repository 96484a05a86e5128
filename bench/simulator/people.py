"""The users of the simulated Duo: what they own, what Duo's policies say about them and how they answer a push."""

import hashlib
from enum import StrEnum

import msgspec

Capabilities = tuple[str, ...]

EVERYTHING: Capabilities = ("auto", "push", "sms", "phone", "mobile_otp")
WITHOUT_SMS: Capabilities = ("auto", "push", "phone", "mobile_otp")


class Status(StrEnum):
    """What Duo knows and decides about a user before any second factor."""

    ACTIVE = "active"
    BYPASS = "bypass"
    DISABLED = "disabled"
    LOCKED_OUT = "locked_out"
    NOT_ENROLLED = "not_enrolled"
    DENIED_BY_POLICY = "denied_by_policy"  # unknown to Duo, and the new-user policy denies
    NO_ACCESS = "no_access"  # the application's user access is off for this user


class Answer(StrEnum):
    """How somebody reacts to a push or a phone call."""

    APPROVE = "approve"
    DENY = "deny"
    FRAUD = "fraud"
    TIMEOUT = "timeout"
    PERSON = "person"  # somebody decides on the control page


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A phone with capabilities, or a token without."""

    device: str
    type: str = "phone"
    name: str = ""
    number: str = ""
    capabilities: Capabilities = ()

    def can(self, factor: str) -> bool:
        """Whether this device serves `push`, `phone` or `sms`."""
        return factor in self.capabilities


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One user as set up; what happens to an account later is kept by the cloud.

    Attributes:
        passcodes: good any number of times, so that a load run can use them.
        bypass_codes: good once each.
        passcodes_allowed: False = the policy forbids passcodes, and a right one is called incorrect.
        answer_after_s: from push or phone call to the answer.
        expires_after_s: how long a push or call waits for an answer; None = the cloud's setting.
    """

    username: str
    status: Status = Status.ACTIVE
    devices: tuple[Device, ...] = ()
    passcodes: tuple[str, ...] = ()
    bypass_codes: tuple[str, ...] = ()
    passcodes_allowed: bool = True
    answer: Answer = Answer.APPROVE
    answer_after_s: float = 0.3
    expires_after_s: float | None = None


def default_cast() -> tuple[Person, ...]:
    """The users that the demo, the tests and the documentation speak of."""
    return (
        _active("alice"),
        _active("bob", answer=Answer.DENY),
        _active("carol", answer=Answer.TIMEOUT, expires_after_s=1.0),
        _active("dave", devices=(phone("dave", 1), phone("dave", 2, WITHOUT_SMS))),
        _active("erin", status=Status.BYPASS),
        _active("frank", status=Status.DISABLED),
        _active("grace", status=Status.LOCKED_OUT),
        Person("heidi", status=Status.NOT_ENROLLED),
        _active("ivan", passcodes_allowed=False),
        _active("judy", status=Status.NO_ACCESS),
        _active("mallory", answer=Answer.FRAUD),
        _active("trent", answer=Answer.PERSON),
        Person("olivia", devices=(token("olivia"),), passcodes=("654321",)),
        _active("ユーザー"),
        _active("josé"),
    )


def phone(username: str, ordinal: int = 1, capabilities: Capabilities = EVERYTHING) -> Device:
    """The `ordinal`-th phone of a user, with an id that stays the same from run to run."""
    digits = int(_digest(username, str(ordinal)), 16) % 9000 + 1000
    return Device(
        device=_identity("DP", username, f"phone{ordinal}"),
        name="" if ordinal == 1 else f"Phone {ordinal}",
        number=f"XXX-XXX-{digits}",
        capabilities=capabilities,
    )


def token(username: str) -> Device:
    """A hardware token: shows passcodes, receives nothing."""
    return Device(device=_identity("DH", username, "token"), type="token", name="0")


def user_id(username: str) -> str:
    """Duo's own name for a user, the same from run to run."""
    return _identity("DU", username, "user")


def read_people(text: bytes) -> tuple[Person, ...]:
    """The users of a JSON file: a list of objects with the fields of `Person`.

    Raises:
        ValueError: not such a list; the text names the place.
    """
    return msgspec.json.decode(text, type=tuple[Person, ...])


def _active(
    username: str,
    *,
    status: Status = Status.ACTIVE,
    devices: tuple[Device, ...] = (),
    passcodes_allowed: bool = True,
    answer: Answer = Answer.APPROVE,
    expires_after_s: float | None = None,
) -> Person:
    return Person(
        username,
        status=status,
        devices=devices or (phone(username),),
        passcodes=("123456",),
        passcodes_allowed=passcodes_allowed,
        answer=answer,
        expires_after_s=expires_after_s,
    )


def _identity(prefix: str, *parts: str) -> str:
    return prefix + _digest(*parts)[:18].upper()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
