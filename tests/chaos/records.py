"""What passes between fleet, scene and checker: what a login is to be, what became of it, and what went wrong
meanwhile.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

PASSCODE, WRONG_PASSCODE = "246810", "135791"
PUSH = "push"
ACCEPT, REJECT = 2, 3

# How the gateway tells a user that fail mode decided: what a fleet knows before any log is read.
FAIL_MODE_TEXTS = ("Logged in without a second factor", "The second factor is unavailable")


class Plan(NamedTuple):
    """One login: who types what, and how that person reacts to a push. Each login has a user of its own.

    Attributes:
        answer: as the simulated Duo's people answer: approve, deny, fraud, timeout, or person: once the test says so.
        answer_after_s: from the push to the answer.
    """

    user: str
    typed: str = PASSCODE
    answer: str = "approve"
    answer_after_s: float = 0.0

    @property
    def is_push(self) -> bool:
        """Whether a push is asked for, and no passcode."""
        return self.typed == PUSH

    @property
    def duo_allows(self) -> bool:
        """What Duo says in the end, if it is asked."""
        return self.answer in ("approve", "person") if self.is_push else self.typed == PASSCODE

    def person(self) -> dict[str, Any]:
        """Return the user as the simulated Duo wants to be told."""
        return {
            "username": self.user,
            "devices": [{"device": f"D-{self.user}", "capabilities": ["auto", "push"]}],
            "passcodes": [PASSCODE],
            "answer": self.answer,
            "answer_after_s": self.answer_after_s,
        }


@dataclass(slots=True)
class Record:
    """What a NAS saw of one login. Instants are monotonic seconds, the same clock in all processes of a machine.

    Attributes:
        n_sent: transmissions, of one packet or of several.
        n_packets: distinct packets: 2 when the NAS turned to its second server.
        code: of the reply; None without one.
        replied_at: when the first reply arrived.
        n_duplicates: further replies with the same octets.
        n_conflicting: further replies to the same packet with other octets, or to another packet with another verdict.
        was_deaf: whether the NAS did not hear the first reply, and asked again.
        gave_up_at: when the NAS asked no more; infinite while it does, and where it was answered.
    """

    user: str
    sent_at: float
    n_sent: int = 0
    n_packets: int = 0
    code: int | None = None
    message: str = ""
    replied_at: float = math.inf
    n_duplicates: int = 0
    n_conflicting: int = 0
    was_deaf: bool = False
    gave_up_at: float = math.inf

    @property
    def latency_s(self) -> float:
        """From the first transmission to the first reply; infinite without one."""
        return self.replied_at - self.sent_at

    @property
    def ended_at(self) -> float:
        """When the login was over for its NAS."""
        return min(self.replied_at, self.gave_up_at)

    @property
    def is_by_fail_mode(self) -> bool:
        """Whether the user was told so."""
        return self.message.startswith(FAIL_MODE_TEXTS)


class Outage(NamedTuple):
    """A time during which Duo, or the way to it, did not do what it should; `ended_at` is infinite while it lasts."""

    kind: str
    began_at: float
    ended_at: float = math.inf

    def touches(self, start: float, end: float, aftermath_s: float) -> bool:
        """Whether it, or what it leaves behind for so long, falls into this time."""
        return self.began_at <= end and start <= self.ended_at + aftermath_s
