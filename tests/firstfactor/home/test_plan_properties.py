"""What holds whatever home servers, network and NAS do, in any order."""

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.first_factor import Accepted, Challenged, Refused
from gateway.firstfactor.home.server import Limits
from gateway.firstfactor.home.states import ENDED, OUT, WAITING
from gateway.radius.client import encode_attribute
from gateway.radius.shared_secret import SharedSecret
from gateway.unavailable import Unavailable
from tests.firstfactor.home.scene import ACCEPT, CHALLENGE, REJECT, Question, Scene, Sent

N_SERVERS = 3
TIMEOUT_S = 20.0
OTHER_SECRET = SharedSecret(b"of nobody here")
which = st.integers(0, 30)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from([0.0, 3.0, 50.0])),
        st.tuples(st.just("wait"), st.sampled_from([0.5, 2.0, 7.0, 61.0])),
        st.tuples(
            st.sampled_from(["accept", "reject", "challenge", "forge", "replay", "refuse", "fail", "unsent", "cancel"]),
            which,
        ),
        st.tuples(st.sampled_from(["locate", "move", "lose"]), st.integers(0, N_SERVERS - 1)),
    ),
    max_size=60,
)
LIMITS = st.builds(
    Limits,
    retries=st.integers(0, 3),
    retry_wait_s=st.just(2.0),
    timeout_s=st.just(TIMEOUT_S),
    max_in_flight=st.integers(1, 3),
    probes=st.booleans(),
    returns_untested=st.booleans(),
    requires_signature=st.just(False),
    learns_signature=st.just(True),
)
ENDINGS = {"accept": (ACCEPT, Accepted), "reject": (REJECT, Refused), "challenge": (CHALLENGE, Challenged)}


class World:
    """A scene, its questions by the name that each asks about, and when each was asked."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.scene = Scene(N_SERVERS, limits, located=False)
        self.questions: dict[bytes, Question] = {}
        self.began: dict[bytes, float] = {}
        self.n_moves = 0

    def step(self, what: str, how: float) -> None:
        scene = self.scene
        out = [question for question in self.questions.values() if question.state is OUT]
        if what == "ask":
            name = b"%d" % len(self.questions)
            self.began[name] = scene.now
            self.questions[name] = scene.ask(name, deadline=scene.now + how if how else 0.0)
        elif what == "wait":
            scene.wait(how)
        elif what in ("locate", "move"):
            self.n_moves += what == "move"
            scene.locate(scene.servers[int(how)], f"10.{how}.{self.n_moves}.1")
        elif what == "lose":
            scene.perform(scene.plan.lost(scene.servers[int(how)], "cannot be resolved", scene.now))
        elif what == "cancel" and self.questions:
            scene.cancel(list(self.questions.values())[int(how) % len(self.questions)])
        elif what == "replay" and scene.sent:
            scene.answer(scene.sent[int(how) % len(scene.sent)])
        elif out:
            self.answer(out[int(how) % len(out)], what)

    def answer(self, question: Question, what: str) -> None:
        """What happens to a request that is out."""
        scene, sent = self.scene, self.last_of(question)
        if what == "forge":
            scene.answer(sent, secret=OTHER_SECRET)
        elif what == "refuse":
            scene.refuse(sent)
        elif what == "fail":
            scene.fail(sent)
        elif what == "unsent":
            scene.unsent(sent)
        elif what in ENDINGS:
            code, kind = ENDINGS[what]
            scene.answer(sent, code, encode_attribute(24, b"s"))
            assert isinstance(question.result, kind)

    def last_of(self, question: Question) -> Sent:
        return next(each for each in reversed(self.scene.asked) if each.octets == question.octets)

    def check(self) -> None:
        """What holds at any time."""
        questions = self.questions.values()
        for server in self.scene.servers:
            out = [question for question in questions if question.state is OUT and question.server is server]
            assert server.n_out == len(out) <= self.limits.max_in_flight
        for question in questions:
            assert (question.port is not None) is (question.state is OUT)
            if question.state is ENDED:
                assert question.question.password is None
            assert len(question.results) <= 1

    def check_all(self) -> None:
        """What holds of the whole."""
        by_name: defaultdict[bytes, list[Sent]] = defaultdict(list)
        for sent in self.scene.asked:
            by_name[sent.packet.user_name].append(sent)
        for all_sent in by_name.values():
            hosts = list(dict.fromkeys(sent.server.index for sent in all_sent))
            assert [sent.server.index for sent in all_sent] == [
                host for host in hosts for sent in all_sent if sent.server.index == host
            ], "it went back to a home server, or was at two at once"
            for host in hosts:
                octets = [sent.octets for sent in all_sent if sent.server.index == host]
                assert len(set(octets)) == 1
                assert len(octets) <= 1 + self.limits.retries
        authenticators = [octets[4:20] for octets in {sent.octets for sent in self.scene.sent}]
        assert len(set(authenticators)) == len(authenticators)

    def check_end(self) -> None:
        """What holds once every question has had its time."""
        self.scene.wait(TIMEOUT_S)
        assert all(question.state is ENDED for question in self.questions.values())
        assert not any(self.scene.plan._lines)
        self.check()
        for server in self.scene.servers:
            assert server.trial is None
            requests = [request for port in server.ports.values() for request in port.requests.values()]
            assert requests in ([], [server.probe])
        assert set(self.scene.open) == {number for server in self.scene.servers for number in server.ports}
        n_sent = len(self.scene.asked)
        self.scene.wait(100)
        assert len(self.scene.asked) == n_sent


@settings(max_examples=60, deadline=None)
@given(LIMITS, STEPS)
def test_one_question_is_at_one_home_server_at_a_time_and_ends_in_time(limits, steps):
    world = World(limits)
    for what, how in [("locate", 0), ("locate", 1), *steps]:
        world.step(what, how)
        world.check()
    world.check_end()
    world.check_all()


@settings(max_examples=60, deadline=None)
@given(LIMITS, STEPS)
def test_nothing_is_sent_after_an_answer(limits, steps):
    world = World(limits)
    for what, how in [("locate", 0), ("locate", 1), *steps]:
        ended = {name for name, question in world.questions.items() if question.state is ENDED}
        n_sent = len(world.scene.asked)
        world.step(what, how)
        assert not ended & {sent.packet.user_name for sent in world.scene.asked[n_sent:]}
        for name, question in world.questions.items():
            if question.state is WAITING or question.state is OUT:
                assert world.scene.now < world.began[name] + TIMEOUT_S
            elif question.results and isinstance(question.result, Unavailable):
                assert str(question.result)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 10_000), st.integers(1, 255))
def test_no_octets_but_the_home_servers_own_are_believed(octets, at, change):
    scene = Scene()
    question = scene.ask()
    reply = scene.sent[0].reply(REJECT, encode_attribute(18, b"no"))
    forged = bytearray(reply)
    forged[at % len(reply)] ^= change
    head = reply[:2] + (20 + len(octets)).to_bytes(2, "big") + bytes(16)
    for datagram in (octets, head + octets, bytes(forged), reply[: at % len(reply)]):
        scene.receive(datagram)
        assert not question.results
    assert scene.servers[0].discards.total() == 4
    scene.receive(reply + octets)  # padding
    assert isinstance(question.result, Refused)
