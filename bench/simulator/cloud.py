"""What the simulated Duo knows and decides. No clock, no I/O, no randomness: instants and transaction ids come in.

Every `auth` makes a `Transaction`. A passcode decides it at once; a push or a phone call is decided later by whichever
comes first: the person's habit (`advance`, when its time has come), somebody at the control page (`decide`) or expiry.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import NamedTuple

from bench.simulator.people import Answer, Device, Person, Status, user_id

SUCCESS = "Success. Logging you in..."
DENIED = "Login request denied."
FRAUD = "Login request reported as fraudulent."
TIMED_OUT = "Login timed out."
NO_KEYPRESS = "No keypress detected. Please try again."
WRONG_PASSCODE = "Incorrect passcode. Please try again."
PUSHED = "Pushed a login request to your device..."
ANSWERED = "Answered. Press '#' on your phone to log in."
SMS_SENT = "New SMS passcodes sent."
ACCOUNT_ACTIVE = "Account is active"
ENROLL = "Enroll an authentication device to proceed"
DISABLED = "Your account is disabled and cannot access this application. Please contact your administrator."
NOT_ENROLLED = (
    "Access is not allowed because you are not enrolled in Duo. Please contact your organization's IT help desk."
)

FACTORS = ("auto", "push", "phone", "sms", "passcode")


class CallRefused(Exception):  # noqa: N818 -- not a failure of the simulator: Duo's answer "FAIL"
    """Duo refuses the call itself.

    Attributes:
        code: Duo's, 40002 for instance; its first three digits are the HTTP status.
        detail: Duo's `message_detail`, empty for none.
    """

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class State(Enum):
    """Where a transaction stands: Duo's `result` and `status`."""

    PUSHED = ("waiting", "pushed")
    CALLING = ("waiting", "calling")
    ANSWERED = ("waiting", "answered")
    ALLOWED = ("allow", "allow")
    BYPASSED = ("allow", "bypass")
    DENIED = ("deny", "deny")
    FRAUD = ("deny", "fraud")
    TIMED_OUT = ("deny", "timeout")
    LOCKED_OUT = ("deny", "locked_out")
    SENT = ("deny", "sent")

    @property
    def result(self) -> str:
        """`allow`, `deny` or `waiting`."""
        return self.value[0]

    @property
    def status(self) -> str:
        """Duo's machine word."""
        return self.value[1]


class Event(StrEnum):
    """What moves a transaction on."""

    APPROVE = "approve"
    DENY = "deny"
    FRAUD = "fraud"
    TIMEOUT = "timeout"
    PICK_UP = "pick_up"


_DECISIONS = {
    Event.APPROVE: State.ALLOWED,
    Event.DENY: State.DENIED,
    Event.FRAUD: State.FRAUD,
    Event.TIMEOUT: State.TIMED_OUT,
}
TRANSITIONS: dict[State, dict[Event, State]] = {
    State.PUSHED: _DECISIONS,
    State.CALLING: {**_DECISIONS, Event.PICK_UP: State.ANSWERED},
    State.ANSWERED: _DECISIONS,
}


class Settings(NamedTuple):
    """How this cloud behaves towards everybody.

    Attributes:
        push_expires_s: 60 as at Duo; tests shorten it.
        call_expires_s: the same for phone calls.
        unknown_user: what a name that nobody set up counts as.
        lockout_after: failures in a row that lock an account; 0 = never. An expired push is a failure, sent SMS
            passcodes are not.
        keep_finished_s: how long a decided transaction can still be asked for.
    """

    push_expires_s: float = 60.0
    call_expires_s: float = 60.0
    unknown_user: Status = Status.NOT_ENROLLED
    lockout_after: int = 10
    keep_finished_s: float = 300.0


@dataclass(slots=True)
class Account:
    """A person and what has happened to the account since."""

    person: Person
    status: Status
    bypass_codes: set[str]
    n_failures: int = 0

    @classmethod
    def of(cls, person: Person) -> "Account":
        """The account as set up."""
        return cls(person, person.status, set(person.bypass_codes))


@dataclass(slots=True)
class Transaction:
    """One second factor under way or decided. `version` counts its states, `reported` the last one a poll has told."""

    txid: str
    account: Account
    factor: str
    device: Device | None
    started_at: float
    expires_at: float
    state: State
    text: str
    version: int = 1
    reported: int = 0

    @property
    def username(self) -> str:
        """Whose login this is."""
        return self.account.person.username

    @property
    def is_final(self) -> bool:
        """Whether Duo has decided."""
        return self.state.result != "waiting"

    @property
    def has_news(self) -> bool:
        """Whether a long poll is answered at once."""
        return self.is_final or self.version > self.reported


class Preauth(NamedTuple):
    """May the user go on, and with which devices?"""

    result: str
    text: str
    devices: tuple[Device, ...] = ()


@dataclass(slots=True)
class Cloud:
    """The state of the simulated Duo.

    `pending` holds undecided transactions, oldest first; `finished` those that can still be asked for.
    """

    people: Iterable[Person]
    settings: Settings
    new_txid: Callable[[], str]
    accounts: dict[str, Account] = field(init=False, default_factory=dict)
    pending: dict[str, Transaction] = field(init=False, default_factory=dict)
    finished: dict[str, Transaction] = field(init=False, default_factory=dict)
    _names_by_id: dict[str, str] = field(init=False, default_factory=dict)
    _due: list[tuple[float, int, Transaction, Event]] = field(init=False, default_factory=list)
    _n_scheduled: int = field(init=False, default=0)
    _leaving: deque[tuple[float, str]] = field(init=False, default_factory=deque)

    def __post_init__(self) -> None:
        """Set the accounts up."""
        self.people = tuple(self.people)
        self._open_accounts()

    def preauth(self, username: str) -> Preauth:
        """What the user may do before any second factor."""
        account = self._account(username)
        if account.status is Status.ACTIVE:
            if not account.person.devices:
                return Preauth("enroll", ENROLL)
            return Preauth("auth", ACCOUNT_ACTIVE, account.person.devices)
        return _PREAUTH[account.status]

    def auth(
        self, username: str, factor: str, now: float, *, device: str = "", passcode: str = "", keep: bool = False
    ) -> Transaction:
        """Begin a second factor; the transaction may be decided already.

        Args:
            username: any letter case.
            factor: one of `FACTORS`.
            now: an instant of the clock that `advance` is given, too.
            device: an id of the user's devices or `auto`, for all factors but `passcode`.
            passcode: what was typed, for `passcode`.
            keep: whether a transaction decided at once must be found by `transaction` later.

        Raises:
            CallRefused: a parameter is missing or no device can do this.
        """
        account = self._account(username)
        self._check_parameters(factor, device, passcode)
        at_once = self._decide_at_once(account, factor, passcode)
        if at_once:
            return self._settled(account, factor, None, *at_once, now, keep=keep)
        factor, chosen = _choose_device(account.person, factor, device)
        if factor == "sms":
            return self._settled(account, factor, chosen, State.SENT, SMS_SENT, now, keep=keep)
        return self._ask_person(account, factor, chosen, now)

    def transaction(self, txid: str) -> Transaction:
        """The transaction of that id.

        Raises:
            CallRefused: there is none, or none any more.
        """
        found = self.pending.get(txid) or self.finished.get(txid)
        if found is None:
            raise CallRefused(40002, "txid")
        return found

    def decide(self, txid: str, event: Event, now: float) -> Transaction:
        """Move a pending transaction on, as its owner would with the phone.

        Raises:
            KeyError: not pending.
        """
        transaction = self.pending[txid]
        self._move(transaction, event, now)
        return transaction

    def advance(self, now: float) -> list[Transaction]:
        """Do what is due by `now`: answers, expiries, forgetting. The transactions that changed are returned."""
        changed = []
        while self._due and self._due[0][0] <= now:
            _, _, transaction, event = heapq.heappop(self._due)
            if not transaction.is_final:
                self._move(transaction, event, now)
                changed.append(transaction)
        self._forget(now)
        return changed

    def next_due(self) -> float | None:
        """When `advance` has something to do that anybody could notice; None = not before the next call."""
        while self._due and self._due[0][2].is_final:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def put(self, person: Person) -> None:
        """Add a user, or replace one and what has happened to the account."""
        self.accounts[person.username.lower()] = Account.of(person)
        self._names_by_id[user_id(person.username)] = person.username

    def remove(self, username: str) -> None:
        """Forget a user.

        Raises:
            KeyError: nobody of that name was set up.
        """
        account = self.accounts.pop(username.lower())
        del self._names_by_id[user_id(account.person.username)]

    def name_of(self, identity: str) -> str:
        """The username for Duo's user_id.

        Raises:
            CallRefused: no such user.
        """
        name = self._names_by_id.get(identity)
        if name is None:
            raise CallRefused(40002, "user_id")
        return name

    def reset(self, now: float) -> list[Transaction]:
        """Begin again as set up; undecided transactions time out, and are returned so that nobody waits for them."""
        changed = list(self.pending.values())
        for transaction in changed:
            self._move(transaction, Event.TIMEOUT, now)
        self.finished.clear()
        self._leaving.clear()
        self._due.clear()
        self._open_accounts()
        return changed

    def _open_accounts(self) -> None:
        self.accounts.clear()
        self._names_by_id.clear()
        for person in self.people:
            self.put(person)

    def _account(self, username: str) -> Account:
        if not username:
            raise CallRefused(40002, "username")
        account = self.accounts.get(username.lower())
        return account or Account.of(Person(username, status=self.settings.unknown_user))

    @staticmethod
    def _check_parameters(factor: str, device: str, passcode: str) -> None:
        if factor not in FACTORS:
            raise CallRefused(40002, "factor")
        if factor == "passcode" and not passcode:
            raise CallRefused(40001, "passcode")
        if factor != "passcode" and not device:
            raise CallRefused(40001, "device")

    def _decide_at_once(self, account: Account, factor: str, passcode: str) -> tuple[State, str] | None:
        """The verdict that needs no person, or None."""
        if account.status is Status.BYPASS:
            return State.BYPASSED, SUCCESS
        if account.status is Status.LOCKED_OUT:
            return State.LOCKED_OUT, DISABLED
        if account.status is Status.NO_ACCESS and factor == "passcode":
            return State.DENIED, WRONG_PASSCODE  # the misleading text is Duo's own
        if account.status is not Status.ACTIVE:
            return State.DENIED, _PREAUTH[account.status].text
        if factor != "passcode":
            return None
        return (State.ALLOWED, SUCCESS) if _accepts(account, passcode) else (State.DENIED, WRONG_PASSCODE)

    def _settled(
        self, account: Account, factor: str, device: Device | None, state: State, text: str, now: float, *, keep: bool
    ) -> Transaction:
        transaction = Transaction(self.new_txid(), account, factor, device, now, now, state, text)
        self._count_failure(transaction)
        if keep:
            self._keep_finished(transaction, now)
        return transaction

    def _ask_person(self, account: Account, factor: str, device: Device, now: float) -> Transaction:
        if factor == "push":
            state, text, expires_after = State.PUSHED, PUSHED, self.settings.push_expires_s
        else:
            state, text, expires_after = State.CALLING, f"Dialing {device.number}...", self.settings.call_expires_s
        person = account.person
        if person.expires_after_s is not None:
            expires_after = person.expires_after_s
        transaction = Transaction(self.new_txid(), account, factor, device, now, now + expires_after, state, text)
        self.pending[transaction.txid] = transaction
        self._schedule_answer(transaction, person)
        return transaction

    def _schedule_answer(self, transaction: Transaction, person: Person) -> None:
        answers_at = transaction.started_at + person.answer_after_s
        if person.answer in (Answer.PERSON, Answer.TIMEOUT) or answers_at >= transaction.expires_at:
            self._schedule(transaction.expires_at, transaction, Event.TIMEOUT)
            return
        if transaction.state is State.CALLING:
            self._schedule(transaction.started_at + person.answer_after_s / 2, transaction, Event.PICK_UP)
        self._schedule(answers_at, transaction, Event(person.answer))

    def _schedule(self, at: float, transaction: Transaction, event: Event) -> None:
        self._n_scheduled += 1  # ties are served in order, and transactions are never compared
        heapq.heappush(self._due, (at, self._n_scheduled, transaction, event))

    def _move(self, transaction: Transaction, event: Event, now: float) -> None:
        """The only place where a transaction changes its state."""
        transaction.state = TRANSITIONS[transaction.state][event]
        transaction.text = _text(transaction)
        transaction.version += 1
        if transaction.is_final:
            del self.pending[transaction.txid]
            self._count_failure(transaction)
            self._keep_finished(transaction, now)

    def _keep_finished(self, transaction: Transaction, now: float) -> None:
        self._forget(now)
        self.finished[transaction.txid] = transaction
        self._leaving.append((now + self.settings.keep_finished_s, transaction.txid))

    def _forget(self, now: float) -> None:
        while self._leaving and self._leaving[0][0] <= now:
            del self.finished[self._leaving.popleft()[1]]

    def _count_failure(self, transaction: Transaction) -> None:
        account = transaction.account
        if transaction.state.result == "allow":
            account.n_failures = 0
        elif transaction.state is not State.SENT and account.status is Status.ACTIVE:
            account.n_failures += 1
            if account.n_failures == self.settings.lockout_after:
                account.status = Status.LOCKED_OUT


def _choose_device(person: Person, factor: str, device: str) -> tuple[str, Device]:
    """The factor and the device that serve it; `auto` prefers a push to a phone call."""
    wanted = ("push", "phone") if factor == "auto" else (factor,)
    candidates = [each for each in person.devices if device in ("auto", each.device)]
    if device != "auto" and not candidates:
        raise CallRefused(40002, "device")
    for each_factor in wanted:
        for candidate in candidates:
            if candidate.can(each_factor):
                return each_factor, candidate
    raise CallRefused(40002, "no capable device")


def _accepts(account: Account, passcode: str) -> bool:
    if not account.person.passcodes_allowed:
        return False
    if passcode in account.bypass_codes:
        account.bypass_codes.remove(passcode)
        return True
    return passcode in account.person.passcodes


def _text(transaction: Transaction) -> str:
    if transaction.state is State.TIMED_OUT and transaction.factor == "phone":
        return NO_KEYPRESS
    return _TEXTS[transaction.state]


_TEXTS = {
    State.ANSWERED: ANSWERED,
    State.ALLOWED: SUCCESS,
    State.DENIED: DENIED,
    State.FRAUD: FRAUD,
    State.TIMED_OUT: TIMED_OUT,
}
_PREAUTH = {
    Status.BYPASS: Preauth("allow", SUCCESS),
    Status.DISABLED: Preauth("deny", DISABLED),
    Status.LOCKED_OUT: Preauth("deny", DISABLED),
    Status.NOT_ENROLLED: Preauth("enroll", ENROLL),
    Status.DENIED_BY_POLICY: Preauth("deny", NOT_ENROLLED),
    Status.NO_ACCESS: Preauth("deny", DISABLED),
}
