"""Asking the people of a section for more, and knowing them again by the State that comes back with their answer."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from gateway.duoapi.calls import Device
from gateway.engine.challenges.kept import Kept
from gateway.engine.challenges.memory import ChallengeMemory
from gateway.engine.challenges.records import unpacked_challenge
from gateway.engine.challenges.refused import Refused
from gateway.engine.challenges.state import Prompt, State
from gateway.engine.challenges.tokens import NAME_SIZE, Tokens
from gateway.engine.challenges.verdicts import answer_refused, challenged
from gateway.engine.records import UNREADABLE
from gateway.engine.verdict import Verdict
from gateway.radius.attributes import AttributeKind, attributes_in, encode
from gateway.radius.dictionary import EAP_MESSAGE, PROMPT, SESSION_TIMEOUT, STATE

_STATE = AttributeKind(0, STATE)
_SESSION_TIMEOUT = AttributeKind(0, SESSION_TIMEOUT)
_EAP = AttributeKind(0, EAP_MESSAGE)
_NO_ECHO = encode(AttributeKind(0, PROMPT), bytes(4))


class Taken(NamedTuple):
    """What an answer's State says, and what was kept for it; None if that is not here, but should be somewhere."""

    state: State
    kept: Kept | None
    name: bytes = b""


class Challenger:
    """The challenges of one section.

    Args:
        tokens: seals and opens State.
        memory: of the worker.
        life_s: how long a person may take, `challenge_life_s`.
        draw: returns so many unpredictable octets.
    """

    __slots__ = ("_draw", "_life_s", "_memory", "_tokens")

    def __init__(self, tokens: Tokens, memory: ChallengeMemory, life_s: int, draw: Callable[[int], bytes]) -> None:
        self._tokens = tokens
        self._memory = memory
        self._life_s = life_s
        self._draw = draw

    def ask(
        self,
        prompt: Prompt,
        user_name: str,
        text: str,
        now: float,
        *,
        menu: Sequence[Device] = (),
        kept: Kept | None = None,
        attributes: bytes = b"",
        typed: bytes = b"",
    ) -> Verdict:
        """Return the challenge: the login is over, and begins anew with the answer.

        Args:
            prompt: what is asked; all but the home server's own say that the first factor has accepted the user.
            user_name: as it came: a first factor may tell two users apart that are one account elsewhere.
            text: what the person reads.
            now: monotonic seconds.
            menu: what was offered.
            kept: what the answer needs beside that.
            attributes: what else the challenge has, encoded.
            typed: of the password that was typed before, see `State`.
        """
        until = int(self._memory.clock.at(now)) + self._life_s
        state = State(prompt, until, prompt is not Prompt.RELAYED, kept is not None, tuple(menu), typed)
        name = self._draw(NAME_SIZE)
        if kept is not None:
            self._memory.keep(name, kept, until, now)
        attributes += self._of_prompt(prompt, attributes)
        return challenged(prompt, text, encode(_STATE, self._tokens.seal(state, user_name, name)) + attributes)

    def _of_prompt(self, prompt: Prompt, attributes: bytes) -> bytes:
        """Return what a NAS may know of a prompt: for how long it is good, and of ours that nothing is to be shown
        while it is answered, for a bypass code may be good for many logins (RFC 2865 section 5.27, RFC 2869 section
        5.10).

        With EAP a Session-Timeout would be that of a retransmission (RFC 3580 section 3.17).
        """
        said = {each.kind for each in attributes_in(attributes)}
        life = (
            b""
            if _EAP in said or _SESSION_TIMEOUT in said
            else encode(_SESSION_TIMEOUT, self._life_s.to_bytes(4, "big"))
        )
        return life if prompt is Prompt.RELAYED else life + _NO_ECHO

    def take(self, token: bytes, user_name: str, now: float, packet: bytes = b"") -> Taken | Verdict:
        """Return what an answer's State says, which is good for one answer here; or the rejection.

        Args:
            token: State.
            user_name: as it came.
            now: monotonic seconds.
            packet: the authenticator of the packet that has it.
        """
        memory = self._memory
        opened = self._tokens.open(token, user_name, memory.clock.at(now))
        if isinstance(opened, Refused):
            return answer_refused(opened)
        name, state = opened
        if not memory.use(name, state.until, now, packet):
            return answer_refused(Refused.USED)
        return Taken(state, memory.take(name) if state.is_kept else Kept(), name)

    def said(self, token: bytes, user_name: str) -> State | None:
        """Return what a State says, be it used or too old; None where it says nothing to this user."""
        opened = self._tokens.open(token, user_name, 0.0)
        return None if isinstance(opened, Refused) else opened.state

    def life_s(self, taken: Taken, now: float) -> float:
        """Return for how long a State can still be answered."""
        return taken.state.until - self._memory.clock.at(now)

    def with_kept(self, taken: Taken, octets: bytes) -> Taken:
        """Return it with what another host has kept for it, if that is not here."""
        if taken.kept is not None or not octets:
            return taken
        try:
            record = unpacked_challenge(octets)
        except UNREADABLE:
            return taken
        return Taken(taken.state, record.kept, taken.name) if record.name == taken.name else taken

    def __repr__(self) -> str:
        return f"<Challenger life_s={self._life_s}>"
