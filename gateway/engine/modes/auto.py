"""`[radius_server_auto]`: a factor may be typed behind the password; else the first of `factors` that can be had."""

from typing import final

from gateway.duoapi.calls import PASSCODE, Device
from gateway.engine.appended import Splitter, Typed
from gateway.engine.challenges.state import Prompt
from gateway.engine.factor_order import PASSCODE_TEXT, choose_factor, device_for, wants_devices
from gateway.engine.login import Login
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.modes.parts import Parts
from gateway.engine.modes.with_first_factor import WithFirstFactor
from gateway.engine.rules import SectionRules
from gateway.engine.steps import Step
from gateway.engine.typed_factor import TypedFactor
from gateway.engine.verdict import rejection
from gateway.words.reasons import Reason


@final
class Auto(WithFirstFactor):
    """The mode of one section."""

    __slots__ = ("_factors", "_splitter")

    def __init__(self, policy: LoginPolicy, rules: SectionRules, parts: Parts) -> None:
        super().__init__(policy, rules, parts)
        modes = rules.modes
        self._factors = modes.factors
        self._splitter = (
            Splitter(self.pw_codec, modes.delimiter, modes.delimited_password_length) if modes.allow_concat else None
        )

    def typed(self, password: bytes) -> Typed:
        """Return the password, and the factor behind it."""
        return self._splitter.split(password) if self._splitter is not None else Typed(password)

    def reading(self, password: bytes, factor: TypedFactor | None) -> str:
        """Return how the text was told apart."""
        return self._splitter.reading(password, factor) if self._splitter is not None else ""

    @property
    def relays(self) -> bool:
        """CHAP, MS-CHAP and EAP go on as they are: no factor can be typed with them."""
        return True

    @property
    def wants_devices(self) -> bool:
        """Whether which factor it is depends on the user's devices."""
        return wants_devices(self._factors)

    def without_factor(self, login: Login, devices: tuple[Device, ...], now: float) -> Step:
        """Return the question for the first factor of the list that the user has."""
        can_be_asked = login.primary is None or login.primary.can_be_asked
        factors = self._factors if can_be_asked else [each for each in self._factors if each is not PASSCODE]
        factor = choose_factor(factors, devices) if factors else None
        if factor is None:
            return login.decide(rejection(Reason.NO_CAPABLE_DEVICE))
        if factor is PASSCODE:
            return login.decide(self.challenge(login, Prompt.PASSCODE, PASSCODE_TEXT, now))
        return login.ask_factor(TypedFactor(factor), device_for(factor, devices) if devices else "auto", now)
