"""Asking for more, and knowing who was asked by the State that comes back."""

import pytest

from gateway.duoapi.calls import PASSCODE, Device
from gateway.engine.challenges.challenger import Challenger, Taken
from gateway.engine.challenges.kept import Kept
from gateway.engine.challenges.memory import ChallengeMemory, UnixClock
from gateway.engine.challenges.records import ChallengeRecord, kept_record, packed_challenge
from gateway.engine.challenges.state import Prompt
from gateway.engine.challenges.tokens import Tokens
from gateway.engine.typed_factor import TypedFactor
from gateway.engine.verdict import Verdict
from gateway.radius.attributes import attributes_in
from gateway.radius.client import encode_attribute
from gateway.words.reasons import Outcome

AHEAD = 1_700_000_000.0
PHONE = Device("DP1", frozenset({"push"}), "XXX-XXX-1234")
KEPT = Kept(None, b"theirs", "home")


class Scene:
    """A challenger whose names count."""

    def __init__(self, memory: ChallengeMemory | None = None, *, key: bytes = bytes(32), section: str = "s") -> None:
        self._n_names = 0
        self.memory = memory or ChallengeMemory(UnixClock(AHEAD))
        self.challenger = Challenger(Tokens([key], section, "radius_client"), self.memory, 300, self._draw)

    def _draw(self, size: int) -> bytes:
        self._n_names += 1
        return self._n_names.to_bytes(size, "big")

    def asked(self, prompt: Prompt = Prompt.MENU, *, now: float = 0.0, **more) -> bytes:
        """Ask alice; return the State."""
        verdict = self.challenger.ask(prompt, "alice", "Choose", now, **more)
        (state,) = [each.value for each in attributes_in(verdict.attributes) if each.kind == (0, 24)]
        return state

    def taken(self, state: bytes, account: str = "alice", now: float = 1.0) -> Taken | str:
        """What an answer comes to, or why it does not."""
        found = self.challenger.take(state, account, now)
        return found.reason.value if isinstance(found, Verdict) else found


def test_a_challenge_has_its_text_a_state_and_other_attributes():
    others = encode_attribute(27, bytes(4))
    verdict = Scene().challenger.ask(Prompt.RELAYED, "alice", "PIN?", 0.0, attributes=others)
    assert (verdict.outcome, verdict.reply_message) == (Outcome.CHALLENGE, "PIN?")
    assert [each.kind.kind for each in attributes_in(verdict.attributes)] == [24, 27]


@pytest.mark.parametrize("prompt", [each for each in Prompt if each is not Prompt.RELAYED])
def test_a_nas_is_told_how_long_a_question_of_ours_is_good_and_to_show_nothing_of_the_answer(prompt):
    """A bypass code may be good for many logins."""
    verdict = Scene().challenger.ask(prompt, "alice", "Choose", 0.0)
    found = {each.kind.kind: each.value for each in attributes_in(verdict.attributes)}
    assert (found[27], found[76]) == ((300).to_bytes(4, "big"), bytes(4))


@pytest.mark.parametrize(
    ("theirs", "kinds"),
    [
        (b"", [24, 27]),
        (encode_attribute(27, bytes(4)) + encode_attribute(76, b"\0\0\0\1"), [24, 27, 76]),
        (encode_attribute(79, b"\1\2\0\4"), [24, 79]),
    ],
)
def test_of_a_home_servers_question_what_it_says_itself_counts(theirs, kinds):
    verdict = Scene().challenger.ask(Prompt.RELAYED, "alice", "PIN?", 0.0, attributes=theirs)
    assert [each.kind.kind for each in attributes_in(verdict.attributes)] == kinds
    assert verdict.attributes.endswith(theirs or (300).to_bytes(4, "big"))


@pytest.mark.parametrize("prompt", Prompt)
def test_an_answer_is_known_again(prompt):
    scene = Scene()
    taken = scene.taken(scene.asked(prompt, menu=[PHONE], kept=KEPT))
    assert isinstance(taken, Taken)
    assert (taken.state.prompt, taken.kept) == (prompt, KEPT)
    assert taken.state.has_first_factor is (prompt is not Prompt.RELAYED)
    assert [each.device for each in taken.state.menu] == ["DP1"]
    assert taken.state.until == int(AHEAD) + 300


def test_it_is_good_for_one_answer():
    scene = Scene()
    state = scene.asked()
    assert isinstance(scene.taken(state), Taken)
    assert scene.taken(state) == "challenge_unknown"


def test_until_its_life_is_over():
    scene = Scene()
    state = scene.asked(now=10.0)
    assert scene.taken(state, now=310.0) == "challenge_expired"
    assert isinstance(scene.taken(state, now=309.5), Taken)


@pytest.mark.parametrize("other", [{"key": bytes(range(32))}, {"section": "other"}])
def test_not_in_another_section_nor_under_another_key(other):
    memory = ChallengeMemory(UnixClock(AHEAD))
    state = Scene(memory).asked()
    assert Scene(memory, **other).taken(state) == "challenge_unknown"
    assert isinstance(Scene(memory).taken(state), Taken)


def test_one_of_the_same_key_after_a_reload_is_taken_and_once_in_all():
    memory = ChallengeMemory(UnixClock(AHEAD))
    before, after = Scene(memory), Scene(memory)
    state = before.asked(kept=KEPT)
    assert isinstance(after.taken(state), Taken)
    assert before.taken(state) == "challenge_unknown"


def test_of_one_whose_kept_things_are_elsewhere_nothing_is_made_up():
    found = Scene().taken(Scene().asked(kept=KEPT))
    assert isinstance(found, Taken)
    assert found.kept is None


def test_what_another_host_has_kept_is_taken_for_its_own_token():
    scene, state = Scene(), Scene().asked(kept=KEPT)
    taken = scene.taken(state)
    assert isinstance(taken, Taken)
    record = kept_record(taken.name, taken.state.until, KEPT)
    other = kept_record(bytes(16), taken.state.until, KEPT)
    assert record is not None
    assert other is not None
    assert scene.challenger.with_kept(taken, packed_challenge(record)).kept == KEPT
    for octets in (b"", b"nonsense", packed_challenge(other), packed_challenge(record)[:-3]):
        assert scene.challenger.with_kept(taken, octets).kept is None
    assert scene.challenger.life_s(taken, 1.0) == 299.0


def test_what_is_kept_is_shared_once_with_other_hosts():
    shared: list[ChallengeRecord] = []
    scene = Scene()
    scene.memory.share = lambda record, _life_s: shared.append(record)
    scene.asked(kept=KEPT)
    scene.asked()
    (record,) = shared
    assert (record.kept, record.until) == (KEPT, int(AHEAD) + 300)
    successor = ChallengeMemory(UnixClock(AHEAD))
    successor.share = lambda record, _life_s: shared.append(record)
    successor.adopt(record, 1.0)
    assert len(shared) == 1


def test_a_typed_passcode_is_shared_with_nobody():
    shared: list[ChallengeRecord] = []
    scene = Scene()
    scene.memory.share = lambda record, _life_s: shared.append(record)
    scene.asked(kept=Kept(typed=TypedFactor(PASSCODE, 0, "123456")))
    assert shared == []


def test_a_foreign_try_uses_nothing_up():
    scene = Scene()
    state = scene.asked()
    assert scene.taken(state, "bob") == "challenge_unknown"
    assert isinstance(scene.taken(state), Taken)
