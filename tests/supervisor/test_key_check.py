"""What Duo says to new keys, with a scripted Duo."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from gateway.duoapi.calls import Answer, Call, Check, Refusal, Time
from gateway.supervisor.key_check import troubles_of_keys
from gateway.unavailable import Trouble, Unavailable

KEY, OTHER = "api-1.example.com:443/DIFIRST", "api-2.example.com:443/DISECOND"
GOOD = Time(1_741_083_330)


class Question:
    """A call that has been asked."""

    wire_s = 0.05

    def __init__(self) -> None:
        self.is_cancelled = False

    def cancel(self) -> None:
        """Take note."""
        self.is_cancelled = True


class Duo:
    """Answers so; None is no answer."""

    def __init__(self, answer: Answer | Unavailable | None) -> None:
        self._answer = answer
        self.calls: list[Call] = []
        self.question = Question()

    def ask(self, call: Call, on_answer: Callable[[Answer | Unavailable], None]) -> Question:
        """Answer with the next turn of the loop."""
        self.calls.append(call)
        if self._answer is not None:
            asyncio.get_running_loop().call_soon(on_answer, self._answer)
        return self.question


def troubles(askers: Mapping[str, Duo], patience_s: float = 60.0) -> list[str]:
    return asyncio.run(troubles_of_keys(askers, patience_s))


def test_keys_that_pass_are_no_trouble():
    duo = Duo(GOOD)
    assert troubles({KEY: duo}) == []
    assert isinstance(duo.calls[0], Check)


def test_nobody_is_asked_where_no_keys_are_new():
    assert troubles({}) == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Unavailable(Trouble.CONFIGURATION, "Duo answered 40103; check skey"), "Duo answered 40103; check skey"),
        (Unavailable(Trouble.CONNECT, "connection refused by 127.0.0.1:443"), "connection refused by 127.0.0.1:443"),
        (Refusal(404, 40401, "Resource not found"), "HTTP 404 'Resource not found'"),
    ],
)
def test_what_is_against_keys_is_told_of_each(answer, told):
    said = troubles({KEY: Duo(answer), OTHER: Duo(GOOD)})
    assert said == [f"the keys of DIFIRST at api-1.example.com:443 did not pass Duo's check: {told}"]


def test_who_does_not_answer_is_not_waited_for_and_says_nothing_later():
    silent = Duo(None)
    (said,) = troubles({KEY: silent, OTHER: Duo(GOOD)}, patience_s=0.0)[:1]
    assert said.startswith("the keys of DIFIRST at api-1.example.com:443 have not been checked by Duo yet")
    assert silent.question.is_cancelled


def test_where_one_cannot_be_asked_nobody_else_says_anything_later():
    class Broken(Duo):
        def ask(self, call: Call, on_answer: Callable[[Answer | Unavailable], None]) -> Question:
            raise ValueError

    asked = Duo(None)
    with pytest.raises(ValueError):
        troubles({KEY: asked, OTHER: Broken(None)})
    assert asked.question.is_cancelled
