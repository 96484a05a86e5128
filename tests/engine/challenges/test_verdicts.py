"""How a login ends that asks for more, and one whose answer is not taken."""

import pytest

from gateway.engine.challenges.refused import Refused
from gateway.engine.challenges.state import Prompt
from gateway.engine.challenges.verdicts import answer_refused, challenged
from gateway.engine.verdict import Outcome
from gateway.words.reasons import OUTCOME_OF, Reason


@pytest.mark.parametrize("prompt", Prompt)
def test_every_prompt_ends_in_a_challenge_whose_text_is_for_the_person_alone(prompt):
    verdict = challenged(prompt, "Enroll at https://d.test/p?code=1", b"state")
    assert verdict.outcome is Outcome.CHALLENGE is OUTCOME_OF[verdict.reason]
    assert not verdict.is_accept
    assert verdict.attributes == b"state"
    assert verdict.account
    assert "d.test" not in verdict.explanation


@pytest.mark.parametrize("why", Refused)
def test_every_answer_that_is_not_taken_is_rejected_and_the_log_says_why(why):
    verdict = answer_refused(why)
    assert verdict.outcome is Outcome.REJECT
    assert verdict.reason is (Reason.CHALLENGE_EXPIRED if why is Refused.EXPIRED else Reason.CHALLENGE_UNKNOWN)
    assert why.value in verdict.explanation
    assert why.value not in verdict.reply_message
