"""What auto, concat and challenge have in common: a first factor is asked before Duo, and nobody gets in without it.

The password goes to the first factor as it was typed, octet for octet where that writes as the NAS does, and is
forgotten with the answer. Its digest tells one login from another meanwhile.
"""

from hmac import compare_digest
from typing import Final

from gateway.duoapi.calls import PASSCODE, AuthAnswer, Device, PreauthAnswer
from gateway.engine.appended import Typed
from gateway.engine.challenges.challenger import Taken
from gateway.engine.challenges.kept import Kept
from gateway.engine.challenges.menu import read_answer
from gateway.engine.challenges.refused import Refused
from gateway.engine.challenges.state import TYPED_SIZE, Prompt, State
from gateway.engine.challenges.verdicts import answer_refused
from gateway.engine.digests import PasswordDigests
from gateway.engine.duo_verdicts import preauth_verdict
from gateway.engine.first_factor import Accepted, Challenged, CheckFirstFactor
from gateway.engine.login import Login
from gateway.engine.login_among_hosts import use
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.modes.asked import Asked, PrimaryAsked
from gateway.engine.modes.mode import Mode
from gateway.engine.modes.parts import Parts
from gateway.engine.modes.passing_on import PassingOn, shown_text
from gateway.engine.modes.reading import (
    before_nul,
    may_be_chance,
    readable,
    recoded,
    refuse_repeats,
    refuse_unproven,
)
from gateway.engine.modes.unproven import not_proven, refused_as_asked, unproven_answer, unreadable
from gateway.engine.passed_on import PassedOn
from gateway.engine.person import without_domain
from gateway.engine.primary import Answering, Primary
from gateway.engine.rules import PreauthRule, SectionRules
from gateway.engine.sender import Sender
from gateway.engine.steps import Consulted, Step
from gateway.engine.typed_factor import TypedFactor, meaning_of, read_factor
from gateway.engine.verdict import ACCEPT, Verdict, rejection
from gateway.fleetapi.questions import Unused, UseState
from gateway.radius.attributes import AttributeKind
from gateway.radius.credentials import (
    CHAP,
    EAP,
    EAP_START,
    MS_CHAP,
    NONE,
    PAP,
    SEVERAL,
    Credential,
    credential_attributes,
    credential_of,
    has_own_name,
    refusal_of,
)
from gateway.radius.dictionary import STATE, USER_PASSWORD
from gateway.radius.discards import DiscardReason
from gateway.radius.packet import Packet
from gateway.radius.passing import to_challenge
from gateway.radius.shared_secret import SharedSecret
from gateway.words.reasons import Reason

_UNKNOWN_FACTOR: Final = Reason.UNKNOWN_FACTOR
_RELAYING: Final = (CHAP, MS_CHAP, EAP, EAP_START)  # hashing is slow
_NO_TEXT: Final = "The password was no text in pw_codec, or not in that of the first factor, which was not asked"
_ANYTHING: Final = b"\0"  # where whatever is answered means the same; no password has a NUL
_LIKE_CHANCE: Final = "The password looked like random bytes: the first factor was not asked"
_NO_PASSWORD_HINT: Final = (
    "the user types the password first; if that was done, the RADIUS client has not sent it, or in another attribute"
)


class WithFirstFactor(Mode):
    """The mode of one section."""

    __slots__ = (
        "_challenger",
        "_deadline_s",
        "_digests",
        "_exempt",
        "_first_factor",
        "_passing_on",
        "_preauth_always",
    )

    def __init__(self, policy: LoginPolicy, rules: SectionRules, parts: Parts) -> None:
        super().__init__(policy, rules)
        self._first_factor = parts.first_factor
        self._passing_on = PassingOn(parts.to_nas, parts.first_factor.secrets)
        self._challenger = parts.challenger
        self._digests = PasswordDigests(parts.digest_key)
        self._deadline_s = rules.response_deadline_s
        self._exempt = frozenset(name.lower() for name in rules.exempt_usernames)
        self._preauth_always = rules.preauth is PreauthRule.ALWAYS

    # What differs from mode to mode.

    def typed(self, password: bytes) -> Typed:
        """Return what was typed in the first request of a login."""
        return Typed(password)

    def reading(self, _password: bytes, _factor: TypedFactor | None) -> str:
        """Return how a text became these two, as an administrator reads it if the password is refused."""
        return ""

    def without_factor(self, login: Login, devices: tuple[Device, ...], now: float) -> Step:
        """Return how a login goes on for which no factor was typed, once Duo wants one."""
        raise NotImplementedError

    def enrolment(self, _login: Login, answer: PreauthAnswer, _now: float) -> Verdict:
        """Return the end of a login whose user Duo does not know yet."""
        return preauth_verdict(answer)

    @property
    def relays(self) -> bool:
        """Whether it takes credentials that are no password, where its first factor does."""
        return False

    @property
    def wants_devices(self) -> bool:
        """Whether `without_factor` needs to know what the user's devices can do."""
        return False

    # A request is read.

    def read(self, packet: Packet, sender: Sender, source: str) -> Asked | Verdict | DiscardReason:
        """Return what a request asks for, the rejection, or the reason to stay silent.

        As in duo_only a password has to prove the secret of an unsigned request: what random octets look like is no
        password that a directory should count as a wrong one. It does so before anything else is looked for. An answer
        to a challenge has to be signed, or have a password that proves it: it uses up the State, which others may have
        seen on its way.
        """
        name = before_nul(packet.user_name)
        user_name = readable(name, "utf-8")
        if not user_name:
            return refused_as_asked(Reason.BAD_USER_NAME if user_name is None else Reason.NO_USER_NAME, packet)
        password = self._password(packet, sender, source) if packet.has(USER_PASSWORD) else b""
        if not isinstance(password, bytes):
            return password
        credential = credential_of(packet)
        if credential is not PAP and not packet.signed_at and packet.value(STATE):
            return unproven_answer()
        reason = refuse_repeats(packet)
        if reason is None and credential is not PAP:
            reason = self._refuse_credential(credential, packet)
        if reason is not None:
            return refused_as_asked(reason, packet)
        typed = self.typed(password) if credential is PAP and not packet.value(STATE) else Typed(password)
        return self._asked(packet, name, user_name, credential, typed)

    def _password(self, packet: Packet, sender: Sender, source: str) -> bytes | Verdict | DiscardReason:
        """Return what was typed, or what `read` returns instead; of an unsigned request it has proven the secret."""
        hidden = packet.value(USER_PASSWORD) or b""
        clear = sender.shared_secret.reveal_user_password(hidden, packet.authenticator) if hidden else b""
        if clear is None:
            return rejection(Reason.MALFORMED_PASSWORD)
        password = before_nul(clear)
        if not packet.signed_at:
            n_nuls = len(hidden) - len(clear)
            if not hidden or may_be_chance(password, len(clear), n_nuls):
                refused = refuse_unproven(sender, source, n_nuls)
                return unreadable(_LIKE_CHANCE, refused.hint) if isinstance(refused, Verdict) else refused
            sender.was_read(source)
        return password

    def _refuse_credential(self, credential: Credential, packet: Packet) -> Reason | None:
        if credential is SEVERAL:
            return Reason.CONFLICTING_CREDENTIALS
        if credential is NONE and not packet.value(STATE):
            return Reason.UNSUPPORTED_CREDENTIALS
        is_relayed = self.relays and self._first_factor.relays
        return Reason.UNSUPPORTED_CREDENTIALS if credential in _RELAYING and not is_relayed else None

    def _asked(self, packet: Packet, name: bytes, user_name: str, credential: Credential, typed: Typed) -> Asked:
        relayed = credential_attributes(packet) if credential is not PAP and credential in _RELAYING else b""
        state = packet.value(STATE) or b""
        text = readable(typed.password.strip(), self.pw_codec) if state else None  # nobody looks at it but in an answer
        meant = self._meant(state, user_name, text) if text is not None else b""
        digest = self._digests.password(meant or typed.password, name, relayed, state)
        primary = PrimaryAsked(
            name,
            self._first_factor.to_home.to_home(packet) + relayed,
            bool(relayed),
            state,
            refusal_of(packet) if credential is not PAP else b"",
            packet.authenticator,
            digest if typed.password else b"",
            proves=credential is not EAP_START,
            has_own_name=credential is EAP and has_own_name(packet),
        )
        address = self.client_address
        return Asked(
            user_name,
            typed.password,
            text,
            typed.factor,
            f"{digest.hex()} {meaning_of(typed.factor, b'')}",
            address.read(packet) if address is not None else None,
            primary,
        )

    def _meant(self, state: bytes, user_name: str, text: str) -> bytes:
        """Return what an answer to a challenge of ours means, which no password is; empty where its octets count."""
        said = self._challenger.said(state, user_name)
        if said is None or not said.has_first_factor:
            return b""
        if said.prompt is Prompt.ENROLMENT:
            return _ANYTHING
        choice = read_answer(text, said.menu)
        return f"\0{meaning_of(choice.typed, b'')} {choice.device}".encode() if choice is not None else b""

    # A login begins.

    def begin(self, login: Login, asked: Asked, now: float) -> Step:
        """Return the first step: the first factor is asked, or it is seen what an answer to a challenge means."""
        asked_first = asked.primary
        if asked_first is None:
            raise ValueError("what was read by another mode")
        login.primary = Primary(
            asked_first.refusal,
            can_be_asked=not asked_first.has_credentials,
            proves=asked_first.proves,
            has_own_name=asked_first.has_own_name,
        )
        if asked_first.state:
            return self._challenge_answered(login, asked, asked_first, now)
        login.primary.typed = asked.factor
        login.primary.digest = asked_first.digest
        login.primary.reading = self.reading(asked.password, asked.factor)
        return self._check(login, asked, asked_first, b"", "", now)

    def _check(
        self, login: Login, asked: Asked, asked_first: PrimaryAsked, state: bytes, host: str, now: float
    ) -> Step:
        """Ask the first factor; an empty password never leaves the gateway: directories take it for no login at all.

        Where it is the answer to a challenge, with that one's State, its host is asked.
        """
        if not self._first_factor.name:
            return self._go_on(login, now)
        password = asked.password if not asked_first.has_credentials else None
        if password is not None and self._first_factor.pw_codec:
            password = recoded(password, self.pw_codec, self._first_factor.pw_codec)
            if password is None:
                return login.decide(unreadable(_NO_TEXT))
        if password is not None and not password and not host:
            verdict = rejection(Reason.NO_PASSWORD)
            verdict.reply_message = "Enter your password."
            verdict.hint = _NO_PASSWORD_HINT
            return login.decide(verdict)
        question = CheckFirstFactor(
            asked_first.user_name,
            password,
            asked_first.attributes,
            state,
            host,
            now + self._deadline_s if self._deadline_s else 0.0,
        )
        return login.check(self._first_factor.name, question, now)

    def _challenge_answered(self, login: Login, asked: Asked, asked_first: PrimaryAsked, now: float) -> Step:
        """Go on with the answer to a challenge; where other hosts may have taken its State, once they have not."""
        taken = self._challenger.take(asked_first.state, asked.user_name, now, asked_first.authenticator)
        if isinstance(taken, Verdict):
            return login.decide(taken)
        if not login.policy.fleet or login.primary is None:
            return self._taken(login, asked, asked_first, taken, now)
        login.primary.answering = Answering(asked, taken)
        life_s = self._challenger.life_s(taken, now)
        return use(login, UseState(taken.name, life_s, wants_kept=taken.kept is None), now)

    def _unused(self, login: Login, answer: Unused, now: float) -> Step:
        """Go on with an answer whose State no other login has used."""
        primary = login.primary
        answering = primary.answering if primary is not None else None
        if primary is None or answering is None or answering.asked.primary is None:
            raise ValueError("nobody has answered a challenge")
        primary.answering, primary.again_s = None, answer.again_s
        taken = self._challenger.with_kept(answering.taken, answer.kept)
        return self._taken(login, answering.asked, answering.asked.primary, taken, now)

    def _taken(self, login: Login, asked: Asked, asked_first: PrimaryAsked, taken: Taken, now: float) -> Step:
        state, kept = taken.state, taken.kept
        if kept is None:
            return login.decide(answer_refused(Refused.LOST))
        if not state.has_first_factor:
            if not kept.host or not self._first_factor.name:  # whoever asked cannot be asked any more
                return login.decide(answer_refused(Refused.LOST))
            if login.primary is not None:
                login.primary.typed = kept.typed
            return self._check(login, asked, asked_first, kept.state, kept.host, now)
        if kept.accepted is not None and not self._passing_on.knows(kept.accepted):
            return login.decide(answer_refused(Refused.LOST))
        if self._is_repeated(asked, asked_first, state):
            return login.decide(rejection(Reason.NAS_CANNOT_ANSWER))
        if login.primary is not None:
            login.primary.accepted = kept.accepted
            login.primary.digest = state.typed
        return self.answered(login, asked.text or "", taken, now)

    def _is_repeated(self, asked: Asked, asked_first: PrimaryAsked, state: State) -> bool:
        """Whether an answer is the password once more, from a NAS that cannot ask: it has nothing else to send.

        A person may mean what reads as an answer: where nobody checks the password a passcode may be typed twice, and
        one token may serve a home server and Duo. A directory's password is no passcode, and none of Duo's business.
        """
        digest = self._digests.password(asked.password, asked_first.user_name)[:TYPED_SIZE]
        if not state.typed or not compare_digest(digest, state.typed):
            return False
        if state.prompt is Prompt.ENROLMENT:  # anything is an answer
            return False
        choice = read_answer(asked.text or "", state.menu)
        return choice is None or (self._first_factor.is_directory and choice.typed.factor is PASSCODE)

    def answered(self, login: Login, text: str, taken: Taken, now: float) -> Step:
        """Return how a login goes on with a person's answer to a challenge of ours."""
        if taken.state.prompt is Prompt.PASSCODE:
            typed = read_factor(text)
            if typed is None:
                return login.decide(rejection(Reason.UNKNOWN_OPTION))
            return login.ask_factor(typed, "auto", now) if not typed.ordinal else self.ask_duo(login, typed, now)
        return self.ask_duo(login, None, now)

    # A login goes on.

    def consulted(self, login: Login, answer: Consulted, now: float) -> Step:
        """Return how a login goes on after an answer that means something else in each mode."""
        if isinstance(answer, Unused):
            return self._unused(login, answer, now)
        if isinstance(answer, Accepted):
            return self._accepted(login, answer, now)
        if isinstance(answer, Challenged):
            return login.decide(self._relay(login, answer, now))
        if isinstance(answer, PreauthAnswer):
            if answer.result == "enroll":
                return login.decide(self.enrolment(login, answer, now))
            return self.without_factor(login, answer.devices, now)
        return login.decide(self.after_sms(login, answer, now))

    def after_sms(self, login: Login, answer: AuthAnswer, now: float) -> Verdict:
        """Return what the person is asked once Duo has sent passcodes."""
        raise NotImplementedError

    def _accepted(self, login: Login, answer: Accepted, now: float) -> Step:
        refused = not_proven(login, answer)
        if refused is not None:
            return login.decide(refused)
        hop = answer.hop
        if hop is None:  # a directory has nothing for the NAS
            return self._go_on(login, now)
        passed_on = self._passing_on.of_accept(answer, hop)
        if passed_on is None:
            return login.decide(rejection(Reason.REPLY_TOO_LONG))
        if login.primary is not None:
            login.primary.accepted = passed_on
        return self._go_on(login, now)

    def left_out_now(self) -> tuple[str, tuple[AttributeKind, ...]] | None:
        """Return which home server's attributes of which kinds have been left out for the first time, and forget it."""
        return self._passing_on.left_out_now()

    def _go_on(self, login: Login, now: float) -> Step:
        """Ask Duo, but not for an exempt user: the first factor has said yes, and to that very name."""
        primary = login.primary
        if self._exempt and (primary is None or not primary.has_own_name) and self._is_exempt(login.user_name.lower()):
            return login.decide(Verdict(ACCEPT, Reason.EXEMPT, "", "The user is exempt from Duo (exempt_username_N)"))
        return self.ask_duo(login, primary.typed if primary is not None else None, now)

    def _is_exempt(self, name: str) -> bool:
        """Whether an entry has this name, or has it without its domain: as it is for the first factor, which may tell
        apart what looks alike.
        """
        return name in self._exempt or without_domain(name) in self._exempt

    def ask_duo(self, login: Login, typed: TypedFactor | None, now: float) -> Step:
        """Return the first question to Duo: without a typed factor, whether one is needed and which can be had."""
        return login.ask_duo(
            typed,
            _UNKNOWN_FACTOR,
            self._preauth_always or typed is None,
            now,
            wants_devices=typed is None and self.wants_devices,
        )

    def challenge(self, login: Login, prompt: Prompt, text: str, now: float, menu: tuple[Device, ...] = ()) -> Verdict:
        """Return a challenge of ours, to a user whom the first factor has accepted: what that has said is kept."""
        primary = login.primary
        accepted = primary.accepted if primary is not None else None
        kept = Kept(accepted) if accepted is not None else None
        typed = primary.digest[:TYPED_SIZE] if primary is not None else b""
        return self._challenger.ask(prompt, login.user_name, text, now, menu=menu, kept=kept, typed=typed)

    def _relay(self, login: Login, answer: Challenged, now: float) -> Verdict:
        """Return the home server's own challenge: its answer goes to the same host, with the same State."""
        typed = login.primary.typed if login.primary is not None else None
        kept = Kept(None, answer.state, answer.host, typed)
        attributes = to_challenge(answer.attributes)
        text = shown_text(answer.attributes)
        return self._challenger.ask(Prompt.RELAYED, login.user_name, text, now, kept=kept, attributes=attributes)

    # A login ends.

    def passed(self, passed_on: PassedOn, secret: SharedSecret, packet: Packet) -> tuple[str, bytes]:
        """Return the home server's text and attributes for the reply to this packet, which was sent with this secret.

        Raises:
            ValueError: it was in settings that are gone.
        """
        return self._passing_on.to_reply(passed_on, secret, packet)
