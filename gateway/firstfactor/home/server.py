"""One home server: where it is, whether it answers, and what is known of how it does."""

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.firstfactor.home.ports import Port, Request
from gateway.firstfactor.host_states import HOST_TRANSITIONS, UP, HostEvent
from gateway.radius.shared_secret import SharedSecret
from gateway.unavailable import Trouble

if TYPE_CHECKING:
    from gateway.words.first_factors import ReplyDiscard


class Location(NamedTuple):
    """An address of a home server: what `socket` wants, and what we call ourselves there.

    `nas_attribute` is NAS-IP-Address or NAS-IPv6-Address, encoded; empty if our own address is not known.
    """

    family: int
    sockaddr: tuple[Any, ...]
    nas_attribute: bytes


class Limits(NamedTuple):
    """How home servers are asked; the defaults are those of the keys."""

    retries: int = 3
    """After the first try."""
    retry_wait_s: float = 2.0
    timeout_s: float = 30.0
    """Of a question, all tries, home servers and waits together."""
    max_in_flight: int = 200
    """Questions to one home server at a time; more wait."""
    probes: bool = True
    """Whether one that is down is asked by Status-Server."""
    returns_untested: bool = True
    """Whether a question may tell that one that was down is back."""
    requires_signature: bool = False
    """Whether replies without Message-Authenticator are discarded."""
    learns_signature: bool = True
    """Whether they are once the home server has sent one with it."""


class Probe(Request):
    """Asks a home server whether it lives."""

    __slots__ = ()


class HomeServer:
    """One host of a `[radius_client]`.

    Attributes:
        index: its place in the order of the section.
        name: `10.0.0.5:1812`, as logs and `Challenged` have it.
        location: where it is asked; None while that is not known.
        is_lost: whether its name could not be resolved.
        state: whether it answers.
        trial: the question that is to tell whether it is back.
        down_until: until when nobody is sent there to see whether it is back.
        refused_until: until when others are asked first because its port was closed.
        heard_at: when it has answered last, monotonic seconds; 0 for never.
        failed_at, trouble: when it was last seen not to answer, and why; 0 and None for never.
        doubted: why its last reply to a question that has failed was not believed; None if none has come.
        is_told: whether the log was told that it does not answer, and not yet that it is back.
        has_signed: whether one of its replies to a question without EAP had a Message-Authenticator.
        ports: that are open towards it, by their numbers.
        n_out: questions that are out there.
        probe, is_probed: Status-Server, and whether it is sent again and again.
        discards: replies that were not believed, by reason, since they were last taken.
    """

    __slots__ = (
        "discards", "doubted", "down_until", "failed_at", "has_signed", "heard_at", "index", "is_lost", "is_probed",
        "is_told", "location", "n_out", "name", "ports", "probe", "refused_until", "shared_secret", "state", "trial",
        "trouble",
    )  # fmt: skip

    def __init__(self, index: int, name: str, shared_secret: SharedSecret) -> None:
        self.index = index
        self.name = name
        self.shared_secret = shared_secret
        self.location: Location | None = None
        self.is_lost = False
        self.state = UP
        self.trial: Request | None = None
        self.down_until = 0.0
        self.refused_until = 0.0
        self.heard_at = 0.0
        self.failed_at = 0.0
        self.trouble: Trouble | None = None
        self.doubted: ReplyDiscard | None = None
        self.is_told = False
        self.has_signed = False
        self.ports: dict[int, Port] = {}
        self.n_out = 0
        self.probe = Probe()
        self.is_probed = False
        self.discards: Counter[str] = Counter()

    def take_discards(self) -> list[tuple[str, int]]:
        """Return how many replies were not believed since the last time, by reason."""
        taken = list(self.discards.items())
        self.discards.clear()
        return taken

    def move(self, event: HostEvent) -> None:
        """Take what it does.

        Raises:
            KeyError: it cannot do that in its state.
        """
        self.state = HOST_TRANSITIONS[self.state][event]

    def failed(self, now: float, trouble: Trouble) -> None:
        """Note that it was seen not to answer, and why: whether others are asked is for its state to say."""
        self.failed_at = now
        self.trouble = trouble

    def free_port(self) -> Port | None:
        """Return a port with an Identifier to spare; None if there is none."""
        for port in self.ports.values():
            if not port.is_full and not port.is_left:
                return port
        return None

    def __repr__(self) -> str:
        return f"<HomeServer {self.name} {self.state} out={self.n_out}>"
