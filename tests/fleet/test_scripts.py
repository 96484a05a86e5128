"""The scripts against a real server: who owns a record, who may write or take it, and what all others are told."""

from collections.abc import Iterator

import pytest

from gateway.fleet.scripts import CLAIM, KEEP, LOOK, RELEASE, SCRIPTS, TAKE, USE, WRITE, Script
from gateway.fleetapi.resp import Answer, Refused, encode_command
from tests.fleet.redis_server import RedisServer, needs_store, redis_server

pytestmark = needs_store

KEY = b"rg:l:000102030405060708090a0b0c0d0e0f"
LIFE = b"90000"


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        for script in SCRIPTS:
            assert server.ask("SCRIPT", "LOAD", script.lua) == script.sha
        yield server


@pytest.fixture
def store(server: RedisServer) -> RedisServer:
    server.ask("FLUSHALL")
    return server


def run(store: RedisServer, script: Script, *arguments: bytes) -> Answer:
    return store.ask("EVALSHA", script.sha, "1", KEY, *arguments)


def claim(store, owner, expected=b"", epoch=b"0", sealed=b"claim"):
    return run(store, CLAIM, owner, LIFE, sealed, expected, epoch)


def write(store, owner, epoch=b"1", state=b"pushed", sealed=b"txid"):
    return run(store, WRITE, owner, epoch, state, sealed, LIFE)


def take(store, owner, expected=b"a", epoch=b"1"):
    return run(store, TAKE, owner, expected, epoch, LIFE)


def young(answer: Answer) -> list[object]:
    """All that is answered but the age, which stands last and is that of a moment ago."""
    assert isinstance(answer, list)
    age_ms = answer[-1]
    assert isinstance(age_ms, int)
    assert 0 <= age_ms < 60_000
    return answer[:-1]


def life_ms(store: RedisServer) -> int:
    left = store.ask("PTTL", KEY)
    assert isinstance(left, int)
    return left


@pytest.mark.parametrize("n_arguments", range(6))
def test_a_script_is_called_by_its_name(n_arguments):
    arguments = (b"", b"\r\n", b"a" * 600, b"b", b"$1")[:n_arguments]
    assert CLAIM.call(KEY, arguments) == encode_command([b"EVALSHA", CLAIM.sha, b"1", KEY, *arguments])


def test_the_first_who_claims_owns(store):
    assert claim(store, b"a") == 1
    assert 80_000 < life_ms(store) <= 90_000


def test_the_next_is_told_whose_it_is_and_is_counted(store):
    claim(store, b"a")
    for n in (1, 2):
        assert young(claim(store, b"b")) == [b"a", 1, b"asking", b"claim"]
        assert store.ask("HGET", KEY, "n") == b"%d" % n


def test_an_owner_who_asserts_its_claim_keeps_what_it_wrote(store):
    claim(store, b"a")
    claim(store, b"b")
    write(store, b"a")
    store.ask("PEXPIRE", KEY, "1000")
    assert claim(store, b"a", sealed=b"other") == 1
    assert store.ask("HMGET", KEY, "s", "r") == [b"pushed", b"txid"]
    assert life_ms(store) > 80_000


def test_a_record_that_is_as_expected_is_replaced_with_another_epoch(store):
    claim(store, b"a")
    claim(store, b"b")
    run(store, WRITE, b"a", b"1", b"decided", b"digests", b"1000")
    assert claim(store, b"b", b"a", b"1", sealed=b"ours") == 2
    assert young(run(store, LOOK)) == [b"b", 2, b"asking", b"ours"]
    assert life_ms(store) > 80_000


@pytest.mark.parametrize(("expected", "epoch"), [(b"a", b"2"), (b"c", b"1"), (b"", b"0"), (b"a", b"none")])
def test_a_record_that_is_not_as_expected_is_not_replaced(store, expected, epoch):
    claim(store, b"a")
    assert young(claim(store, b"b", expected, epoch)) == [b"a", 1, b"asking", b"claim"]


def test_what_is_expected_and_is_not_there_any_more_is_claimed_anew(store):
    assert claim(store, b"b", b"a", b"7") == 1


def test_only_the_present_owner_writes(store):
    claim(store, b"a")
    claim(store, b"b")
    assert write(store, b"a") == 1
    assert write(store, b"b", sealed=b"forged") == -1
    assert write(store, b"a", b"2", sealed=b"forged") == -1
    assert store.ask("HGET", KEY, "r") == b"txid"


def test_nobody_writes_what_is_not_there(store):
    assert write(store, b"a") == -1
    assert store.ask("EXISTS", KEY) == 0


def test_a_push_is_taken_once_and_the_former_owner_writes_no_more(store):
    claim(store, b"a")
    write(store, b"a")
    written_at = store.ask("HGET", KEY, "t")
    assert young(take(store, b"b")) == [1, 2, b"txid"]
    assert store.ask("HGET", KEY, "t") == written_at
    assert young(take(store, b"c")) == [0, b"b", 2, b"pushed", b"txid"]
    assert write(store, b"a", state=b"decided") == -1
    assert write(store, b"b", b"2", state=b"decided") == 0


@pytest.mark.parametrize("state", [b"asking", b"decided"])
def test_only_a_push_whose_name_is_known_is_taken(store, state):
    claim(store, b"a")
    write(store, b"a", state=state, sealed=b"sealed")
    assert young(take(store, b"b")) == [0, b"a", 1, state, b"sealed"]


def test_what_is_not_there_cannot_be_taken_or_looked_at(store):
    assert take(store, b"b") is None
    assert run(store, LOOK) is None
    assert store.ask("EXISTS", KEY) == 0


def test_only_the_owner_releases(store):
    claim(store, b"a")
    assert run(store, RELEASE, b"b", b"1") == 0
    assert run(store, RELEASE, b"a", b"2") == 0
    assert run(store, RELEASE, b"a", b"1") == 1
    assert run(store, RELEASE, b"a", b"1") == 0
    assert store.ask("EXISTS", KEY) == 0


def test_an_owner_that_never_heard_its_epoch_releases_its_own(store):
    claim(store, b"a")
    assert run(store, RELEASE, b"b", b"0") == 0
    assert run(store, RELEASE, b"a", b"0") == 1


def test_a_clock_that_was_set_back_makes_a_negative_age(store):
    claim(store, b"a")
    store.ask("HSET", KEY, "t", "99999999999999")
    look = run(store, LOOK)
    assert isinstance(look, list)
    assert isinstance(look[4], int)
    assert look[4] < 0


@pytest.mark.parametrize("field", ["o", "e", "s", "r", "t", "n"])
@pytest.mark.parametrize("value", [b"", b"garbage", b"-1", b"1e300", b"nan", b"\xff\x00"])
def test_fields_that_others_have_written_are_read_without_harm(store, field, value):
    claim(store, b"a")
    store.ask("HSET", KEY, field, value)
    for answer in (claim(store, b"b"), run(store, LOOK), take(store, b"b"), write(store, b"a"), claim(store, b"a")):
        assert isinstance(answer, list | int | Refused)


def test_a_key_that_is_no_record_is_refused(store):
    store.ask("SET", KEY, "text")
    answer = claim(store, b"a")
    assert isinstance(answer, Refused)
    assert "WRONGTYPE" in answer.text


def test_a_full_store_still_says_whose_a_login_is(store):
    claim(store, b"a")
    store.ask("CONFIG", "SET", "maxmemory", "1")
    try:
        joined = claim(store, b"b")
        run(store, RELEASE, b"a", b"1")
        refused = claim(store, b"b")
    finally:
        store.ask("CONFIG", "SET", "maxmemory", "0")
    assert young(joined) == [b"a", 1, b"asking", b"claim"]
    assert isinstance(refused, Refused)
    assert refused.code == "OOM"


def test_a_replica_says_nothing_of_whose_a_login_is(store):
    claim(store, b"a")
    with redis_server() as master:
        store.ask("REPLICAOF", "127.0.0.1", str(master.port))
        try:
            refused = claim(store, b"b")
        finally:
            store.ask("REPLICAOF", "NO", "ONE")
    assert isinstance(refused, Refused)
    assert refused.code == "READONLY"


def use(store, who, wants=b"0"):
    return run(store, USE, who, LIFE, wants)


def test_a_state_is_used_by_the_first_one(store):
    assert young_use(use(store, b"alice")) == b""
    assert young_use(use(store, b"bob")) == b"alice"
    assert young_use(use(store, b"alice")) == b"alice"
    assert 60_000 < life_ms(store) <= int(LIFE)


def test_what_is_kept_for_a_state_is_there_before_and_after_it_is_used(store):
    assert run(store, KEEP, b"sealed", LIFE) == 1
    assert use(store, b"alice", b"1") == [b"", 0, b"sealed"]
    assert use(store, b"bob")[2] == b""
    assert use(store, b"bob", b"1")[2] == b"sealed"


def young_use(answer: Answer) -> object:
    """Who has used it before, a moment ago."""
    assert isinstance(answer, list)
    who, age_ms, kept = answer
    assert isinstance(age_ms, int)
    assert 0 <= age_ms < 60_000
    assert kept == b""
    return who
