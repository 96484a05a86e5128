"""What a first factor's login gives its verdict, and that the password is forgotten wherever the login ends."""

import gc
from collections.abc import Callable
from types import ModuleType

import pytest

from gateway.duoapi.calls import PreauthAnswer
from gateway.engine.passed_on import PassedOn
from gateway.engine.primary import Primary
from gateway.engine.verdict import ACCEPT, Reason, Verdict, rejection
from gateway.radius.client import encode_attribute
from tests.compiled import only_interpreted
from tests.engine.home_scene import EAP, GO_ON, MS_CHAP, PASSWORD, SILENT, HomeStage, eap
from tests.engine.scene import ALLOWED, PUSHED

ATTRIBUTES = encode_attribute(25, b"staff")
FAILURE = eap(4)
ACCEPTED = PassedOn(ATTRIBUTES, "home", bytes(16))


def primary(refusal: bytes = b"") -> Primary:
    found = Primary(refusal)
    found.accepted = ACCEPTED
    return found


class TestVerdicts:
    def test_an_accept_has_what_the_home_server_has_said(self):
        verdict = Verdict(ACCEPT, Reason.DUO_ALLOWED, "Yes", "")
        primary(FAILURE).ends(verdict)
        assert (verdict.passed_on, verdict.attributes) == (ACCEPTED, b"")

    def test_a_rejection_has_the_protocols_own(self):
        verdict = rejection(Reason.DEADLINE)
        primary(FAILURE).ends(verdict)
        assert (verdict.passed_on, verdict.attributes) == (None, FAILURE)

    def test_but_not_beside_the_home_servers_and_beside_other_things(self):
        theirs, others = eap(4, 99), encode_attribute(101, bytes(4))
        for attributes, expected in ((theirs, theirs), (others, others + FAILURE)):
            verdict = rejection(Reason.FIRST_FACTOR_REJECTED)
            verdict.attributes = attributes
            primary(FAILURE).ends(verdict)
            assert verdict.attributes == expected

    def test_it_speaks_eap_whose_refusal_does(self):
        assert primary(FAILURE).speaks_eap
        assert not primary().speaks_eap

    def test_a_repr_has_no_more_than_how_far_it_is(self):
        assert repr(primary(FAILURE)) == "<Primary is_asked=False is_accepted=True>"


def reachable(*roots: object) -> list[object]:
    """Everything that the collector finds from these: not what is a module's or a class's."""
    found: dict[int, object] = {}
    left: list[object] = list(roots)
    while left:
        each = left.pop()
        if id(each) in found or isinstance(each, type | ModuleType | Callable):
            continue
        found[id(each)] = each
        left.extend(gc.get_referents(each))
    return list(found.values())


def holders(secret: bytes, *roots: object) -> list[object]:
    """What of that is, or has within it, a secret, as octets or as text."""
    text = secret.decode("latin-1")
    return [
        each
        for each in reachable(*roots)
        if (isinstance(each, bytes | bytearray) and secret in each) or (isinstance(each, str) and text in each)
    ]


def ended_by_answer(stage: HomeStage, end: str) -> None:
    if end == "refused":
        stage.refuse()
    elif end == "unreachable":
        stage.answer(SILENT)
    elif end == "challenged":
        stage.challenge()
    else:
        stage.accept()
        if end == "allowed":
            stage.answer(PreauthAnswer("allow"))
        elif end in ("auth", "pushed"):
            stage.answer(GO_ON)
        if end == "pushed":
            stage.answer(PUSHED)


def ended_otherwise(stage: HomeStage, end: str) -> None:
    pending = stage.asked[-1].pending
    if end == "deadline":
        stage.effects = stage.engine.timer(6.0)
    elif end == "internal error":
        stage.effects = stage.engine.failed(pending, 0.0)
    elif end == "abandoned":
        stage.effects = stage.engine.leave(0.0)
    else:  # isolated
        question = stage.effects
        stage.engine.isolate("app", is_isolated=True)
        stage.outage()
        stage.effects = question
        stage.accept()


BY_ANSWER = ["refused", "unreachable", "challenged", "accepted", "allowed", "auth", "pushed"]
OTHERWISE = ["deadline", "internal error", "abandoned", "isolated"]


@only_interpreted
class TestForgetting:
    def asking(self, typed: str = PASSWORD) -> HomeStage:
        stage = HomeStage(section={"response_deadline_s": 5.0})
        stage.ask(typed)
        return stage

    def test_it_is_known_until_then(self):
        """Else this test would find nothing anywhere."""
        stage = self.asking()
        assert holders(PASSWORD.encode(), stage.engine, stage.effects)

    @pytest.mark.parametrize("end", BY_ANSWER)
    def test_the_password_is_forgotten_with_the_answer(self, end):
        stage = self.asking()
        pending, effects = stage.asked[-1].pending, stage.effects
        ended_by_answer(stage, end)
        assert holders(PASSWORD.encode(), stage.engine, stage.effects, pending, effects) == []

    @pytest.mark.parametrize("end", OTHERWISE)
    def test_and_wherever_it_is_not_waited_for(self, end):
        stage = self.asking()
        pending, effects = stage.asked[-1].pending, stage.effects
        ended_otherwise(stage, end)
        assert stage.engine.n_pending == 0
        assert holders(PASSWORD.encode(), stage.engine, stage.effects, pending, effects) == []

    @pytest.mark.parametrize("credentials", [MS_CHAP, EAP])
    def test_so_are_other_credentials(self, credentials):
        stage = HomeStage()
        stage.relay(credentials)
        pending = stage.asked[-1].pending
        stage.accept()
        secret = pending.login.primary
        assert secret is not None
        assert secret.question is None

    @pytest.mark.parametrize("end", ["refused", "unreachable"])
    def test_a_passcode_behind_it_is_forgotten_with_the_login(self, end):
        stage = self.asking(f"{PASSWORD},86420975")
        pending = stage.asked[-1].pending
        ended_by_answer(stage, end)
        login = pending.login
        assert holders(b"86420975", login) == []

    def test_what_was_answered_to_the_home_servers_challenge_is_forgotten_too(self):
        stage = self.asking()
        stage.challenge(b"theirs")
        stage.ask("PIN 4711", stage.state)
        pending = stage.asked[-1].pending
        stage.accept()
        assert stage.to == ["app"]
        assert holders(b"PIN 4711", stage.engine, pending, stage.effects) == []
        assert holders(b"theirs", stage.engine, pending) == []
        stage.answer(GO_ON)
        stage.answer(ALLOWED)
