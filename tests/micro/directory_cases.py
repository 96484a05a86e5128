"""What a question to a directory consists of."""

from itertools import count

from bench.directory.ntlm import challenge
from bench.directory.requests import SaslBind, Search, read_request
from gateway.engine.first_factor import CheckFirstFactor
from gateway.firstfactor.directory.account import AccountRules
from gateway.firstfactor.directory.binder import Binder
from gateway.firstfactor.directory.effects import Answered, Open, Send
from gateway.firstfactor.directory.effects import Effect as DirectoryEffect
from gateway.firstfactor.directory.host import Host
from gateway.firstfactor.directory.host import Limits as DirectoryLimits
from gateway.firstfactor.directory.outcomes import Manner
from gateway.firstfactor.directory.plan import DirectoryPlan
from gateway.firstfactor.directory.search import SearchRules
from gateway.ldap.results import SASL_BIND_IN_PROGRESS
from tests.firstfactor.directory.answers import bind_done, entry, search_done
from tests.firstfactor.directory.scene import Question as DirectoryQuestion
from tests.micro.circle import N_REQUESTS, STEP_S, Run

BASE = b"dc=example,dc=test"
NTLM_CHALLENGE = challenge(signs=False)
LEAST_PROOF = 200  # octets: a client's first token has fewer


def directory_questions(manner: Manner) -> Run:
    """Return questions to a directory: the search, who was found, the bind on a kept connection, and its answer."""
    binder = Binder(manner, "", bytes, lambda: 0)
    host = Host(0, "dc1.example.test:636", "dc1.example.test")
    rules = SearchRules(BASE, group=b"cn=vpn," + BASE, wants_account=manner.is_ntlm)
    plan = DirectoryPlan([host], DirectoryLimits(), AccountRules(), rules, None, binder)
    instants = count()
    for effect in plan.start(0.0):
        assert isinstance(effect, Open)
        plan.opened(effect.number, bytes(16), 0.0)

    def run() -> list[DirectoryEffect]:
        now = next(instants) * STEP_S
        effects = plan.ask(DirectoryQuestion(CheckFirstFactor(b"u000001", b"correct horse")), now)
        while not isinstance(effect := effects[-1], Answered):
            if isinstance(effect, Open):
                effects = plan.opened(effect.number, bytes(16), now)
            else:
                assert isinstance(effect, Send)
                effects = plan.received(effect.number, directory_says(effect.octets), now)
        plan.timer(now)
        return effects

    for _ in range(N_REQUESTS):
        run()
    return run


def directory_says(octets: bytes) -> bytes:
    """Return what a directory says to the gateway: one entry, a challenge, success."""
    request = read_request(octets)
    number = request.message_id
    if isinstance(request, Search):
        return entry(number, b"CN=u000001," + BASE, sAMAccountName=b"u000001") + search_done(number)
    if isinstance(request, SaslBind) and len(request.credentials) < LEAST_PROOF:
        return bind_done(number, SASL_BIND_IN_PROGRESS, credentials=NTLM_CHALLENGE)
    return bind_done(number)


def ask_directory() -> Run:
    """A question to a directory, by a simple bind."""
    return directory_questions(Manner(is_tls=True))


def ask_directory_by_ntlm() -> Run:
    """The same by NTLMv2 within TLS."""
    return directory_questions(Manner(is_ntlm=True, is_tls=True))
