"""The States of challenges, among hosts: each is used by one login, and what does not fit into one is kept for all.

Who uses a State first is written down in the store. The same login may come again, at another host to which its NAS has
turned: it goes on, and joins itself there when it is claimed (`claiming`). Any other is told that the State is used.

As long as the store cannot be asked, or answers nonsense, a State counts as unused, and as one for which nothing is
kept. That lets nobody in: a State says what the first factor has said to this user, and Duo is asked after it. Nor does
a record whose seal does not open keep anybody out.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from gateway.fleet import scripts
from gateway.fleet.script_answers import BadScriptAnswerError, read_use
from gateway.fleet.scripts import Script
from gateway.fleetapi.names import DIGEST_SIZE, Sealing, bound_to, state_key
from gateway.fleetapi.questions import Unused, UsedBefore, UseState

SAME_S: Final = 75.0  # no login waits longer: what comes later is another one that says the same
CLOCK_ERROR_S: Final = 60.0  # by which one host can open a State longer than another
MOST_LIFE_S: Final = 7200.0  # more than any State lives
MOST_KEPT: Final = 8192  # octets

_KEPT: Final = "kept"
_USED: Final = "used"


class Run(NamedTuple):
    """What the store is to run."""

    script: Script
    key: bytes
    arguments: Sequence[bytes]


class States:
    """Knows what one host asks the store about States, and what the answers mean."""

    __slots__ = ("_host", "_sealing")

    def __init__(self, host: str, sealing: Sealing) -> None:
        """Take the host's name, for the logs of others, and what seals and opens."""
        self._host = host
        self._sealing = sealing

    def keep(self, name: bytes, octets: bytes, life_s: float) -> Run | None:
        """Return what keeps this for a State at the store; None for what is too long, or has expired."""
        if len(octets) > MOST_KEPT or life_s <= 0:
            return None
        sealed = self._sealing.seal(octets, bound_to(_KEPT, name))
        return Run(scripts.KEEP, state_key(name), (sealed, _life_ms(life_s)))

    def use(self, question: UseState) -> Run:
        """Return what asks who has used a State, and uses it if nobody has."""
        who = self._sealing.seal(question.login + self._host.encode(), bound_to(_USED, question.name))
        wants = b"1" if question.wants_kept else b"0"
        return Run(scripts.USE, state_key(question.name), (who, _life_ms(question.life_s), wants))

    def answered(self, question: UseState, reply: object) -> Unused | UsedBefore:
        """Return what the store's answer means, in the form in which RESP2 gives it."""
        try:
            who, age_s, kept = read_use(reply)
        except BadScriptAnswerError:
            return Unused()
        plain = self._sealing.open(who, bound_to(_USED, question.name)) if who else None
        if plain is not None and not (plain[:DIGEST_SIZE] == question.login and 0 <= age_s < SAME_S):
            return UsedBefore(plain[DIGEST_SIZE:].decode("utf-8", "replace"))
        content = self._sealing.open(kept, bound_to(_KEPT, question.name)) if kept else None
        again_s = max(age_s, 0.001) if plain is not None else 0.0  # 0 would be the first time
        return Unused(content or b"", again_s)


def _life_ms(life_s: float) -> bytes:
    return b"%d" % int(1000 * min(life_s + CLOCK_ERROR_S, MOST_LIFE_S))
