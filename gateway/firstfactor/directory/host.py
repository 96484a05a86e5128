"""One host of an `[ad_client]`: whether it answers, the connections to it, and the questions that are there.

The three know each other, so they stand together.
"""

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from mypy_extensions import mypyc_attr

from gateway.engine.first_factor import CheckFirstFactor
from gateway.firstfactor.complaints import NO_COMPLAINTS, in_vain
from gateway.firstfactor.directory.session import Heard, Searching, Session
from gateway.firstfactor.directory.states import (
    ASKED_TRANSITIONS,
    CONNECTION_TRANSITIONS,
    NEW,
    OPENING,
    READY,
    AskedState,
    ConnectionState,
)
from gateway.firstfactor.host_states import HOST_TRANSITIONS, UP, HostEvent, HostState
from gateway.unavailable import Trouble, Unavailable

if TYPE_CHECKING:
    from gateway.firstfactor.directory.account import Account
    from gateway.firstfactor.directory.search import Found, Lookup

FIRST_PAUSE_S: Final = 10.0
LONGEST_PAUSE_S: Final = 320.0


class Limits(NamedTuple):
    """How directories are asked; the defaults are those of the keys."""

    timeout_s: float = 10.0
    """Of a question, all hosts and waits together."""
    max_in_flight: int = 200
    """Questions at one host at a time; more wait."""


class Connection:
    """A connection, from the attempt to open it to its end.

    Attributes:
        number: by which the shell knows it.
        is_service: whether searches go there, or users' binds.
        session: its talk.
        channel_bindings: what NTLM says of its TLS; empty without.
        asked: whose bind is out there.
        is_kept: whether it has answered anybody before: it may have died since.
        opened_at: when the attempt began.
        since: when it began to be what it is.
        heard_at: when a message has come on it last, or it was opened.
        is_proven: whether the password of the bind that is out has left.
        check, checked_at: asks for a sign of life, and since when.
    """

    __slots__ = (
        "asked", "channel_bindings", "check", "checked_at", "heard_at", "host", "is_kept", "is_proven", "is_service",
        "number", "opened_at", "session", "since", "state",
    )  # fmt: skip

    def __init__(self, number: int, host: "Host", is_service: bool, now: float) -> None:
        self.number = number
        self.host = host
        self.is_service = is_service
        self.state = OPENING
        self.session = Session()
        self.channel_bindings = b""
        self.asked: Asked | None = None
        self.is_kept = False
        self.is_proven = False
        self.opened_at = self.since = now
        self.heard_at = now
        self.check = Searching()
        self.checked_at = 0.0

    def move(self, state: ConnectionState, now: float) -> None:
        """Take the next state.

        Raises:
            ValueError: it cannot follow.
        """
        if state not in CONNECTION_TRANSITIONS[self.state]:
            raise ValueError(f"{state} cannot follow {self.state}")
        self.state = state
        self.since = now

    def received(self, octets: bytes, now: float) -> list[Heard]:
        """Return what octets mean that came. Those that make no message whole are no sign of life."""
        n_before = self.session.n_heard
        heard = self.session.received(octets)
        if self.session.n_heard > n_before:
            self.heard_at = now
        return heard

    def __repr__(self) -> str:
        return f"<Connection {self.number} {self.host.name} {'service' if self.is_service else 'user'} {self.state}>"


class Host:
    """One host.

    Attributes:
        index: its place in the order of the section.
        name: `dc1.example.com:389`, as logs have it.
        host: `dc1.example.com`, as it is called in TLS and NTLM.
        state: whether it answers.
        rest_until: until when nobody looks whether it is back.
        barred_until: until when its service account is not tried again, which it has refused.
        pause_s: how long that is.
        complaint: what was wrong with it last, for the administrator.
        heard_at: when it has answered last, monotonic seconds; 0 for never.
        failed_at, trouble: when it was last seen not to answer, and why; 0 and None for never.
        n_out: questions that have a place there.
        line: who waits for one.
        service: the connection for searches; None if there is none, not even one that is being opened.
        searching: who waits for it.
        binding: who waits for a connection to bind on.
        idle: connections for that, the newest last.
        n_opening, n_busy: other ones.
        is_swept: whether somebody comes to close those that idle for long.
        is_watched: whether somebody comes to see if it is back.
        is_filling: whether places are being given out.
    """

    __slots__ = (
        "barred_until", "binding", "complaint", "failed_at", "heard_at", "host", "idle", "index", "is_filling",
        "is_swept", "is_watched", "line", "n_busy", "n_opening", "n_out", "name", "pause_s", "rest_until", "searching",
        "service", "state", "trouble",
    )  # fmt: skip

    def __init__(self, index: int, name: str, host: str) -> None:
        self.index = index
        self.name = name
        self.host = host
        self.state: HostState = UP
        self.rest_until = 0.0
        self.barred_until = 0.0
        self.pause_s = 0.0
        self.complaint = ""
        self.heard_at = 0.0
        self.failed_at = 0.0
        self.trouble: Trouble | None = None
        self.n_out = 0
        self.line: OrderedDict[Asked, None] = OrderedDict()
        self.service: Connection | None = None
        self.searching: OrderedDict[Asked, None] = OrderedDict()
        self.binding: OrderedDict[Asked, None] = OrderedDict()
        self.idle: OrderedDict[int, Connection] = OrderedDict()
        self.n_opening = 0
        self.n_busy = 0
        self.is_swept = self.is_watched = self.is_filling = False

    def move(self, event: HostEvent) -> None:
        """Take what it does.

        Raises:
            KeyError: it cannot do that in its state.
        """
        self.state = HOST_TRANSITIONS[self.state][event]

    def failed(self, now: float, text: str, trouble: Trouble) -> None:
        """Note that it was seen not to answer, and why: whether others are asked is for its state to say."""
        self.failed_at = now
        self.complaint = text
        self.trouble = trouble

    def refused_service(self, now: float) -> None:
        """Try its service account again after a pause, the next one longer."""
        self.pause_s = min(2 * self.pause_s, LONGEST_PAUSE_S) if self.pause_s else FIRST_PAUSE_S
        self.bar(now + self.pause_s)

    def bar(self, until: float) -> None:
        """Try its service account no sooner."""
        self.barred_until = max(self.barred_until, until)

    def is_barred(self, now: float) -> bool:
        """Whether nobody can be searched for there until a pause is over; where it is bound it is not tried anew."""
        is_bound = self.service is not None and self.service.state is READY
        return now < self.barred_until and not is_bound

    def took_service(self, now: float) -> None:
        """Begin anew with the pauses."""
        self.heard_at = now
        self.pause_s = self.barred_until = 0.0

    def __repr__(self) -> str:
        return f"<Host {self.name} {self.state} out={self.n_out}>"


@mypyc_attr(allow_interpreted_subclasses=True)
class Asked(Searching):
    """A question, and how far it is at the host that is asked at present.

    Attributes:
        state: how far it is.
        account: who was named.
        lookup: how far that one has been looked up.
        found: who that is.
        host: which is asked, or waited for.
        connection: on which its search or bind is out; None if neither is.
        tried: the bits of the hosts that have been chosen.
        deadline: when it ends at the latest.
        due_at: when this host has had its share of the time.
        step_at: since when what it waits for now is waited for.
        asked_at: since when its answer is waited for.
        sent_at: since when it has had its place at this host.
        n_proven: binds that may have been looked at: the password was sent.
        is_renewed: whether this host was asked anew because a kept connection had died.
        complaints: what was wrong with each host, by its index.
        trouble: the kind of the last one; None if there is none.
    """

    __slots__ = (
        "account", "asked_at", "complaints", "connection", "deadline", "due_at", "found", "host", "is_renewed",
        "lookup", "n_proven", "question", "sent_at", "state", "step_at", "tried", "trouble",
    )  # fmt: skip

    def __init__(self, question: CheckFirstFactor) -> None:
        super().__init__()
        self.question = question
        self.state = NEW
        self.account: Account | None = None
        self.lookup: Lookup | None = None
        self.found: Found | None = None
        self.host: Host | None = None
        self.connection: Connection | None = None
        self.tried = 0
        self.deadline = 0.0
        self.due_at = 0.0
        self.step_at = 0.0
        self.asked_at = 0.0
        self.sent_at = 0.0
        self.n_proven = 0
        self.is_renewed = False
        self.complaints = NO_COMPLAINTS
        self.trouble: Trouble | None = None

    def move(self, state: AskedState) -> None:
        """Take the next state.

        Raises:
            ValueError: it cannot follow.
        """
        if state not in ASKED_TRANSITIONS[self.state]:
            raise ValueError(f"{state} cannot follow {self.state}")
        self.state = state

    def complain(self, host: Host, text: str, trouble: Trouble) -> None:
        """Note why a host did not answer, for the administrator."""
        self.trouble = trouble
        self.complaints = {**self.complaints, host.index: (f"{host.name} {text}", trouble)}

    def in_vain(self, hosts: tuple[Host, ...]) -> Unavailable:
        """Return why nobody has answered: all that was noted, in the order of the hosts."""
        trouble = self.trouble
        for host in hosts:
            if host.index not in self.complaints and host.trouble is not None and not self.tried >> host.index & 1:
                self.complain(host, host.complaint, host.trouble)
        return in_vain(self.complaints, trouble or self.trouble)

    def __repr__(self) -> str:
        return f"<Asked {self.state} host={self.host}>"
