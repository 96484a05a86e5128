"""What holds whatever directories, network and NAS do, in any order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.first_factor import Accepted
from gateway.firstfactor.directory.host import FIRST_PAUSE_S, Limits
from gateway.firstfactor.directory.search import SearchRules
from gateway.firstfactor.directory.searches import FIRST_LOCKING_PAUSE_S
from gateway.firstfactor.directory.states import BINDING, ENDED, SEARCHING, WAITING
from tests.firstfactor.directory.answers import disconnection, entry, referral
from tests.firstfactor.directory.scene import BASE, SERVICE, Question, Scene, Sent

TIMEOUT_S = 12.0
GROUP = b"cn=vpn," + BASE
which = st.integers(0, 30)
GOOD = ["go on", "go on", "go on", "answer", "find", "find none", "find two", "refuse", "open"]
BAD = [
    "fail",
    "lose",
    "lose a bind",
    "lose a bind",
    "fault",
    "garbage",
    "notice",
    "endless",
    "unasked",
    "die at looks",
    "cancel",
]
ASK = st.tuples(st.just("ask"), st.sampled_from([0.0, 0.0, 3.0, 50.0]))
GO_ON = st.tuples(st.just("go on"), which)
STEPS = st.lists(
    st.one_of(
        ASK,
        GO_ON,
        GO_ON,
        st.tuples(st.just("wait"), st.sampled_from([0.0, 0.5, 2.0, 5.0, 9.0, 61.0, 301.0])),
        st.tuples(st.sampled_from(GOOD), which),
        st.tuples(st.sampled_from(BAD), which),
    ),
    max_size=80,
)
LIMITS = st.builds(Limits, timeout_s=st.just(TIMEOUT_S), max_in_flight=st.integers(1, 3))
RULES = st.sampled_from([SearchRules(BASE), SearchRules(BASE, b"", GROUP)])
REFUSED = 49
BEGIN = [("ask", 0.0), *[("go on", 0)] * 8]


class World:
    """A scene, its questions by their passwords, and what became of each bind."""

    def __init__(self, n_hosts: int, limits: Limits, rules: SearchRules) -> None:
        self.limits = limits
        self.scene = Scene(n_hosts, limits, rules)
        self.questions: dict[bytes, Question] = {}
        self.began: dict[bytes, float] = {}
        self.answered: list[Sent] = []
        self.refused_service: list[tuple[int, Sent, int]] = []

    def step(self, what: str, how: float) -> None:
        scene = self.scene
        number = int(how)
        if what == "ask":
            password = b"password %d" % len(self.questions)
            self.began[password] = scene.now
            self.questions[password] = scene.ask(b"alice", password, deadline=scene.now + how if how else 0.0)
        elif what == "wait":
            scene.wait(how)
        elif what == "cancel" and self.questions:
            scene.cancel(list(self.questions.values())[number % len(self.questions)])
        elif what == "die at looks":
            scene.dies_at_looks = not scene.dies_at_looks
        elif what in ("open", "fail") and scene.opening:
            chosen = list(scene.opening)[number % len(scene.opening)]
            (scene.opens if what == "open" else scene.fail)(chosen)
        elif what == "go on":
            self.go_on()
        elif what == "lose a bind":
            binds = [sent.number for sent in scene.due if sent.is_user_bind]
            if binds:
                scene.lose(binds[number % len(binds)])
        elif what in ("lose", "garbage", "notice", "endless", "unasked") and scene.open:
            self.disturb(list(scene.open)[number % len(scene.open)], what)
        elif scene.due:
            self.answer(scene.due[number % len(scene.due)], what)

    def go_on(self) -> None:
        """Let happen what mostly does next: up to users' binds, which are answered otherwise."""
        scene = self.scene
        due = [sent for sent in scene.due if not sent.is_user_bind]
        if scene.opening:
            scene.opens()
        elif due:
            scene.answer(due[0])

    def disturb(self, number: int, what: str) -> None:
        scene = self.scene
        due = [sent.message_id for sent in scene.due if sent.number == number]
        if what == "lose":
            scene.lose(number)
        elif what == "garbage":
            scene.say(number, b"HTTP/1.1 400 Bad Request")
        elif what == "notice":
            scene.say(number, disconnection())
        elif what == "unasked":
            scene.say(number, entry(max(due, default=0) + 1, b"cn=x"))
        elif due:
            scene.say(number, referral(due[0]) * 101)

    def answer(self, sent: Sent, what: str) -> None:
        scene = self.scene
        if what in ("find", "find none", "find two"):
            n_found = {"find": 1, "find none": 0, "find two": 2}[what]
            scene.answer(sent, n_found=n_found)
        elif what in ("answer", "refuse", "fault"):
            code = {"answer": 0, "refuse": REFUSED, "fault": 52}[what]
            if sent.is_user_bind and what != "fault":  # which says that nobody has looked
                self.answered.append(sent)
            elif sent.is_service_bind and code:
                self.refused_service.append((len(scene.sent), sent, code))
            scene.answer(sent, code)
        if sent.is_user_bind and what.startswith("find"):
            self.answered.append(sent)

    def check(self) -> None:
        """What holds at any time."""
        scene, questions = self.scene, self.questions
        for host in scene.hosts:
            at_it = [each for each in questions.values() if each.host is host]
            has_place = [each for each in at_it if each.state in (SEARCHING, BINDING)]
            assert host.n_out == len(has_place) <= self.limits.max_in_flight
            assert [each for each in at_it if each.state is WAITING] == list(host.line) or not host.line
            assert host.n_opening + host.n_busy + len(host.idle) <= self.limits.max_in_flight
        numbers = {each.number for each in scene.plan._board.connections.values()}
        assert numbers == set(scene.opening) | set(scene.open)
        for password, question in questions.items():
            assert len(question.results) <= 1
            if question.state is ENDED:
                assert question.question.password is None
                assert question.host is None
            else:
                assert scene.now < self.began[password] + TIMEOUT_S

    def check_binds(self) -> None:
        """One bind for each question, and one more only at another host, after the first was not looked at, or lost."""
        binds: dict[bytes, list[Sent]] = {}
        for sent in self.scene.user_binds:
            binds.setdefault(sent.password, []).append(sent)
        for sents in binds.values():
            assert len(sents) <= 2
            assert len({sent.host.index for sent in sents}) == len(sents)
            assert not any(sent in self.answered for sent in sents[:-1])
        kinds = {(sent.number, sent.is_user_bind) for sent in self.scene.sent}
        assert len({number for number, _ in kinds}) == len(kinds), "users' binds are beside what is the service's"
        for question in self.questions.values():
            if question.results and isinstance(question.result, Accepted):
                assert question.n_proven

    def check_service_account(self) -> None:
        """Nobody tries again at once after it was refused, and at no host for long after its password was wrong."""
        for n_sent, refused, code in self.refused_service:
            least_s = FIRST_LOCKING_PAUSE_S if code == REFUSED else FIRST_PAUSE_S
            for sent in self.scene.sent[n_sent:]:
                if sent.is_service_bind and (code == REFUSED or sent.host is refused.host):
                    assert sent.at - refused.at >= least_s


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 3), LIMITS, RULES, STEPS)
def test_each_question_ends_once_in_time_and_after_one_bind(n_hosts, limits, rules, steps):
    world = World(n_hosts, limits, rules)
    for what, how in [*BEGIN, *steps]:
        world.step(what, how)
        world.check()
        world.check_binds()
    world.scene.wait(TIMEOUT_S)
    assert all(question.state is ENDED for question in world.questions.values())
    world.check()
    world.check_binds()
    world.check_service_account()
    for host in world.scene.hosts:
        assert not host.line
        assert not host.searching
        assert not host.binding
        assert host.n_out == host.n_busy == 0


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 3), LIMITS, STEPS)
def test_nothing_is_sent_for_a_question_after_its_end(n_hosts, limits, steps):
    world = World(n_hosts, limits, SearchRules(BASE))
    for what, how in steps:
        ended = {password for password, question in world.questions.items() if question.state is ENDED}
        n_sent = len(world.scene.sent)
        world.step(what, how)
        assert not ended & {sent.password for sent in world.scene.sent[n_sent:]}
        assert SERVICE.password not in {sent.password for sent in world.scene.user_binds}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=8), st.booleans())
def test_no_octets_of_a_directory_do_more_than_end_a_connection(pieces, is_found):
    scene = Scene(2)
    scene.ready()
    question = scene.ask()
    if is_found:
        scene.answer()
        scene.ready()
    for piece in pieces:
        for number in tuple(scene.open):
            if number in scene.open:
                scene.say(number, piece)
    scene.wait(20.0)
    assert len(question.results) == 1
    assert not isinstance(question.result, Accepted)
