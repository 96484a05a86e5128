"""A login as the fleet sees it from one worker: whose it is. `TRANSITIONS` says what may follow what."""

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from mypy_extensions import mypyc_attr

from gateway.fleet.script_answers import NOBODY, Found
from gateway.fleetapi.names import record_key
from gateway.fleetapi.records import PushedRecord, Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.fleetapi.messages import Join


class ClaimState(StrEnum):
    """Where a login stands."""

    __hash__ = str.__hash__  # in C; an enumeration's own is Python's

    NEW = "new"
    CLAIMING = "claiming"  # the store is asked whose it is
    RECALLING = "recalling"  # another host had it, and may still remember its verdict
    ALONE = "alone"  # ours, and the store does not say so
    ASKING = "asking"  # ours: Duo is asked
    PUSHED = "pushed"  # ours: Duo has told the push's name
    ELSEWHERE = "elsewhere"  # another has it, and the engine has not joined it yet
    LOOKING = "looking"  # the store is asked who has it
    JOINED = "joined"  # another has it, and is asked what becomes of it
    TAKING = "taking"  # its owner says nothing: the store is asked for its push
    ENDED = "ended"


# Bare names, for the tables' sake; before Python 3.12 they are also cheaper.
NEW: Final = ClaimState.NEW
CLAIMING: Final = ClaimState.CLAIMING
RECALLING: Final = ClaimState.RECALLING
ALONE: Final = ClaimState.ALONE
ASKING: Final = ClaimState.ASKING
PUSHED: Final = ClaimState.PUSHED
ELSEWHERE: Final = ClaimState.ELSEWHERE
LOOKING: Final = ClaimState.LOOKING
JOINED: Final = ClaimState.JOINED
TAKING: Final = ClaimState.TAKING
ENDED: Final = ClaimState.ENDED

TRANSITIONS: Final[dict[ClaimState, frozenset[ClaimState]]] = {
    NEW: frozenset({CLAIMING, LOOKING, ALONE, ASKING, PUSHED}),
    CLAIMING: frozenset({ASKING, ALONE, ELSEWHERE, RECALLING, CLAIMING, ENDED}),
    RECALLING: frozenset({CLAIMING, ALONE, ENDED}),
    ALONE: frozenset({ASKING, PUSHED, ELSEWHERE, ENDED}),
    ASKING: frozenset({PUSHED, ALONE, ENDED}),
    PUSHED: frozenset({PUSHED, ALONE, ELSEWHERE, ENDED}),
    ELSEWHERE: frozenset({JOINED, ENDED}),
    LOOKING: frozenset({JOINED, ENDED}),
    JOINED: frozenset({JOINED, TAKING, PUSHED, ENDED}),
    TAKING: frozenset({PUSHED, JOINED, ENDED}),
    ENDED: frozenset(),
}

OURS: Final = (ALONE, ASKING, PUSHED)
_MOST_JOINERS: Final = 64  # of one login: whoever writes to the store can make them up


@mypyc_attr(acyclic=True, free_list_len=1)  # each is remembered for a while: what collects garbage is not to see it
class ClaimedLogin:
    """One login of a worker's engine, and what is known of it in the store.

    Attributes:
        number: the engine's own for it.
        login, packet: digests, see `fleetapi.questions.Claim`; no packet, of one that was joined before it came here.
        key: of its record.
        owner: our name for it in the store; drawn for each.
        former: the name under which it was claimed: another one if that was the instance before this one.
        application: of Duo, that it asks; of one that has joined another host's, empty otherwise.
        epoch: of our ownership; 0 as long as the store does not say that it is ours.
        txid, factor: of a push whose name is known; empty otherwise.
        named_at: the instant at which that name was told here; if by a predecessor, when the push went out.
        pushed_at: Duo's time of it, Unix seconds; None while that is not known.
        packets: digests of those that wait for it, or were answered once it has ended.
        how: how it has ended, one of the words of `fleetapi.messages`; empty before, and when nobody needs to know.
        verdict: of one that has ended with one; or what makes it.
        ended_at: the instant of its end.
        is_repeatable, again_s: see `fleetapi.questions.Claim`; False and 0 of what was not claimed here.
        joiners: who has joined it; in the order in which they came.
        is_offered: whether its push is left to whoever has joined it: this host cannot reach Duo.
        found: the record of another owner, `NOBODY` if none was met; and `host`, that one's name.
        is_left: whether that owner has left its push to whoever is asked.
        nonce: of our own join; empty without one.
        known_until: the instant until which the owner need not be asked again.
        tick_at: the instant at which it is to be looked after; others do not count.
        begun_at: the instant at which it was asked about here.
        give_up_at: the instant at which a join is lost.
        n_tries: how often the store has been asked whose it is.
    """

    __slots__ = (
        "again_s",
        "application",
        "begun_at",
        "ended_at",
        "epoch",
        "factor",
        "former",
        "found",
        "give_up_at",
        "host",
        "how",
        "is_left",
        "is_offered",
        "is_repeatable",
        "joiners",
        "key",
        "known_until",
        "login",
        "n_tries",
        "named_at",
        "nonce",
        "number",
        "owner",
        "packet",
        "packets",
        "pushed_at",
        "state",
        "tick_at",
        "txid",
        "verdict",
    )

    def __init__(self, number: int, login: bytes, packet: bytes, owner: str, begun_at: float = 0.0) -> None:
        self.number = number
        self.login = login
        self.key = record_key(login)
        self.packet = packet
        self.owner = self.former = owner
        self.begun_at = begun_at
        self.state = NEW
        self.epoch = 0
        self.txid = self.factor = self.host = self.how = self.application = ""
        self.pushed_at: float | None = None
        self.packets = [packet] if packet else []
        self.verdict: bytes | Callable[[], bytes] | None = None
        self.joiners: list[Join] | None = None
        self.is_offered = self.is_repeatable = False
        self.found = NOBODY
        self.is_left = False
        self.nonce = b""
        self.known_until = self.tick_at = self.give_up_at = self.ended_at = self.again_s = self.named_at = 0.0
        self.n_tries = 0

    def move(self, state: ClaimState) -> None:
        """Go to another state.

        Raises:
            ValueError: `TRANSITIONS` does not have it.
        """
        if state not in TRANSITIONS[self.state]:
            raise ValueError(f"a claimed login does not go from {self.state} to {state}")
        self.state = state

    def meet(self, found: Found, record: Record) -> None:
        """Take note of the record of another owner, and of what it says."""
        self.found, self.host = found, record.host
        self.is_left = isinstance(record, PushedRecord) and record.is_left

    def joined_by(self, join: "Join") -> None:
        """Note that another host has joined it, or says so again; the oldest is forgotten when there are too many."""
        joiners = self.joiners = [each for each in self.joiners or () if not _is_of_one(each, join)]
        joiners.append(join)
        if len(joiners) > _MOST_JOINERS:
            del joiners[0]

    def is_joined_by(self, join: "Join") -> bool:
        """Whether that host has joined it, then or before."""
        return any(_is_of_one(each, join) for each in self.joiners or ())

    def told(self) -> bytes:
        """Return what joiners are told of its verdict, empty without one. It is made for the first of them."""
        verdict = self.verdict
        if verdict is None:
            return b""
        if not isinstance(verdict, bytes):
            self.verdict = verdict = verdict()
        return verdict

    def __repr__(self) -> str:
        return f"<ClaimedLogin {self.number} {self.owner}/{self.epoch} {self.state}>"


def _is_of_one(join: "Join", other: "Join") -> bool:
    """Whether two are of one login of one host: it asks again and again, and is sealed anew each time."""
    return join.nonce == other.nonce and join.joiner == other.joiner
