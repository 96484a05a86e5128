"""`[radius_server_duo_only]`: the password is the second factor, and nobody else is asked.

Surrounding blanks do not count. An exempt user is accepted whatever was typed: there is no first factor to check.
"""

from typing import Final, final

from gateway.duoapi.calls import AUTO
from gateway.engine.login import Login
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.modes.asked import Asked
from gateway.engine.modes.mode import Mode
from gateway.engine.modes.reading import (
    UNUSUAL,
    before_nul,
    may_be_chance,
    readable,
    refuse_attributes,
    refuse_unproven,
)
from gateway.engine.rules import PreauthRule, SectionRules, UnrecognisedFactor
from gateway.engine.sender import Sender
from gateway.engine.steps import Step
from gateway.engine.typed_factor import TypedFactor, meaning_of, read_factor
from gateway.engine.verdict import (
    ACCEPT,
    Verdict,
    rejection,
)
from gateway.radius.dictionary import USER_PASSWORD
from gateway.radius.discards import DiscardReason
from gateway.radius.packet import Packet
from gateway.words.reasons import Reason

_UNKNOWN_FACTOR: Final = Reason.UNKNOWN_FACTOR
_AUTOMATIC: Final = meaning_of(TypedFactor(AUTO), b"")


@final
class DuoOnly(Mode):
    """The mode of one section.

    Attributes:
        automatic: what is neither passcode nor factor word asks for Duo's automatic factor.
        preauth_always: ask `/preauth` even when the typed factor does not need the device list.
        exempt: user names that log in without Duo.
    """

    __slots__ = ("automatic", "exempt", "preauth_always")

    def __init__(
        self,
        policy: LoginPolicy,
        rules: SectionRules,
    ) -> None:
        super().__init__(policy, rules)
        self.automatic = rules.unrecognised_factor is UnrecognisedFactor.AUTO
        self.preauth_always = rules.preauth is PreauthRule.ALWAYS
        self.exempt = rules.exempt_usernames

    def read(self, packet: Packet, sender: Sender, source: str) -> Asked | Verdict | DiscardReason:
        """Return what a request asks for, the rejection, or the reason to stay silent.

        A signature has proven the shared secret. Of other requests the password has to: whoever does not know the
        secret can send one, and `unrecognised_factor=auto` would push somebody for it. So an unsigned request is never
        a login whose password is no text, or what random octets look like too often. Silence answers it where nothing
        has ever proven the secret: it is most likely wrong, and the NAS could not verify a reply either.
        """
        hidden = packet.value(USER_PASSWORD) or b""
        if packet.marks & UNUSUAL or packet.has_repeats or not hidden:
            reason = refuse_attributes(packet)
            if reason is not None:
                return rejection(reason)
        user_name = readable(before_nul(packet.user_name), "utf-8")
        if not user_name:
            return rejection(Reason.BAD_USER_NAME if user_name is None else Reason.NO_USER_NAME)
        clear = sender.shared_secret.reveal_user_password(hidden, packet.authenticator)
        if clear is None:
            return rejection(Reason.MALFORMED_PASSWORD)
        password = before_nul(clear)
        text = readable(password.strip(), self.pw_codec)
        factor = read_factor(text) if text else None
        if not packet.signed_at:
            n_nuls = len(hidden) - len(clear)
            if text is None or (factor is None and may_be_chance(password, len(clear), n_nuls)):
                return refuse_unproven(sender, source, n_nuls)
            if text:
                sender.was_read(source)
        address = self.client_address
        ipaddr = address.read(packet) if address is not None else None
        return Asked(
            user_name,
            password,
            text,
            factor,
            _AUTOMATIC if factor is None and self.automatic else meaning_of(factor, password),
            ipaddr,
        )

    def begin(self, login: Login, asked: Asked, now: float) -> Step:
        """Return the first step: Duo is asked, but not for an exempt user."""
        if asked.user_name in self.exempt:
            account = "The user is exempt from Duo (exempt_username_N)"
            return login.decide(Verdict(ACCEPT, Reason.EXEMPT, "", account))
        factor, no_factor = asked.factor, _UNKNOWN_FACTOR
        if factor is None:
            if self.automatic:
                factor = TypedFactor(AUTO)
            else:
                no_factor = _why_no_factor(asked.text)
        return login.ask_duo(factor, no_factor, self.preauth_always, now)


def _why_no_factor(text: str | None) -> Reason:
    if text is None:
        return Reason.UNREADABLE_PASSWORD
    return _UNKNOWN_FACTOR if text.strip() else Reason.NO_PASSWORD
