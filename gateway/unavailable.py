"""That somebody could not be asked, or gave no answer: the one error of all who are asked, whatever the service."""

from enum import StrEnum


class Trouble(StrEnum):
    """Why a service counts as unavailable; the value stands in logs and metrics."""

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
    """Not asked: the gateway knows already that the service is away."""

    @property
    def is_provoked(self) -> bool:
        """Whether users can bring it about while the service is well: too many calls, here or there."""
        return self in (Trouble.RATE_LIMIT, Trouble.BUSY)


class Unavailable(Exception):  # noqa: N818 -- the service is away; this is the name the project's texts use
    """A service or the way to it failed. What follows is for whoever asked to say: fail mode, where it was Duo.

    Attributes:
        trouble: the kind.
        detail: for the administrator, one line, free of secrets: `connection refused by 127.0.0.1:443`.
        may_have_acted: whether the service may have done what it was asked, although no answer came: a question that
            must not be repeated had left.
        remedy: what can be done, where whoever raises it knows better than its kind tells; else empty.
    """

    def __init__(self, trouble: Trouble, detail: str, *, may_have_acted: bool = False, remedy: str = "") -> None:
        super().__init__(trouble, detail)
        self.trouble = trouble
        self.detail = detail
        self.may_have_acted = may_have_acted
        self.remedy = remedy

    def __str__(self) -> str:
        return self.detail
