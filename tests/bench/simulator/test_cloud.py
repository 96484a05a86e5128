"""The simulated Duo's decisions: pure, with a clock that the test moves."""

import itertools

import pytest

from bench.simulator.cloud import CallRefused, Cloud, Event, Settings, State, Transaction
from bench.simulator.people import Answer, Person, Status, default_cast, phone, user_id

EARLY = Settings(keep_finished_s=30.0)


def cloud_of(*people: Person, settings: Settings = EARLY) -> Cloud:
    """A cloud whose transactions are called tx1, tx2 …; the default cast if nobody is named."""
    numbers = itertools.count(1)
    return Cloud(people or default_cast(), settings, lambda: f"tx{next(numbers)}")


def push(cloud: Cloud, username: str, now: float = 0.0) -> Transaction:
    return cloud.auth(username, "push", now, device="auto")


def verdict(transaction: Transaction) -> tuple[str, str, str]:
    return transaction.state.result, transaction.state.status, transaction.text


@pytest.mark.parametrize(
    ("username", "result"),
    [
        ("alice", "auth"),
        ("erin", "allow"),
        ("frank", "deny"),
        ("grace", "deny"),
        ("heidi", "enroll"),
        ("ivan", "auth"),
        ("judy", "deny"),
        ("olivia", "auth"),
        ("ユーザー", "auth"),
        ("josé", "auth"),
        ("nobody", "enroll"),
    ],
)
def test_preauth_of_the_cast(username: str, result: str) -> None:
    assert cloud_of().preauth(username).result == result


def test_unknown_users_may_be_denied_by_policy() -> None:
    cloud = cloud_of(settings=Settings(unknown_user=Status.DENIED_BY_POLICY))
    assert cloud.preauth("nobody") == (
        "deny",
        "Access is not allowed because you are not enrolled in Duo. Please contact your organization's IT help desk.",
        (),
    )


def test_active_user_without_devices_must_enroll() -> None:
    assert cloud_of(Person("new")).preauth("new").result == "enroll"


def test_usernames_have_no_letter_case() -> None:
    cloud = cloud_of()
    assert cloud.preauth("ALICE").result == "auth"
    assert push(cloud, "Alice").username == "alice"


def test_user_id_names_a_user() -> None:
    cloud = cloud_of()
    assert cloud.name_of(user_id("josé")) == "josé"
    with pytest.raises(CallRefused):
        cloud.name_of("DUNOBODY")


def test_push_is_approved_when_its_time_has_come() -> None:
    cloud = cloud_of()
    transaction = push(cloud, "alice", now=100.0)
    assert verdict(transaction) == ("waiting", "pushed", "Pushed a login request to your device...")
    assert cloud.next_due() == pytest.approx(100.3)
    assert cloud.advance(100.2) == []
    assert cloud.advance(100.3) == [transaction]
    assert verdict(transaction) == ("allow", "allow", "Success. Logging you in...")
    assert cloud.next_due() is None
    assert not cloud.pending


@pytest.mark.parametrize(
    ("username", "expected"),
    [
        ("bob", ("deny", "deny", "Login request denied.")),
        ("mallory", ("deny", "fraud", "Login request reported as fraudulent.")),
        ("carol", ("deny", "timeout", "Login timed out.")),
    ],
)
def test_pushes_that_are_not_approved(username: str, expected: tuple[str, str, str]) -> None:
    cloud = cloud_of()
    transaction = push(cloud, username)
    cloud.advance(1.0)
    assert verdict(transaction) == expected


def test_person_decides_on_the_page() -> None:
    cloud = cloud_of()
    transaction = push(cloud, "trent")
    assert cloud.next_due() == 60.0
    cloud.decide(transaction.txid, Event.APPROVE, 5.0)
    assert transaction.state is State.ALLOWED
    assert cloud.advance(60.0) == []
    with pytest.raises(KeyError):
        cloud.decide(transaction.txid, Event.DENY, 61.0)


def test_answer_after_expiry_comes_too_late() -> None:
    cloud = cloud_of(Person("slow", devices=(phone("slow"),), answer_after_s=90.0))
    transaction = push(cloud, "slow")
    cloud.advance(60.0)
    assert transaction.state is State.TIMED_OUT


def test_phone_call_is_answered_before_it_is_decided() -> None:
    cloud = cloud_of()
    transaction = cloud.auth("dave", "phone", 0.0, device="auto")
    states = [transaction.state]
    for now in (0.15, 0.3):
        cloud.advance(now)
        states.append(transaction.state)
    assert states == [State.CALLING, State.ANSWERED, State.ALLOWED]


def test_unanswered_phone_call_has_its_own_text() -> None:
    cloud = cloud_of()
    transaction = cloud.auth("carol", "phone", 0.0, device="auto")
    cloud.advance(1.0)
    assert verdict(transaction) == ("deny", "timeout", "No keypress detected. Please try again.")


def test_auto_prefers_a_push() -> None:
    assert cloud_of().auth("dave", "auto", 0.0, device="auto").factor == "push"


def test_auto_calls_where_nothing_can_be_pushed() -> None:
    cloud = cloud_of(Person("old", devices=(phone("old", capabilities=("phone",)),)))
    assert cloud.auth("old", "auto", 0.0, device="auto").factor == "phone"


def test_second_phone_by_its_id() -> None:
    device = phone("dave", 2)
    assert cloud_of().auth("dave", "push", 0.0, device=device.device).device == default_cast()[3].devices[1]


@pytest.mark.parametrize(
    ("username", "factor", "device", "code", "detail"),
    [
        ("olivia", "push", "auto", 40002, "no capable device"),
        ("olivia", "auto", "auto", 40002, "no capable device"),
        ("dave", "sms", phone("dave", 2).device, 40002, "no capable device"),
        ("alice", "push", "DPOTHER", 40002, "device"),
        ("alice", "push", "", 40001, "device"),
        ("alice", "passcode", "", 40001, "passcode"),
        ("alice", "pigeon", "auto", 40002, "factor"),
        ("", "push", "auto", 40002, "username"),
    ],
)
def test_calls_that_duo_refuses(username: str, factor: str, device: str, code: int, detail: str) -> None:
    with pytest.raises(CallRefused) as refusal:
        cloud_of().auth(username, factor, 0.0, device=device)
    assert (refusal.value.code, refusal.value.detail) == (code, detail)


@pytest.mark.parametrize(
    ("username", "passcode", "expected"),
    [
        ("alice", "123456", ("allow", "allow", "Success. Logging you in...")),
        ("alice", "000000", ("deny", "deny", "Incorrect passcode. Please try again.")),
        ("olivia", "654321", ("allow", "allow", "Success. Logging you in...")),
        ("ivan", "123456", ("deny", "deny", "Incorrect passcode. Please try again.")),
        ("judy", "123456", ("deny", "deny", "Incorrect passcode. Please try again.")),
        ("erin", "000000", ("allow", "bypass", "Success. Logging you in...")),
    ],
)
def test_passcodes(username: str, passcode: str, expected: tuple[str, str, str]) -> None:
    assert verdict(cloud_of().auth(username, "passcode", 0.0, passcode=passcode)) == expected


def test_sent_sms_passcodes_are_a_denial() -> None:
    transaction = cloud_of().auth("alice", "sms", 0.0, device="auto")
    assert verdict(transaction) == ("deny", "sent", "New SMS passcodes sent.")


def test_bypass_code_is_good_once() -> None:
    cloud = cloud_of(Person("ann", bypass_codes=("777777",)))
    states = [cloud.auth("ann", "passcode", 0.0, passcode="777777").state for _ in range(2)]
    assert states == [State.ALLOWED, State.DENIED]


def test_ten_failures_in_a_row_lock_the_account() -> None:
    cloud = cloud_of()
    for _ in range(10):
        assert cloud.auth("alice", "passcode", 0.0, passcode="000000").state is State.DENIED
    assert cloud.auth("alice", "passcode", 0.0, passcode="123456").state is State.LOCKED_OUT
    assert cloud.preauth("alice").result == "deny"


def test_success_forgives_failures() -> None:
    cloud = cloud_of()
    for passcode in ["000000"] * 9 + ["123456"] + ["000000"] * 9:
        cloud.auth("alice", "passcode", 0.0, passcode=passcode)
    assert cloud.preauth("alice").result == "auth"


def test_lockout_can_be_switched_off() -> None:
    cloud = cloud_of(settings=Settings(lockout_after=0))
    for _ in range(30):
        cloud.auth("alice", "passcode", 0.0, passcode="000000")
    assert cloud.preauth("alice").result == "auth"


def test_decided_transactions_are_forgotten_in_time() -> None:
    """Nothing may grow with the number of logins."""
    cloud = cloud_of()
    pushed = push(cloud, "alice")
    cloud.advance(1.0)
    kept = cloud.auth("alice", "passcode", 2.0, passcode="123456", keep=True)
    assert cloud.transaction(pushed.txid) is pushed
    cloud.auth("alice", "passcode", 31.5, passcode="123456", keep=True)
    with pytest.raises(CallRefused):
        cloud.transaction(pushed.txid)
    assert cloud.transaction(kept.txid) is kept


def test_verdict_at_once_is_kept_only_where_it_is_asked_for_later() -> None:
    cloud = cloud_of()
    cloud.auth("alice", "passcode", 0.0, passcode="123456")
    assert not cloud.finished


def test_reset_ends_what_is_pending_and_restores_accounts() -> None:
    cloud = cloud_of()
    waiting = push(cloud, "trent")
    cloud.put(Person("alice", status=Status.DISABLED))
    cloud.put(Person("new", answer=Answer.DENY))
    assert cloud.reset(1.0) == [waiting]
    assert waiting.state is State.TIMED_OUT
    assert cloud.preauth("alice").result == "auth"
    assert "new" not in cloud.accounts


def test_removed_user_is_unknown() -> None:
    cloud = cloud_of()
    cloud.remove("Alice")
    assert cloud.preauth("alice").result == "enroll"
    with pytest.raises(KeyError):
        cloud.remove("alice")


def test_news_are_told_once_and_a_verdict_always() -> None:
    cloud = cloud_of()
    transaction = push(cloud, "alice")
    told = [transaction.has_news]
    for now in (0.1, 1.0):
        transaction.reported = transaction.version
        cloud.advance(now)
        told.append(transaction.has_news)
    transaction.reported = transaction.version
    assert [*told, transaction.has_news] == [True, False, True, True]
