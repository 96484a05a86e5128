"""What the hot path consists of, piece by piece and whole: the one list that counting and timing share.

Each function here prepares a case and returns what is counted or timed: a call without arguments that may be repeated
for ever, at the same cost, because whatever it uses up it is given anew in a circle.
"""

import os
from collections.abc import Callable
from functools import partial
from itertools import count, cycle

from gateway.duoapi.calls import Auth, AuthAnswer, Factor, Preauth
from gateway.duoapi.flavours import V2
from gateway.duoapi.signing import Signer
from gateway.engine.digests import Digests
from gateway.engine.duplicates import DuplicateCache, SentReply
from gateway.engine.effects import Effect, Finished, ForgetLogin, KeepLogin, KeepReply, PutQuestion, ShareEnd
from gateway.engine.engine import Engine
from gateway.engine.first_factor import Accepted, CheckFirstFactor
from gateway.engine.peer import Peer
from gateway.engine.records import packed_verdict
from gateway.engine.transaction import Transaction
from gateway.engine.verdict import Verdict
from gateway.firstfactor.home.effects import Effect as HomeEffect
from gateway.firstfactor.home.effects import SendRequest
from gateway.firstfactor.home.plan import HomePlan
from gateway.firstfactor.home.server import HomeServer, Limits, Location
from gateway.fleet.claims import Claims
from gateway.fleet.effects import AnswerLogin, RunScript
from gateway.fleet.effects import Effect as FleetEffect
from gateway.fleet.hosts import Hosts
from gateway.fleet.scripts import CLAIM, WRITE, Script
from gateway.fleetapi.questions import Answer, Claim
from gateway.fleetapi.sealing import Sealer
from gateway.http1.request import RequestTemplate
from gateway.http1.response import ResponseReader
from gateway.ipc.journal import (
    Journal,
    create_journal,
)
from gateway.logs.events import EventLog
from gateway.logs.lines import TextLines
from gateway.radius.client import encode_access_request, encode_attribute
from gateway.radius.dictionary import PROXY_STATE, USER_PASSWORD, Code
from gateway.radius.hidden import Hop
from gateway.radius.packet import decode_packet
from gateway.radius.passing import NOTHING
from gateway.radius.reply import encode_reply
from gateway.radius.shared_secret import SharedSecret
from gateway.words.reasons import Outcome, Reason
from gateway.worker.journal_keeper import JournalKeeper
from gateway.worker.reports import LoginLog
from tests.engine.home_scene import CLASS, HOME_RA, HOME_SECRET, HOST, PASSWORD, HomeStage
from tests.engine.scene import ALLOWED, GO_ON, PUSHED, SECRET, SOURCE, Stage
from tests.firstfactor.home.scene import Question
from tests.micro.circle import N_REQUESTS, STEP_S, Run
from tests.micro.directory_cases import ask_directory, ask_directory_by_ntlm

DATE = "Mon, 23 Nov 2026 09:00:00 -0000"
AUTH = Auth("u000123", Factor.PASSCODE, passcode="123456", ipaddr="203.0.113.7")
ATTRIBUTES = b"".join(  # what a directory sends beside name and password
    (
        encode_attribute(4, bytes((192, 0, 2, 10))),  # NAS-IP-Address
        encode_attribute(5, bytes(4)),  # NAS-Port
        encode_attribute(6, bytes((0, 0, 0, 8))),  # Service-Type
        encode_attribute(31, b"203.0.113.7"),  # Calling-Station-Id
        encode_attribute(32, b"workspaces-directory"),  # NAS-Identifier
        encode_attribute(PROXY_STATE, b"a proxy's own"),
    )
)
PREAUTH_BODY = (
    b'{"response":{"devices":[{"capabilities":["auto","push","sms","phone","mobile_otp"],"device":'
    b'"DPFZRS9FB0D46QFTM891","display_name":"iOS (XXX-XXX-0100)","name":"","number":"XXX-XXX-0100","type":"phone"}],'
    b'"result":"auth","status_msg":"Account is active"},"stat":"OK"}'
)
PREAUTH_ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: Duo/1.0\r\nDate: Mon, 23 Nov 2026 09:00:00 GMT\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nConnection: keep-alive\r\nCache-Control: no-store\r\nPragma: no-cache\r\n"
    b"Strict-Transport-Security: max-age=31536000\r\n\r\n%s" % (len(PREAUTH_BODY), PREAUTH_BODY)
)


def access_request(number: int, password: bytes = b"123456") -> tuple[bytes, Peer]:
    """Return a signed request of a user of its own, and where it comes from."""
    identifier, port = number % 256, 40_000 + number // 256
    authenticator = number.to_bytes(16, "big")
    user_name = b"u%06d" % number
    octets = encode_access_request(identifier, authenticator, SECRET, user_name, password, ATTRIBUTES)
    return octets, Peer((SOURCE, port), 0)


def decode_request() -> Run:
    """A datagram to a packet: the walk through its attributes."""
    datagram, _ = access_request(1)
    return lambda: decode_packet(datagram)


def verify_message_authenticator() -> Run:
    """Whether a request's Message-Authenticator is right."""
    request = decode_packet(access_request(1)[0])
    return lambda: SECRET.has_signed(request)


def reveal_user_password() -> Run:
    """A User-Password of one block."""
    request = decode_packet(access_request(1)[0])
    hidden = request.value(USER_PASSWORD) or b""
    return lambda: SECRET.reveal_user_password(hidden, request.authenticator)


def encode_accept() -> Run:
    """An Access-Accept with a text and a Proxy-State, both authenticators computed."""
    request = decode_packet(access_request(1)[0])
    return lambda: encode_reply(Code.ACCESS_ACCEPT, request, SECRET, ALLOWED.status_msg)


def digest_packet() -> Run:
    """The name by which a request's octets are known again."""
    digests, datagram = Digests(bytes(32)), access_request(1)[0]
    return lambda: digests.packet(datagram)


def transaction(number: int) -> Transaction:
    """Return a request that nobody has answered."""
    datagram, peer = access_request(number)
    return Transaction(decode_packet(datagram), Stage().nas, peer, number.to_bytes(16, "big"), 0.0)


def duplicate_miss() -> Run:
    """A look for a request that was never seen."""
    cache, request = DuplicateCache(30.0, 1000), transaction(1)
    return lambda: cache.find(request.key, request.digest, 1.0)


def duplicate_hit() -> Run:
    """A look for a request that was answered."""
    cache, request = DuplicateCache(30.0, 1000), transaction(1)
    cache.replied(request, bytes(64), 0.0)
    return lambda: cache.find(request.key, request.digest, 1.0)


def duplicate_expiry() -> Run:
    """A request is taken up and answered, and in its place an old answer is forgotten."""
    cache, requests = DuplicateCache(30.0, 1000), cycle([transaction(number) for number in range(N_REQUESTS)])
    instants = count()

    def run() -> None:
        request, now = next(requests), next(instants) * STEP_S
        cache.add(request)
        cache.replied(request, b"a reply", now)

    for _ in range(N_REQUESTS):
        run()
    return run


def sign_auth() -> Run:
    """An auth to its parameters, encoded, and the Authorization header."""
    signer = Signer("DIXXXXXXXXXXXXXXXXXX", bytes(40), "api-xxxxxxxx.duosecurity.com")

    def run() -> bytes:
        request = V2.request(AUTH)
        return signer.authorization(DATE, request.method, request.path, request.params)

    return run


def encode_post() -> Run:
    """The octets of a signed POST."""
    template = RequestTemplate("api-xxxxxxxx.duosecurity.com", "radgate/1.0")
    body, authorization = V2.request(AUTH).params, b"Basic " + b"x" * 200
    return lambda: template.post("/auth/v2/auth", body, DATE, authorization)


def read_response() -> Run:
    """The octets of an answer to an HTTP status and a body."""
    reader = ResponseReader()
    return lambda: reader.feed(PREAUTH_ANSWER)


def read_preauth() -> Run:
    """The body of an answer to preauth, to what it says."""
    call = Preauth("u000123")
    return lambda: V2.read(call, 200, PREAUTH_BODY)


def memory() -> JournalKeeper:
    """Return a worker's memory with an empty journal."""
    descriptor = create_journal(16)
    try:
        return JournalKeeper(Journal(descriptor, bytes(32)))
    finally:
        os.close(descriptor)  # mapped


def keep_reply() -> Run:
    """An answer into the journal."""
    kept, request = memory(), transaction(1)
    effect = KeepReply(SentReply(request.key, request.digest, bytes(80), 30.0), request.peer)
    return lambda: kept.keep_reply(effect)


def keep_login() -> Run:
    """A login whose push is out into the journal, in place of its older record."""
    kept, stage = memory(), Stage()
    stage.receive(access_request(1, b"push")[0])
    stage.answer(GO_ON)
    stage.answer(PUSHED)
    (effect,) = (effect for effect in stage.effects if isinstance(effect, KeepLogin))
    return lambda: kept.keep_login(effect)


def write_line() -> Run:
    """A finished login to its line in the log."""
    log = LoginLog(EventLog(-1, [lambda _line, _level: None], TextLines()), 0)
    verdict = Verdict(Outcome.ACCEPT, Reason.DUO_ALLOWED, "", "Duo authentication returned 'allow': 'Success'")
    finished = Finished(Peer((SOURCE, 40_001), 0), 7, "u000123", "radius_server_duo_only", verdict, "push", 0.2, 1)
    return lambda: log.tell(finished, 1_800_000_000.25)


def logins(password: bytes, answers: list[AuthAnswer], engine: Engine | None = None) -> Run:
    """Return whole logins in an engine, of many users: preauth says "auth", and then Duo gives these answers."""
    engine = engine or Stage().engine
    requests = cycle([access_request(number, password) for number in range(N_REQUESTS)])
    instants = count()

    def run() -> list[Effect]:
        (datagram, peer), now = next(requests), next(instants) * STEP_S
        (asked,) = engine.datagram_received(datagram, peer, now)
        assert isinstance(asked, PutQuestion)
        effects = engine.answered(asked.pending, GO_ON, now)
        for answer in answers:
            effects = engine.answered(asked.pending, answer, now)
        return effects

    for _ in range(N_REQUESTS):
        run()
    return run


def passcode_login() -> Run:
    """The whole engine: request, preauth, auth, reply."""
    return logins(b"123456", [ALLOWED])


def push_login() -> Run:
    """The whole engine: request, preauth, auth, two answers of auth_status, reply."""
    return logins(b"push", [PUSHED, AuthAnswer("waiting", "pushed", "Pushed a login request"), ALLOWED])


def password_login() -> Run:
    """The whole engine: request, a first factor's accept, auth, reply."""
    engine = HomeStage(to_nas=NOTHING).engine
    typed = f"{PASSWORD},123456".encode()
    requests = cycle([access_request(number, typed) for number in range(N_REQUESTS)])
    instants, accepted = count(), Accepted(CLASS, HOST, Hop(HOME_SECRET, HOME_RA))

    def run() -> list[Effect]:
        (datagram, peer), now = next(requests), next(instants) * STEP_S
        (asked,) = engine.datagram_received(datagram, peer, now)
        assert isinstance(asked, PutQuestion)
        for answer in (accepted, GO_ON):
            engine.answered(asked.pending, answer, now)
        return engine.answered(asked.pending, ALLOWED, now)

    for _ in range(N_REQUESTS):
        run()
    return run


def shared_login() -> Run:
    """A passcode as above, claimed among hosts: with what its journal, the store and the engine are told of that."""
    engine, kept, random = Stage(policy={"fleet": "fleet"}).engine, memory(), bytes
    claims = Claims(
        "a" * 16, "gw-a", Hosts("a" * 16), Sealer([bytes(32)], random), random, lambda: None, lambda _outcome: None
    )
    requests, instants = cycle([access_request(number) for number in range(N_REQUESTS)]), count()
    claims.store_back(0.0)

    def told(effects: list[Effect], now: float) -> None:
        for effect in effects:
            if isinstance(effect, KeepLogin):
                kept.keep_login(effect)
            elif isinstance(effect, ForgetLogin):
                kept.forget_login(effect)
            elif isinstance(effect, ShareEnd) and effect.verdict is not None:
                number, verdict = effect.pending.number, partial(packed_verdict, effect.verdict)
                store(claims.ended(number, verdict, effect.is_asked, effect.packets, now), WRITE, 0, now)

    def store(effects: list[FleetEffect], script: Script, reply: int, now: float) -> Answer | None:
        (run,) = effects
        assert isinstance(run, RunScript)
        script.call(run.key, run.arguments)
        answers = claims.script_answered(run, reply, now)
        return answers[0].answer if answers and isinstance(answers[0], AnswerLogin) else None

    def run() -> list[Effect]:
        (datagram, peer), now = next(requests), next(instants) * STEP_S
        (asked,) = engine.datagram_received(datagram, peer, now)
        assert isinstance(asked, PutQuestion)
        effects = engine.answered(asked.pending, GO_ON, now)
        told(effects, now)
        (question,) = (effect.question for effect in effects if isinstance(effect, PutQuestion))
        assert isinstance(question, Claim)
        granted = store(claims.ask(question.number, question, now), CLAIM, 1, now)
        assert granted is not None
        engine.answered(asked.pending, granted, now)
        effects = engine.answered(asked.pending, ALLOWED, now)
        told(effects, now)
        claims.run(now)
        return effects

    for _ in range(N_REQUESTS):
        run()
    return run


def ask_home() -> Run:
    """A question to a home server: its request, and the reply believed."""
    secret = SharedSecret(b"the home server's secret")
    server = HomeServer(0, "10.0.0.1:1812", secret)
    plan = HomePlan([server], Limits(), bytes)
    plan.located(server, Location(2, ("10.0.0.1", 1812), encode_attribute(4, bytes((10, 0, 0, 1)))), 0.0)
    plan.ask(Question(CheckFirstFactor(b"u000000", b"correct horse")), 0.0)
    instants = count()

    def run() -> list[HomeEffect]:
        now = next(instants) * STEP_S
        sent = plan.ask(Question(CheckFirstFactor(b"u000001", b"correct horse")), now)[-1]
        assert isinstance(sent, SendRequest)
        reply = encode_reply(Code.ACCESS_ACCEPT, decode_packet(sent.octets), secret)
        return plan.received(sent.number, reply, now)

    return run


def retransmission() -> Run:
    """The whole engine: the octets of a request that was answered."""
    stage = Stage()
    datagram, _ = access_request(1)
    stage.receive(datagram)
    stage.answer(GO_ON)
    stage.answer(ALLOWED)
    return lambda: stage.engine.datagram_received(datagram, Peer((SOURCE, 40_001), 0), 1.0)


def unknown_client() -> Run:
    """The whole engine: another datagram from an address that is nobody's."""
    stage, datagram = Stage(), access_request(1)[0]
    stranger = Peer(("198.51.100.1", 40_000), 0)
    stage.engine.datagram_received(datagram, stranger, 1.0)  # the first one is worth a line
    return lambda: stage.engine.datagram_received(datagram, stranger, 1.0)


CASES: dict[str, Callable[[], Run]] = {
    prepare.__name__: prepare
    for prepare in (
        decode_request,
        verify_message_authenticator,
        reveal_user_password,
        encode_accept,
        digest_packet,
        duplicate_miss,
        duplicate_hit,
        duplicate_expiry,
        sign_auth,
        encode_post,
        read_response,
        read_preauth,
        keep_reply,
        keep_login,
        write_line,
        passcode_login,
        push_login,
        password_login,
        shared_login,
        ask_home,
        ask_directory,
        ask_directory_by_ntlm,
        retransmission,
        unknown_client,
    )
}
