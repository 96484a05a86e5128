"""Duo tells its time while challenges are under way: that ends none too early, and brings none back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.challenges.kept import Kept
from gateway.engine.challenges.memory import ChallengeMemory, UnixClock
from gateway.engine.challenges.records import ChallengeRecord, kept_record, used_record
from gateway.engine.challenges.used import AGAIN_S
from tests.stories import stories

DUO = 1_700_000_000.0  # what Duo's clock says at 0.0
LIFE_S = 300
KEPT = Kept(None, b"theirs", "home")


def begun(error_s: float, most: int = 20) -> ChallengeMemory:
    """The memory of a worker that began while the machine's clock was so far ahead of Duo's."""
    return ChallengeMemory(UnixClock(DUO + error_s), most)


def kept(name: bytes, until: int) -> ChallengeRecord:
    record = kept_record(name, until, KEPT)
    assert record is not None
    return record


def test_the_clock_is_duos_as_soon_as_that_is_told():
    for error_s in (-86_400.0, -600.0, 0.0, 600.0, 86_400.0):
        memory = begun(error_s)
        assert memory.clock.at(5.0) == DUO + 5.0 + error_s
        memory.told(DUO + 5.0, 5.0)
        assert memory.clock.at(7.0) == DUO + 7.0


def test_a_successor_whose_clock_is_ahead_has_what_only_seemed_to_have_expired():
    """The machine's clock is ahead of Duo's, which its predecessor had been told; here it is told a moment later."""
    memory, until = begun(600.0), int(DUO) + LIFE_S
    notes: list[tuple[bytes, float]] = []
    memory.note = lambda record, life_s: notes.append((record.name, life_s))
    for record in (kept(b"a", until), kept(b"b", until), used_record(b"b", until), kept(b"gone", int(DUO))):
        memory.adopt(record, 1.0)
    assert memory.take(b"a") is None
    assert notes == []
    memory.told(DUO + 2.0, 2.0)
    assert (memory.take(b"a"), memory.take(b"b"), memory.take(b"gone")) == (KEPT, None, None)
    assert not memory.use(b"b", until, 2.0)
    assert notes == [(b"a", 298.0), (b"b", 298.0), (b"b", 298.0)]  # for its own successor
    memory.told(DUO + 3.0, 3.0)
    assert len(notes) == 3


def test_the_packet_that_used_it_may_come_again_there():
    memory, until = begun(600.0), int(DUO) + LIFE_S
    memory.adopt(used_record(b"a", until, b"packet", int(DUO)), 1.0)
    memory.told(DUO + 2.0, 2.0)
    assert memory.use(b"a", until, AGAIN_S - 1.0, b"packet")


def test_what_seems_to_have_expired_is_held_for_that_as_long_as_there_is_room():
    memory, until = begun(600.0, most=2), int(DUO) + LIFE_S
    for name in (b"a", b"b", b"c"):
        memory.adopt(used_record(name, until), 1.0)
    memory.told(DUO + 2.0, 2.0)
    assert not any(memory.use(name, until, 2.0) for name in (b"a", b"b", b"c"))
    assert memory.clock.at(2.0) == until


def test_a_clock_is_not_set_back_behind_what_was_used_and_forgotten():
    memory, until = begun(600.0), int(DUO) + 600 + LIFE_S
    assert memory.use(b"a", until, 0.0)
    assert memory.use(b"b", until + LIFE_S, LIFE_S)  # and the first is forgotten
    memory.told(DUO + LIFE_S, LIFE_S)
    assert memory.clock.at(LIFE_S) == until
    assert memory.use(b"c", until + LIFE_S, LIFE_S)
    memory.told(DUO + 601 + LIFE_S, LIFE_S + 601.0)
    assert memory.clock.at(LIFE_S + 601.0) == until + 1


def test_for_how_long_something_can_be_opened_is_said_by_that_clock():
    memory = begun(-600.0)
    told: list[float] = []
    memory.note = memory.share = lambda _record, life_s: told.append(life_s)
    memory.keep(b"a", KEPT, int(DUO) - 600 + LIFE_S, 0.0)
    memory.use(b"a", int(DUO) - 600 + LIFE_S, 1.0)
    memory.told(DUO + 2.0, 2.0)
    memory.adopt(kept(b"b", int(DUO) + LIFE_S), 2.0)
    assert told == [300.0, 300.0, 299.0, 298.0]


class World:
    """A worker with a clock that is wrong, and tokens: its own, and those of others whose clock may be wrong, too."""

    def __init__(self, error_s: int) -> None:
        self.memory = begun(float(error_s), most=1_000)
        self.now = 0.0
        self.tokens: list[tuple[bytes, int]] = []
        self.used: set[bytes] = set()

    def begin(self, life_s: int, ahead_s: int) -> None:
        """Ask somebody here, or elsewhere by a clock that is so far ahead of Duo's."""
        unix_now = DUO + self.now + ahead_s if ahead_s else self.memory.clock.at(self.now)
        self.tokens.append((b"%d" % len(self.tokens), int(unix_now) + life_s))

    def answer(self, which: int, _: int) -> None:
        """Let an answer come here: it counts if it can be opened and is the first, whatever the clock said before."""
        for name, until in self._token(which):
            if self.memory.clock.at(self.now) < until:
                assert self.memory.use(name, until, self.now) is (name not in self.used)
                self.used.add(name)

    def log_in(self, life_s: int, ahead_s: int) -> None:
        """Let somebody be asked, and answer at once."""
        self.begin(life_s, ahead_s)
        self.answer(-1, 0)

    def take_over(self, which: int, _: int) -> None:
        """Hear that it was used at a predecessor."""
        for name, until in self._token(which):
            self.memory.adopt(used_record(name, until), self.now)
            self.used.add(name)

    def _token(self, which: int) -> list[tuple[bytes, int]]:
        return [self.tokens[which % len(self.tokens)]] if self.tokens else []

    def wait(self, seconds: int, _: int) -> None:
        self.now += seconds

    def tell(self, _: int, error_s: int) -> None:
        """Let Duo tell its time, and be wrong, too."""
        self.memory.told(DUO + self.now + error_s, self.now)
        assert self.memory.clock.at(self.now) >= DUO + self.now + error_s


ERRORS_S = (0, 1, -1, 40, -40, 900, -900)
ACTS = (World.begin, World.log_in, World.answer, World.take_over, World.wait, World.tell)


@settings(max_examples=300)
@given(st.sampled_from(ERRORS_S), stories(ACTS, 60, len(ERRORS_S), at_least=5, at_most=40))
def test_whatever_clocks_say_a_token_that_can_be_opened_is_good_for_one_answer(error_s, steps):
    world = World(error_s)
    for act, number, error in steps:
        act(world, 1 + number, ERRORS_S[error])
    for which in range(len(world.tokens)):
        world.answer(which, 0)
        world.answer(which, 0)
