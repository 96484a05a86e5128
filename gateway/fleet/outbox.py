"""What goes out for a login, in the form in which it goes: scripts with their arguments, messages, what is sealed."""

from typing import Final

from gateway.fleet.claim_states import PUSHED, ClaimedLogin
from gateway.fleet.effects import AnswerLogin, AskDuoTime, Count, Displaced, Effect, Publish, RunScript
from gateway.fleet.script_answers import CLAIM, LOOK, RELEASE, TAKE, WRITE, Found, ScriptName
from gateway.fleetapi import records
from gateway.fleetapi.messages import (
    LEAVE,
    VERDICT,
    WAITED,
    Ended,
    Join,
    Known,
    Taken,
    encode_message,
    encode_waited,
)
from gateway.fleetapi.names import DIGEST_SIZE, Sealing, bound_to, instance_of, mailbox
from gateway.fleetapi.questions import Answer

LIFE_S: Final = 90.0
"""Of a record that is asking or pushed: a push lives 60 s at Duo, and a login waits 75 s for it."""
MOST_CLAIMS: Final = 64  # in the life of a login: who writes to the store can cause them

_LIFE: Final = b"90000"  # ms
_DECIDED_LIFE: Final = b"30000"  # ms; a NAS sends a request again for so long
_ASKING: Final = records.ASKING.encode()
_PUSHED: Final = records.PUSHED.encode()
_DECIDED: Final = records.DECIDED.encode()
_TO_ASKING: Final = bound_to(records.ASKING, b"")  # what a record is sealed with, up to the login's digest
_TO_PUSHED: Final = bound_to(records.PUSHED, b"")
_TO_DECIDED: Final = bound_to(records.DECIDED, b"")


class Outbox:
    """Effects in their order, until the shell takes them.

    Attributes:
        count: is told each outcome.
        is_connected: whether the store can be asked: what is to be run goes nowhere without that.
    """

    __slots__ = ("_asking", "_decided", "_effects", "_host", "_instance", "_sealing", "count", "is_connected")

    def __init__(self, instance: str, host: str, sealing: Sealing, count: Count) -> None:
        self._instance = instance
        self._host = host
        self._asking = records.asking(1, host)
        self._decided = records.decided(1, host, [bytes(DIGEST_SIZE)])[:-DIGEST_SIZE]  # the packet's digest follows
        self._sealing = sealing
        self.count = count
        self._effects: list[Effect] = []
        self.is_connected = False

    def take(self) -> list[Effect]:
        """Return what has been decided since the last call."""
        effects = self._effects
        if effects:
            self._effects = []
        return effects

    def answer(self, login: ClaimedLogin, answer: Answer) -> None:
        """Answer the engine's question."""
        self._effects.append(AnswerLogin(login.number, answer))

    def displaced(self, login: ClaimedLogin) -> None:
        """Tell the engine that another host polls for it."""
        self._effects.append(Displaced(login.number))

    def ask_duo_time(self) -> None:
        """Have Duo asked for its time."""
        self._effects.append(AskDuoTime())

    def claim(self, login: ClaimedLogin) -> None:
        """Claim a login, or say again that it is ours."""
        login.n_tries += 1
        sealed = self._seal(_TO_ASKING, login, self._asking)
        self._run(CLAIM, login, (login.owner.encode(), _LIFE, sealed, b"", b"0"))

    def claim_anew(self, login: ClaimedLogin, found: Found) -> None:
        """Claim a login that another owner has done with; if the record is still that one's."""
        login.n_tries += 1
        sealed = self._seal(_TO_ASKING, login, records.asking(found.epoch + 1, self._host))
        self._run(CLAIM, login, (login.owner.encode(), _LIFE, sealed, found.owner.encode(), b"%d" % found.epoch))

    def inherit(self, login: ClaimedLogin, found: Found) -> None:
        """Claim a login from the instance before this one; if the record is still that one's, and within limits."""
        if login.n_tries >= MOST_CLAIMS:
            return
        login.n_tries += 1
        sealed = self._seal(_TO_ASKING, login, self._asking)
        self._run(CLAIM, login, (login.owner.encode(), _LIFE, sealed, found.owner.encode(), b"%d" % found.epoch))

    def look(self, login: ClaimedLogin) -> None:
        """Ask who has it."""
        self._run(LOOK, login, ())

    def write_asking(self, login: ClaimedLogin) -> None:
        """Write anew that Duo is asked."""
        self._write(login, _ASKING, self._seal(_TO_ASKING, login, records.asking(login.epoch, self._host)), _LIFE)

    def write_pushed(self, login: ClaimedLogin, *, is_left: bool = False) -> None:
        """Write the push's name, and whether it is left to others."""
        content = records.pushed(login.epoch, self._host, login.txid, login.factor, login.pushed_at, is_left=is_left)
        self._write(login, _PUSHED, self._seal(_TO_PUSHED, login, content), _LIFE)

    def write_decided(self, login: ClaimedLogin) -> None:
        """Write that it is decided, and which packets were answered."""
        packets = login.packets
        if login.epoch == 1 and len(packets) == 1:  # as nearly all are
            content = self._decided + packets[0]
        else:
            content = records.decided(login.epoch, self._host, packets)
        self._write(login, _DECIDED, self._seal(_TO_DECIDED, login, content), _DECIDED_LIFE)

    def take_over(self, login: ClaimedLogin, found: Found) -> None:
        """Take the push of an owner that is silent."""
        self._run(TAKE, login, (login.owner.encode(), found.owner.encode(), b"%d" % found.epoch, _LIFE))

    def release(self, login: ClaimedLogin) -> None:
        """Delete the record; under which name it is there, is not known before the store has said that it is ours."""
        self._run(RELEASE, login, (login.owner.encode(), b"%d" % login.epoch))
        if login.former != login.owner and not login.epoch:
            self._run(RELEASE, login, (login.former.encode(), b"0"))

    def join(self, login: ClaimedLogin, owner: str, now: float) -> None:
        """Ask its owner what becomes of it."""
        waited = encode_waited(max(0.0, now - login.begun_at))
        sealed = self._sealing.seal(waited, bound_to(WAITED, login.login, login.nonce, login.packet))
        self._say(instance_of(owner), Join(owner, login.nonce, self._instance, login.packet, sealed))

    def welcome(self, login: ClaimedLogin, join: Join) -> None:
        """Tell a joiner that its login is here; and that it may have the push, where that is offered."""
        self._say(join.joiner, Known(join.nonce))
        if login.is_offered and login.state is PUSHED:
            self.ended(login, LEAVE, join)

    def welcome_all(self, login: ClaimedLogin) -> None:
        """Tell everybody who has joined a login of ours that it is here."""
        if login.joiners is not None:
            for join in login.joiners:
                self.welcome(login, join)

    def ended(self, login: ClaimedLogin, how: str, join: Join) -> None:
        """Tell a joiner how its login has ended."""
        verdict = login.told() if how == VERDICT else b""
        sealed = self._sealing.seal(verdict, bound_to(how, login.login, join.nonce, join.packet))
        self._say(join.joiner, Ended(join.nonce, how, sealed))

    def taken(self, owner: str) -> None:
        """Tell an owner that it is one no more."""
        self._say(instance_of(owner), Taken(owner))

    def _say(self, instance: str, message: Join | Known | Ended | Taken) -> None:
        self._effects.append(Publish(mailbox(instance), encode_message(message)))

    def _write(self, login: ClaimedLogin, state: bytes, sealed: bytes, life: bytes) -> None:
        self._run(WRITE, login, (login.owner.encode(), b"%d" % login.epoch, state, sealed, life))

    def _run(self, script: ScriptName, login: ClaimedLogin, arguments: tuple[bytes, ...]) -> None:
        self._effects.append(RunScript(script, login.key, arguments, login))

    def _seal(self, bound: bytes, login: ClaimedLogin, content: bytes) -> bytes:
        return self._sealing.seal(content, bound + login.login)
