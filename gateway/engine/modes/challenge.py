"""`[radius_server_challenge]`: after a right password the person chooses the factor from a menu."""

from typing import final

from gateway.duoapi.calls import AuthAnswer, Device, PreauthAnswer
from gateway.engine.challenges.challenger import Taken
from gateway.engine.challenges.menu import menu_of, read_answer
from gateway.engine.challenges.state import Prompt
from gateway.engine.challenges.texts import console_text, enrolment_text, short_text
from gateway.engine.login import Login
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.modes.parts import Parts
from gateway.engine.modes.with_first_factor import WithFirstFactor
from gateway.engine.rules import PromptFormat, SectionRules
from gateway.engine.steps import Step
from gateway.engine.verdict import Verdict, rejection
from gateway.words.reasons import Reason


@final
class Challenge(WithFirstFactor):
    """The mode of one section."""

    __slots__ = ("_asks_after_sms", "_asks_to_enrol", "_is_short")

    def __init__(self, policy: LoginPolicy, rules: SectionRules, parts: Parts) -> None:
        super().__init__(policy, rules, parts)
        modes = rules.modes
        self._asks_after_sms = modes.sms_challenge
        self._asks_to_enrol = modes.enroll_challenge
        self._is_short = modes.prompt_format is PromptFormat.SHORT

    @property
    def wants_devices(self) -> bool:
        """The menu is made of them."""
        return True

    def without_factor(self, login: Login, devices: tuple[Device, ...], now: float) -> Step:
        """Return the menu."""
        return login.decide(self._menu(login, menu_of(devices), now))

    def enrolment(self, login: Login, answer: PreauthAnswer, now: float) -> Verdict:
        """Return the challenge that tells where to enrol, once; whoever is still not known then is rejected."""
        if not self._asks_to_enrol or login.primary is None or login.primary.was_told_to_enrol:
            return super().enrolment(login, answer, now)
        text = enrolment_text(answer.status_msg, answer.enroll_portal_url)
        return self.challenge(login, Prompt.ENROLMENT, text, now)

    def answered(self, login: Login, text: str, taken: Taken, now: float) -> Step:
        """Return the question to Duo for what was chosen."""
        if taken.state.prompt is not Prompt.MENU:
            if login.primary is not None and taken.state.prompt is Prompt.ENROLMENT:
                login.primary.was_told_to_enrol = True
            return super().answered(login, text, taken, now)
        choice = read_answer(text, taken.state.menu)
        if choice is None:
            return login.decide(rejection(Reason.UNKNOWN_OPTION))
        if login.primary is not None:
            login.primary.menu = taken.state.menu
            login.primary.asks_after_sms = self._asks_after_sms
        if choice.device or not choice.typed.ordinal:
            return login.ask_factor(choice.typed, choice.device or "auto", now)
        return self.ask_duo(login, choice.typed, now)

    def after_sms(self, login: Login, answer: AuthAnswer, now: float) -> Verdict:
        """Return the menu once more, with Duo's word that passcodes are on their way."""
        menu = login.primary.menu if login.primary is not None else ()
        verdict = self._menu(login, menu, now)
        verdict.reply_message = f"{answer.status_msg}\n\n{verdict.reply_message}".strip()
        return verdict

    def _menu(self, login: Login, menu: tuple[Device, ...], now: float) -> Verdict:
        text = short_text(menu) if self._is_short else console_text(login.user_name, menu)
        return self.challenge(login, Prompt.MENU, text, now, menu)
