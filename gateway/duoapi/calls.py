"""Questions to Duo and its answers, in one vocabulary for both API flavours.

The engine asks a `Call` and receives an `Answer`; `flavours` turn them into paths, parameters and JSON of
`/auth/v2` or `/rest/v1`. Results and statuses stay plain text: Duo may add values at any time, and a client must
tolerate them (Duo Auth API, "General").
"""

from enum import StrEnum

import msgspec


class Factor(StrEnum):
    """A second factor as Duo names it."""

    AUTO = "auto"
    PUSH = "push"
    PHONE = "phone"
    SMS = "sms"
    PASSCODE = "passcode"

    @property
    def waits_for_person(self) -> bool:
        """Whether Duo's verdict needs somebody to touch a phone, so that the call is asynchronous."""
        return self is PUSH or self is AUTO or self is PHONE


# Bare names: before Python 3.12 to look a member up costs as much as a call.
AUTO, PUSH, PHONE, SMS, PASSCODE = Factor


class Ping(msgspec.Struct, gc=False):
    """Is Duo there? Unsigned."""


class Check(msgspec.Struct, gc=False):
    """Are keys, signature and clock right?"""


class Preauth(msgspec.Struct, gc=False):
    """May this user log in, and with what?"""

    username: str
    ipaddr: str | None = None


class Auth(msgspec.Struct, gc=False):
    """Verify the second factor.

    `device` is v2's device id or "auto"; `ordinal` is what the user typed (`push2` is 2) or 0 for none, which v1
    wants instead. A factor that waits for a person is asked asynchronously and answered with a txid.
    """

    username: str
    factor: Factor
    device: str = "auto"
    ordinal: int = 0
    passcode: str = ""
    ipaddr: str | None = None

    def __repr__(self) -> str:
        """Hide the passcode."""
        return f"<Auth {self.username!r} {self.factor} device={self.device}>"


class AuthStatus(msgspec.Struct, gc=False):
    """What has become of the asynchronous auth `txid`? A long poll: Duo answers when the state changes.

    `patience_s` bounds this question, not the person.
    """

    txid: str
    patience_s: float = 75.0


Call = Ping | Check | Preauth | Auth | AuthStatus


class Device(msgspec.Struct, gc=False):
    """One entry of the preauth device list, in Duo's order; a token has no capabilities."""

    device: str
    capabilities: frozenset[str] = frozenset()


class Time(msgspec.Struct, gc=False):
    """The answer to ping and check: Duo's clock in Unix seconds, None where the flavour does not tell it (v1)."""

    time: int | None


class PreauthAnswer(msgspec.Struct, gc=False):
    """`result` is `auth`, `allow`, `deny`, `enroll` or a value that Duo may add later."""

    result: str
    status_msg: str = ""
    devices: tuple[Device, ...] = ()
    enroll_portal_url: str = ""


class AuthAnswer(msgspec.Struct, gc=False):
    """`result` is `allow`, `deny`, `waiting` or a later value; empty, with a `txid`, when an asynchronous auth began.

    `status` is v2's machine word (`timeout`, `fraud`, `locked_out`, `sent` …), empty in v1.
    """

    result: str
    status: str = ""
    status_msg: str = ""
    txid: str = ""


class Refusal(msgspec.Struct, gc=False):
    """Duo understood us and said no to the call itself: HTTP 4xx with `stat` FAIL, not 429. No verdict on the user."""

    http_status: int
    code: int
    message: str
    detail: str = ""

    @property
    def is_configuration(self) -> bool:
        """Whether keys, clock or application type are wrong (401, 403), which no user can mend.

        Only Duo's own words count (they have a code): a firewall in between may dislike a user's name.
        """
        return self.http_status in (401, 403) and self.code > 0

    @property
    def is_clock(self) -> bool:
        """Whether the call's date is unreadable or off (40104, 40105), which Duo's own time may mend."""
        return self.code in (40104, 40105)

    @property
    def is_wrong_application_type(self) -> bool:
        """Whether this application may not use this API flavour (40301), so that the older one should be tried."""
        return self.code == 40301


Answer = Time | PreauthAnswer | AuthAnswer | Refusal


class Trouble(StrEnum):
    """Why Duo's service counts as unavailable; the value stands in logs and metrics."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    CERTIFICATE = "certificate"
    PROXY = "proxy"
    TIMEOUT = "timeout"
    CLOSED = "closed"
    HTTP_STATUS = "http_status"
    BAD_ANSWER = "bad_answer"
    RATE_LIMIT = "rate_limit"
    CONFIGURATION = "configuration"
    CLOCK = "clock"
    BUSY = "busy"
    OUTAGE = "outage"
    """Not asked: the gateway knows already that Duo is away."""

    @property
    def is_provoked(self) -> bool:
        """Whether users can bring it about while Duo is well: too many calls, here or there."""
        return self in (Trouble.RATE_LIMIT, Trouble.BUSY)


class DuoUnavailable(Exception):  # noqa: N818 -- the service is away; this is the name the project's texts use
    """Duo or the way to it failed, so that fail mode decides.

    Attributes:
        trouble: the kind.
        detail: for the administrator, one line, free of secrets: `connection refused by 127.0.0.1:443`.
    """

    def __init__(self, trouble: Trouble, detail: str) -> None:
        super().__init__(trouble, detail)
        self.trouble = trouble
        self.detail = detail

    def __str__(self) -> str:
        return self.detail
