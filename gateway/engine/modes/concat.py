"""`[radius_server_concat]`: a factor must be typed behind the password."""

from typing import final

from gateway.duoapi.calls import Device
from gateway.engine.appended import Splitter, Typed, append_text
from gateway.engine.login import Login
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.modes.asked import Asked
from gateway.engine.modes.parts import Parts
from gateway.engine.modes.with_first_factor import WithFirstFactor
from gateway.engine.rules import SectionRules
from gateway.engine.steps import Step
from gateway.engine.typed_factor import TypedFactor
from gateway.engine.verdict import rejection
from gateway.words.explanations import REASONS
from gateway.words.reasons import Reason


@final
class Concat(WithFirstFactor):
    """The mode of one section."""

    __slots__ = ("_delimiter", "_hint", "_splitter")

    def __init__(self, policy: LoginPolicy, rules: SectionRules, parts: Parts) -> None:
        super().__init__(policy, rules, parts)
        modes = rules.modes
        self._delimiter = modes.delimiter
        self._hint = REASONS[Reason.FACTOR_MISSING].remedy.replace("secret,", f"secret{modes.delimiter}")
        self._splitter = Splitter(self.pw_codec, modes.delimiter, modes.delimited_password_length, takes_any=True)

    def typed(self, password: bytes) -> Typed:
        """Return the password, and the factor behind it."""
        return self._splitter.split(password)

    def reading(self, password: bytes, factor: TypedFactor | None) -> str:
        """Return how the text was told apart."""
        return self._splitter.reading(password, factor)

    def begin(self, login: Login, asked: Asked, now: float) -> Step:
        """Return the first step; without a factor the first factor is not asked, for Duo could not be."""
        is_answer = asked.primary is not None and asked.primary.state
        if asked.factor is None and not is_answer:
            return self._factor_missing(login)
        return super().begin(login, asked, now)

    def without_factor(self, login: Login, _devices: tuple[Device, ...], _now: float) -> Step:
        """Return the rejection: the factor that was typed is gone with a worker."""
        return self._factor_missing(login)

    def _factor_missing(self, login: Login) -> Step:
        verdict = rejection(Reason.FACTOR_MISSING)
        verdict.reply_message = append_text(self._delimiter)
        verdict.hint = self._hint
        return login.decide(verdict)
