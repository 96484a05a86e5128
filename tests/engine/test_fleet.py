"""A login among several hosts: claimed before Duo is asked, joined where another host has it, told of in the end."""

from typing import Any

import pytest

from gateway.duoapi.calls import Auth, AuthAnswer, AuthStatus, Preauth
from gateway.engine.effects import Finished, ForgetLogin, KeepLogin, PutQuestion, ShareEnd, ShareLogin, StopAsking
from gateway.engine.login import HOLD_S, Login
from gateway.engine.login_among_hosts import CLAIM_LIFE_S
from gateway.engine.login_states import AUTH, CLAIMING, DECIDED, ELSEWHERE, JOINED, LOST, PERSON_PATIENCE_S, WAITING
from gateway.engine.pending import PendingLogin
from gateway.engine.records import packed_verdict
from gateway.engine.verdict import ACCEPT, REJECT, Reason, Verdict
from gateway.fleetapi.questions import Claim, Decided, Granted, Held, Join, Joined, Lost, Released, TakenOver
from gateway.unavailable import Trouble, Unavailable
from tests.engine.scene import ALLOWED, DENIED, GO_ON, PUSHED, Stage

FLEET = {"fleet": "fleet"}
THERE = Decided("gw-b", packed_verdict(Verdict(ACCEPT, Reason.DUO_ALLOWED, "Success.", "Duo says so")))
TAKEN = TakenOver(Held("ours:1", 2), "gw-b", "tx-9", "push", 20.0)
GONE = Unavailable(Trouble.CLOSED, "closed")
CUT = packed_verdict(Verdict(REJECT, Reason.NO_PASSWORD, "", ""))[:-5]
AWAY = Unavailable(Trouble.OUTAGE, "known")


def claiming(password: str = "push", **section: Any) -> Stage:
    """A login that Duo's preauth has let on."""
    stage = Stage(policy=FLEET, **section)
    stage.login("alice", password)
    stage.answer(GO_ON, now=0.1)
    return stage


def joined() -> Stage:
    stage = claiming()
    stage.answer(Joined("gw-b"), now=0.2)
    return stage


def pushed() -> Stage:
    stage = claiming()
    stage.answer(Granted(Held("ours:1", 1)), now=0.2)
    stage.answer(PUSHED, now=0.3)
    return stage


def question(stage: Stage) -> Any:
    """What is asked now."""
    (asked,) = stage.asked
    return asked.question


def pending(stage: Stage) -> PendingLogin:
    return stage.asked[-1].pending


def shared(stage: Stage) -> list[Any]:
    return [each for each in stage.effects if isinstance(each, (ShareLogin, ShareEnd))]


def ended(stage: Stage) -> tuple[Reason | None, bool]:
    """What the fleet is told of the end."""
    (end,) = [each for each in stage.effects if isinstance(each, ShareEnd)]
    return (end.verdict.reason if end.verdict is not None else None), end.is_asked


def test_without_a_fleet_nobody_is_asked():
    stage = Stage()
    stage.login("alice", "push")
    stage.answer(GO_ON)
    assert isinstance(question(stage), Auth)
    stage.answer(ALLOWED)
    assert shared(stage) == []


def test_what_may_happen_twice_needs_no_claim():
    stage = Stage(policy=FLEET)
    stage.login()
    assert isinstance(question(stage), Preauth)


def test_a_login_is_claimed_before_duo_is_asked_for_what_may_not():
    stage = claiming()
    (asked,) = stage.asked
    assert asked.to == "fleet"
    claim = asked.question
    assert isinstance(claim, Claim)
    assert (claim.owner, claim.number) == ("ours:00000001", asked.pending.number)
    assert len(claim.packet) == 16
    assert claim.login == asked.pending.fleet_key
    assert len(claim.login) == 16


def test_hosts_of_0_2_0_know_the_login_and_its_packet_by_the_same_names():
    """They are upgraded one by one, and know nobody's login but by these."""
    claim = question(claiming())
    assert (claim.login.hex(), claim.packet.hex()) == (
        "472e1ebf0a366e6a7fa591407d02ddd7",
        "cc5736bb456648c56aa087173f9ff39a",
    )


@pytest.mark.parametrize(
    ("password", "is_repeatable"), [("123456", True), ("push", False), ("phone", False), ("sms", False)]
)
def test_a_claim_says_whether_another_host_may_ask_again_what_this_one_has_asked(password, is_repeatable):
    assert question(claiming(password)).is_repeatable is is_repeatable


def test_the_same_login_has_the_same_name_at_every_host_and_another_one_does_not():
    names = [question(claiming(password)).login for password in ("push", "push", "123456")]
    assert names[0] == names[1] != names[2]


def test_the_claim_is_kept_before_it_is_put_so_that_a_successor_can_give_it_back():
    stage = claiming()
    keep, put = stage.effects
    assert isinstance(keep, KeepLogin)
    assert isinstance(put, PutQuestion)
    record = put.pending.record()
    assert (record.state, record.held, record.fleet_key) == ("claiming", ("ours:00000001", 0), put.question.login)
    assert (record.key, record.packets) == (record.fleet_key, [])  # its packets come again, and begin anew


@pytest.mark.parametrize("password", ["push", "123456"])
def test_a_claim_is_handed_over_with_its_packets(password):
    stage = claiming(password)
    (claimed,) = [each.pending.record() for each in stage.hand_over() if isinstance(each, KeepLogin)]
    assert len(claimed.packets) == 1
    assert claimed.key not in (claimed.fleet_key, b"")
    stage.answer(Granted(Held("ours:1", 1)), now=0.2)
    (asked,) = [each.pending.record() for each in stage.effects if isinstance(each, KeepLogin)]
    assert (asked.state, asked.key, len(asked.packets)) == ("auth", claimed.key, 1)


def test_another_packet_of_a_claimed_login_needs_no_record():
    stage = claiming()
    assert not [each for each in stage.login("alice", "push", identifier=2) if isinstance(each, KeepLogin)]


def test_a_passcode_is_kept_once_and_a_push_again_when_it_may_be_out():
    kept = {}
    for password in ("push", "123456"):
        stage = claiming(password)
        stage.answer(Granted(Held("ours:1", 1)), now=0.2)
        kept[password] = [each for each in stage.effects if isinstance(each, KeepLogin)]
    assert (len(kept["push"]), len(kept["123456"])) == (1, 0)


@pytest.mark.parametrize("password", ["push", "123456"])
def test_a_granted_login_asks_duo(password):
    stage = claiming(password)
    stage.answer(Granted(Held("ours:1", 1)), now=0.2)
    assert isinstance(question(stage), Auth)
    assert pending(stage).login.state is AUTH
    assert pending(stage).record().held == ("ours:1", 1)


def test_a_claim_of_long_ago_asks_nobody():
    """This process stood still, and another host may have pushed since; who has joined may claim it."""
    stage = claiming()
    stage.answer(Granted(Held("ours:1", 1)), now=0.1 + CLAIM_LIFE_S + 0.1)
    assert stage.asked == []
    assert stage.reason == "push_lost"
    assert ended(stage) == (None, False)


def test_the_fleet_hears_which_packets_were_answered():
    stage = claiming()
    claim = question(stage)
    stage.answer(Granted(Held("ours:1", 1)))
    stage.login("alice", "push", identifier=8, port=40002)
    stage.effects = stage.engine.answered(next(iter(stage.engine._pending)), ALLOWED, 1.0)
    (end,) = shared(stage)
    assert len(set(end.packets)) == 2
    assert claim.packet in end.packets


def test_what_the_fleet_cannot_say_keeps_nobody_out():
    stage = claiming()
    stage.answer(GONE)
    assert isinstance(question(stage), Auth)


def test_the_fleet_hears_the_name_of_a_push_once_duo_has_told_it():
    stage = pushed()
    (share,) = shared(stage)
    assert isinstance(share, ShareLogin)
    assert share.pending.login.txid == "tx-1"


@pytest.mark.parametrize(("answer", "reason"), [(ALLOWED, Reason.DUO_ALLOWED), (DENIED, Reason.DUO_DENIED)])
def test_it_hears_duos_verdict(answer, reason):
    stage = pushed()
    stage.answer(answer, now=5.0)
    assert ended(stage) == (reason, True)


def test_a_login_of_another_host_is_joined_and_ends_as_it_ends_there():
    stage = joined()
    assert isinstance(question(stage), Join)
    assert pending(stage).login.state is JOINED
    stage.answer(THERE, now=9.0)
    assert [reply.code for reply in stage.replies] == [2]
    assert stage.finished.other_host == ("joined", "gw-b")
    assert stage.finished.verdict.account == "Duo says so"


def test_nobody_is_told_twice_of_a_joined_logins_end():
    """It was this host's for a moment, until the store said whose it is."""
    stage = joined()
    stage.answer(THERE)
    assert shared(stage) == []


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.DUO_ALLOWED, Reason.DUO_BYPASS}))
def test_nobody_gets_in_for_what_is_not_duos_word_at_the_other_host(reason):
    stage = joined()
    stage.answer(Decided("gw-b", packed_verdict(Verdict(ACCEPT, reason, "", ""))))
    assert stage.reason == "push_lost"
    assert [reply.code for reply in stage.replies] == [3]


@pytest.mark.parametrize(
    "octets", [b"", b"\x00", b"\xc1", bytes(300), packed_verdict(Verdict(REJECT, Reason.NO_PASSWORD, "", ""))[:-5]]
)
def test_a_verdict_that_cannot_be_read_lets_nobody_in(octets):
    stage = joined()
    stage.answer(Decided("gw-b", octets))
    assert stage.reason == "push_lost"


def test_a_claim_may_find_the_verdict_already():
    stage = claiming()
    stage.answer(THERE)
    assert stage.reason == "duo_allowed"
    assert stage.finished.other_host == ("joined", "gw-b")


@pytest.mark.parametrize("begin", [claiming, joined])
def test_the_push_of_a_host_that_has_gone_is_asked_about(begin):
    stage = begin()
    stage.answer(TAKEN, now=30.0)
    assert question(stage) == AuthStatus("tx-9", PERSON_PATIENCE_S - 20.0)
    login = pending(stage).login
    assert (login.state, login.pushed_at, login.factor) == (WAITING, 10.0, "push")
    assert isinstance(shared(stage)[0], ShareLogin)
    stage.answer(ALLOWED, now=31.0)
    assert ended(stage) == (Reason.DUO_ALLOWED, True)
    assert stage.finished.other_host == ("took_over", "gw-b")


def test_a_login_that_was_asked_of_duo_here_in_the_end_is_no_other_hosts():
    stage = joined()
    stage.answer(Released("gw-b"), now=1.0)
    stage.answer(Granted(Held("ours:1", 3)), now=1.1)
    stage.answer(ALLOWED, now=2.0)
    assert stage.finished.other_host is None


def test_one_that_is_too_old_has_timed_out():
    stage = joined()
    stage.answer(TakenOver(Held("ours:1", 2), "gw-b", "tx-9", "push", 76.0), now=80.0)
    assert stage.reason == "duo_timeout"


def test_a_login_that_the_other_host_has_given_up_is_claimed_again():
    stage = joined()
    stage.answer(Released("gw-b"), now=1.0)
    assert isinstance(question(stage), Claim)
    stage.answer(Granted(Held("ours:1", 3)), now=1.1)
    assert isinstance(question(stage), Auth)


def test_a_push_that_nobody_can_be_asked_about_is_lost_and_not_repeated():
    stage = joined()
    stage.answer(Lost("gw-b"), now=75.0)
    assert stage.reason == "push_lost"


def test_a_joined_login_without_a_fleet_is_held_and_asks_nobody():
    stage = joined()
    login = pending(stage).login
    stage.answer(GONE, now=3.0)
    assert stage.asked == []
    assert login.state is LOST
    stage.effects = stage.engine.timer(0.2 + PERSON_PATIENCE_S)
    assert stage.reason == "push_lost"


def test_who_was_taken_for_gone_asks_duo_no_more():
    stage = pushed()
    login = pending(stage)
    stage.effects = stage.engine.displaced(login, 5.0)
    assert [type(each) for each in stage.effects] == [StopAsking, KeepLogin, PutQuestion]
    assert isinstance(question(stage), Join)
    stage.answer(THERE, now=6.0)
    assert stage.reason == "duo_allowed"


@pytest.mark.parametrize("first", ["pushed", "taken over"])
def test_who_has_had_a_push_under_way_never_asks_for_another_one(first):
    stage = pushed() if first == "pushed" else joined()
    login = pending(stage)
    if first == "taken over":
        stage.answer(TAKEN, now=4.0)
    stage.effects = stage.engine.displaced(login, 5.0)
    stage.answer(Released("gw-b"), now=9.0)
    assert stage.asked == []
    assert stage.reason == "push_lost"


def test_only_who_waits_for_a_push_can_be_displaced():
    stage = claiming()
    assert stage.engine.displaced(pending(stage), 5.0) == []


class TestFailMode:
    def test_is_this_hosts_own_and_the_login_is_free_for_others(self):
        stage = claiming()
        login = pending(stage)
        stage.engine.outage("app", AWAY, 0.2)
        stage.effects = stage.engine.answered(login, Granted(Held("ours:1", 1)), 0.3)
        assert stage.reason == "failmode_safe"
        assert ended(stage) == (None, False)

    def test_of_a_question_that_never_arrived_leaves_it_free_too(self):
        stage = claiming()
        stage.answer(Granted(Held("ours:1", 1)))
        stage.answer(Unavailable(Trouble.CONNECT, "refused"))
        assert stage.reason == "failmode_safe"
        assert ended(stage) == (None, False)

    def test_of_one_that_may_have_arrived_does_not(self):
        stage = claiming()
        stage.answer(Granted(Held("ours:1", 1)))
        login = pending(stage)
        stage.answer(Unavailable(Trouble.CLOSED, "gone", may_have_acted=True), now=1.0)
        assert login.login.state is LOST
        stage.engine.outage("app", AWAY, 1.1)
        stage.effects = stage.engine.timer(1.0 + HOLD_S)
        assert stage.reason == "failmode_safe"
        assert ended(stage) == (None, True)

    def test_has_no_part_in_a_joined_login(self):
        stage = joined()
        login = pending(stage)
        assert stage.engine.outage("app", AWAY, 1.0) == []
        assert login.login.state is JOINED


def test_a_deadline_leaves_the_push_to_other_hosts():
    stage = claiming(response_deadline_s=10.0)
    stage.answer(Granted(Held("ours:1", 1)), now=0.2)
    stage.answer(PUSHED, now=0.3)
    stage.effects = stage.engine.timer(10.0)
    assert stage.reason == "deadline"
    assert ended(stage) == (None, True)


def test_a_joined_login_has_a_deadline_too():
    stage = claiming(response_deadline_s=10.0)
    stage.answer(Joined("gw-b"), now=0.2)
    stage.effects = stage.engine.timer(10.0)
    assert stage.reason == "deadline"
    assert any(isinstance(each, StopAsking) for each in stage.effects)


def test_a_host_that_stops_leaves_what_it_has_and_not_what_it_has_joined():
    for stage, told in ((pushed(), [(None, True)]), (joined(), [])):
        stage.effects = stage.engine.leave(1.0)
        assert [(each.verdict, each.is_asked) for each in shared(stage)] == told


def test_an_abandoned_login_has_no_deadline_any_more():
    stage = Stage(policy=FLEET, response_deadline_s=10.0)
    stage.login("alice", "push")
    stage.engine.isolate("app", is_isolated=True)
    stage.engine.outage("app", AWAY, 1.0)
    assert stage.engine.n_pending == 0
    stage.effects = stage.engine.timer(10.0)
    assert stage.effects == []


def test_a_host_that_stops_keeps_the_push_that_no_other_host_can_go_on_with():
    """That of a section with coalesce=false: nobody knows of it, and whoever is asked for it pushes again."""
    stage = Stage()
    stage.login("alice", "push")
    stage.answer(GO_ON)
    stage.answer(PUSHED)
    assert stage.engine.leave(1.0) == []
    stage.answer(ALLOWED)
    assert stage.reason == "duo_allowed"
    for left in (claiming(), pushed(), joined()):
        login = pending(left)
        left.effects = left.engine.leave(1.0)
        assert isinstance(left.effects[0], StopAsking)
        assert left.engine.n_pending == 0
        assert left.engine.answered(login, ALLOWED, 9.0) == []


class TestSuccession:
    """A worker that takes over from one that died."""

    def adopted(self, stage: Stage) -> tuple[Stage, PendingLogin]:
        """The same login in another worker's engine."""
        record = pending(stage).record()
        other = Stage(policy=FLEET)
        login = Login.restored(other.section.policy, record)
        theirs = PendingLogin(other.engine.next_number(), login, other.section, record.key, 0, 0.0)
        theirs.fleet_key = record.fleet_key
        other.effects = other.engine.adopt(theirs)
        return other, theirs

    def test_gives_a_claim_back_that_had_not_led_to_a_question(self):
        stage, theirs = self.adopted(claiming())
        stage.effects = stage.engine.left_alone(theirs, 1.0, 1.0)
        assert ended(stage) == (None, False)
        assert theirs.login.held == Held("ours:00000001", 0)

    def test_goes_on_with_a_push_under_the_same_name(self):
        stage, theirs = self.adopted(pushed())
        assert [type(each) for each in shared(stage)] == [ShareLogin]
        stage.effects = stage.engine.left_alone(theirs, 1.0, 1.0)
        assert isinstance(question(stage), AuthStatus)
        assert theirs.login.held == Held("ours:1", 1)

    def test_asks_the_fleet_again_about_a_login_that_was_joined(self):
        stage, theirs = self.adopted(joined())
        assert theirs.login.state is ELSEWHERE
        stage.effects = stage.engine.left_alone(theirs, 1.0, 1.0)
        assert question(stage) == Join(theirs.number, theirs.fleet_key, "app")
        stage.answer(THERE, now=2.0)
        assert (theirs.login.state, theirs.login.other_host) == (DECIDED, ("joined", "gw-b"))

    def test_tells_nobody_where_there_is_no_fleet_any_more(self):
        record = pending(pushed()).record()
        other = Stage()
        other.engine._keeping._names = None
        login = Login.restored(other.section.policy, record)
        theirs = PendingLogin(other.engine.next_number(), login, other.section, record.key, 0, 0.0)
        other.effects = other.engine.adopt(theirs)
        assert shared(other) == []

    def test_begins_nothing_for_which_it_does_not_know_what_was_typed(self):
        stage, theirs = self.adopted(joined())
        stage.effects = stage.engine.left_alone(theirs, 1.0, 1.0)
        stage.answer(Released("gw-b"), now=2.0)
        assert theirs.login.state is DECIDED
        assert not theirs.asking


def test_a_question_to_the_fleet_is_forgotten_with_the_login():
    stage = joined()
    stage.answer(THERE)
    assert any(isinstance(each, ForgetLogin) for each in stage.effects)
    assert any(isinstance(each, Finished) for each in stage.effects)
    assert stage.engine.n_pending == 0


def test_a_new_word_of_duos_is_told_as_what_it_is():
    stage = pushed()
    stage.answer(AuthAnswer("perhaps", "?", "Hm."), now=5.0)
    assert ended(stage) == (Reason.DUO_DENIED, True)


def test_claiming_has_pushed_nobody():
    assert not pending(claiming()).login.has_pushed
    assert pending(claiming()).login.state is CLAIMING
    assert pending(joined()).login.has_pushed


def test_a_host_that_stops_keeps_a_push_whose_name_it_waits_for():
    """Else whoever is asked next pushes again."""
    stage = claiming()
    stage.answer(Granted(Held("ours:1", 1)), now=0.2)
    assert stage.engine.leave(1.0) == []
    assert stage.engine.n_pending == 1
