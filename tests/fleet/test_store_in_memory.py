"""The store of our scenes does what the scripts do in a real one, step by step."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fleet import script_answers as answers
from gateway.fleet import scripts
from gateway.fleet.script_answers import Found, Took
from tests.fleet.redis_server import RedisServer, needs_store, redis_server
from tests.fleet.store import Store

pytestmark = needs_store

KEY = b"rg:l:000102030405060708090a0b0c0d0e0f"
LIFE = b"90000"

owners = st.sampled_from([b"00000000000000a%d:000000000000000%d" % (number, number) for number in range(3)])
epochs = st.integers(0, 4).map(lambda number: b"%d" % number)
sealed = st.binary(max_size=20)
claims = st.tuples(st.just(answers.CLAIM), st.tuples(owners, st.just(LIFE), sealed, owners | st.just(b""), epochs))
looks = st.tuples(st.just(answers.LOOK), st.just(()))
writes = st.tuples(
    st.just(answers.WRITE), st.tuples(owners, epochs, st.sampled_from([b"pushed", b"decided"]), sealed, st.just(LIFE))
)
takes = st.tuples(st.just(answers.TAKE), st.tuples(owners, owners, epochs, st.just(LIFE)))
releases = st.tuples(st.just(answers.RELEASE), st.tuples(owners, epochs))

SCRIPTS: dict[answers.ScriptName, tuple[scripts.Script, Any]] = {
    answers.CLAIM: (scripts.CLAIM, answers.read_claim),
    answers.LOOK: (scripts.LOOK, answers.read_look),
    answers.WRITE: (scripts.WRITE, int),
    answers.TAKE: (scripts.TAKE, answers.read_take),
    answers.RELEASE: (scripts.RELEASE, int),
}


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        for script in scripts.SCRIPTS:
            server.ask("SCRIPT", "LOAD", script.lua)
        yield server


def without_age(answer: object) -> object:
    if isinstance(answer, Found | Took):
        answer.age_s = 0.0
    return answer


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.lists(claims | claims | looks | writes | writes | takes | takes | releases, max_size=30))
def test_both_answer_alike(server: RedisServer, steps):
    server.ask("FLUSHALL")
    store = Store()
    for name, arguments in steps:
        script, read = SCRIPTS[name]
        real = read(server.ask("EVALSHA", script.sha, "1", KEY, *arguments))
        assert without_age(real) == without_age(read(store.run(name, KEY, arguments)))
