"""Questions to Duo and its answers, in one vocabulary for both API flavours.

The engine asks a `Call` and receives an `Answer`; `flavours` turn them into paths, parameters and JSON of
`/auth/v2` or `/rest/v1`. Results and statuses stay plain text: Duo may add values at any time, and a client must
tolerate them (Duo Auth API, "General").
"""

from enum import StrEnum
from typing import Final, final

from mypy_extensions import mypyc_attr

from gateway.values import Value


class Factor(StrEnum):
    """A second factor as Duo names it."""

    AUTO = "auto"
    PUSH = "push"
    PHONE = "phone"
    SMS = "sms"
    PASSCODE = "passcode"

    __hash__ = str.__hash__  # in C; an enumeration's own is Python's

    @property
    def waits_for_person(self) -> bool:
        """Whether Duo's verdict needs somebody to touch a phone, so that the call is asynchronous."""
        return self is PUSH or self is AUTO or self is PHONE


# Bare names: before Python 3.12 to look a member up costs as much as a call.
AUTO: Final = Factor.AUTO
PUSH: Final = Factor.PUSH
PHONE: Final = Factor.PHONE
SMS: Final = Factor.SMS
PASSCODE: Final = Factor.PASSCODE

FACTOR_WORDS: Final[dict[Factor, str]] = {factor: factor.value for factor in Factor}
"""Plain texts: `value` is a property in Python, and costs a fiftieth of a login."""


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Ping(Value):
    """Is Duo there? Unsigned."""

    __slots__ = ()


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Check(Value):
    """Are keys, signature and clock right?"""

    __slots__ = ()


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Preauth(Value):
    """May this user log in, and, if the answer is to say so, with which devices?"""

    __slots__ = ("ipaddr", "username", "wants_devices")

    def __init__(self, username: str, ipaddr: str | None = None, wants_devices: bool = False) -> None:
        self.username = username
        self.ipaddr = ipaddr
        self.wants_devices = wants_devices


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Auth(Value):
    """Verify the second factor.

    `device` is v2's device id, v1's word for it or "auto"; `ordinal` is what the user typed (`push2` is 2) or 0 for
    none, which v1 wants where no word is known. A factor that waits for a person is asked asynchronously and answered
    with a txid.
    """

    __slots__ = ("device", "factor", "ipaddr", "ordinal", "passcode", "username")

    def __init__(
        self,
        username: str,
        factor: Factor,
        device: str = "auto",
        ordinal: int = 0,
        passcode: str = "",
        ipaddr: str | None = None,
    ) -> None:
        self.username = username
        self.factor = factor
        self.device = device
        self.ordinal = ordinal
        self.passcode = passcode
        self.ipaddr = ipaddr

    def __repr__(self) -> str:
        """Hide the passcode."""
        return f"<Auth {self.username!r} {self.factor} device={self.device}>"


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class AuthStatus(Value):
    """What has become of the asynchronous auth `txid`? A long poll: Duo answers when the state changes.

    `patience_s` bounds this question, not the person.
    """

    __slots__ = ("patience_s", "txid")

    def __init__(self, txid: str, patience_s: float = 75.0) -> None:
        self.txid = txid
        self.patience_s = patience_s


Call = Ping | Check | Preauth | Auth | AuthStatus


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Device(Value):
    """One entry of the preauth device list, in Duo's order, or a word of v1's; a token has no capabilities.

    `name` is what its owner knows it by: the number as Duo shows it, else a name; `sms_nextcode` is how the next
    passcode of those sent by SMS begins. Both may be empty.
    """

    __slots__ = ("capabilities", "device", "name", "sms_nextcode")

    def __init__(
        self, device: str, capabilities: frozenset[str] = frozenset(), name: str = "", sms_nextcode: str = ""
    ) -> None:
        self.device = device
        self.capabilities = capabilities
        self.name = name
        self.sms_nextcode = sms_nextcode


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Time(Value):
    """The answer to ping and check: Duo's clock in Unix seconds, None where the flavour does not tell it (v1)."""

    __slots__ = ("time",)

    def __init__(self, time: int | None) -> None:
        self.time = time


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class PreauthAnswer(Value):
    """`result` is `auth`, `allow`, `deny`, `enroll` or a later value; `devices` are there where they were wanted."""

    __slots__ = ("devices", "enroll_portal_url", "result", "status_msg")

    def __init__(
        self, result: str, status_msg: str = "", devices: tuple[Device, ...] = (), enroll_portal_url: str = ""
    ) -> None:
        self.result = result
        self.status_msg = status_msg
        self.devices = devices
        self.enroll_portal_url = enroll_portal_url


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class AuthAnswer(Value):
    """`result` is `allow`, `deny`, `waiting` or a later value; empty, with a `txid`, when an asynchronous auth began.

    `status` is v2's machine word (`timeout`, `fraud`, `locked_out`, `sent` …), empty in v1.
    """

    __slots__ = ("result", "status", "status_msg", "txid")

    def __init__(self, result: str, status: str = "", status_msg: str = "", txid: str = "") -> None:
        self.result = result
        self.status = status
        self.status_msg = status_msg
        self.txid = txid


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Refusal(Value):
    """Duo understood us and said no to the call itself: HTTP 4xx with `stat` FAIL, not 429. No verdict on the user."""

    __slots__ = ("code", "detail", "http_status", "message")

    def __init__(self, http_status: int, code: int, message: str, detail: str = "") -> None:
        self.http_status = http_status
        self.code = code
        self.message = message
        self.detail = detail

    @property
    def is_foreign(self) -> bool:
        """Whether somebody in between has said it, and not Duo: Duo's own words have a code."""
        return self.code <= 0

    @property
    def is_configuration(self) -> bool:
        """Whether keys, clock or application type are wrong (401, 403), which no user can mend.

        Only Duo's own words count: a firewall in between may dislike a user's name.
        """
        return self.http_status in (401, 403) and not self.is_foreign

    @property
    def is_clock(self) -> bool:
        """Whether the call's date is unreadable or off (40104, 40105), which Duo's own time may mend."""
        return self.code in (40104, 40105)

    @property
    def is_signature(self) -> bool:
        """Whether another secret key has signed than Duo knows (40103)."""
        return self.code == 40103

    @property
    def is_wrong_application_type(self) -> bool:
        """Whether this application may not use this API flavour (40301), so that the older one should be tried."""
        return self.code == 40301


Answer = Time | PreauthAnswer | AuthAnswer | Refusal
