"""The scripts against a real server: who owns a record, who may write or take it, and what all others are told."""

from collections.abc import Iterator

import pytest

from gateway.fleet.replies import Mine, Record, Taken, read_claim, read_look, read_release, read_take, read_write
from gateway.fleet.scripts import CLAIM, LOOK, RELEASE, SCRIPTS, TAKE, WRITE, Script, record_key
from gateway.fleetapi.resp import Answer, Refused
from tests.fleet.redis_server import RedisServer, needs_store, redis_server

pytestmark = needs_store

KEY = record_key(bytes(range(16)))
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
    return read_claim(run(store, CLAIM, owner, LIFE, sealed, expected, epoch))


def young(record: Record) -> tuple[object, ...]:
    """All of a record but its age, which is that of a moment ago."""
    assert 0 <= record.age_ms < 60_000
    return record.owner, record.epoch, record.state, record.sealed


def test_the_key_of_a_record_is_one_word_to_a_cluster():
    assert KEY == b"rg:l:{000102030405060708090a0b0c0d0e0f}"


def test_the_first_who_claims_owns(store):
    assert claim(store, b"a") == Mine(1, 0)
    assert 80_000 < int(str(store.ask("PTTL", KEY))) <= 90_000


def test_the_next_is_told_whose_it_is_and_is_counted(store):
    claim(store, b"a")
    for n in (1, 2):
        answer = claim(store, b"b")
        assert isinstance(answer, Record)
        assert young(answer) == ("a", 1, "asking", b"claim")
        assert store.ask("HGET", KEY, "n") == b"%d" % n


def test_an_owner_who_asserts_its_claim_keeps_what_it_wrote(store):
    claim(store, b"a")
    claim(store, b"b")
    run(store, WRITE, b"a", b"1", b"pushed", b"txid", LIFE)
    store.ask("PEXPIRE", KEY, "1000")
    assert claim(store, b"a", sealed=b"other") == Mine(1, 1)
    assert store.ask("HMGET", KEY, "s", "r") == [b"pushed", b"txid"]
    assert int(str(store.ask("PTTL", KEY))) > 80_000


def test_a_record_that_is_as_expected_is_replaced_with_another_epoch(store):
    claim(store, b"a")
    claim(store, b"b")
    run(store, WRITE, b"a", b"1", b"decided", b"digests", b"1000")
    assert claim(store, b"b", b"a", b"1", sealed=b"mine") == Mine(2, 0)
    look = read_look(run(store, LOOK))
    assert isinstance(look, Record)
    assert young(look) == ("b", 2, "asking", b"mine")
    assert int(str(store.ask("PTTL", KEY))) > 80_000


@pytest.mark.parametrize(("expected", "epoch"), [(b"a", b"2"), (b"c", b"1"), (b"", b"0"), (b"a", b"none")])
def test_a_record_that_is_not_as_expected_is_not_replaced(store, expected, epoch):
    claim(store, b"a")
    answer = claim(store, b"b", expected, epoch)
    assert isinstance(answer, Record)
    assert young(answer) == ("a", 1, "asking", b"claim")


def test_what_is_expected_and_is_not_there_any_more_is_claimed_anew(store):
    assert claim(store, b"b", b"a", b"7") == Mine(1, 0)


def test_only_the_present_owner_writes(store):
    claim(store, b"a")
    claim(store, b"b")
    assert read_write(run(store, WRITE, b"a", b"1", b"pushed", b"txid", LIFE)) == 1
    assert read_write(run(store, WRITE, b"b", b"1", b"pushed", b"forged", LIFE)) == -1
    assert read_write(run(store, WRITE, b"a", b"2", b"pushed", b"forged", LIFE)) == -1
    assert store.ask("HGET", KEY, "r") == b"txid"


def test_nobody_writes_what_is_not_there(store):
    assert read_write(run(store, WRITE, b"a", b"1", b"pushed", b"txid", LIFE)) == -1
    assert store.ask("EXISTS", KEY) == 0


def test_a_push_is_taken_once_and_the_former_owner_writes_no_more(store):
    claim(store, b"a")
    run(store, WRITE, b"a", b"1", b"pushed", b"txid", LIFE)
    written_at = store.ask("HGET", KEY, "t")
    taken = read_take(run(store, TAKE, b"b", b"a", b"1", LIFE))
    assert isinstance(taken, Taken)
    assert (taken.epoch, taken.sealed) == (2, b"txid")
    assert 0 <= taken.age_ms < 60_000
    assert store.ask("HGET", KEY, "t") == written_at
    late = read_take(run(store, TAKE, b"c", b"a", b"1", LIFE))
    assert isinstance(late, Record)
    assert young(late) == ("b", 2, "pushed", b"txid")
    assert read_write(run(store, WRITE, b"a", b"1", b"decided", b"", LIFE)) == -1


@pytest.mark.parametrize("state", ["asking", "decided"])
def test_only_a_push_whose_name_is_known_is_taken(store, state):
    claim(store, b"a")
    if state == "decided":
        run(store, WRITE, b"a", b"1", b"decided", b"digests", LIFE)
    answer = read_take(run(store, TAKE, b"b", b"a", b"1", LIFE))
    assert isinstance(answer, Record)
    assert (answer.owner, answer.state) == ("a", state)


def test_what_is_not_there_cannot_be_taken_or_looked_at(store):
    assert read_take(run(store, TAKE, b"b", b"a", b"1", LIFE)) is None
    assert read_look(run(store, LOOK)) is None
    assert store.ask("EXISTS", KEY) == 0


def test_only_the_owner_releases(store):
    claim(store, b"a")
    assert read_release(run(store, RELEASE, b"b", b"1")) is False
    assert read_release(run(store, RELEASE, b"a", b"2")) is False
    assert read_release(run(store, RELEASE, b"a", b"1")) is True
    assert read_release(run(store, RELEASE, b"a", b"1")) is False
    assert store.ask("EXISTS", KEY) == 0


def test_a_clock_that_was_set_back_makes_a_negative_age(store):
    claim(store, b"a")
    store.ask("HSET", KEY, "t", "99999999999999")
    look = read_look(run(store, LOOK))
    assert isinstance(look, Record)
    assert look.age_ms < 0


@pytest.mark.parametrize("field", ["e", "s", "r", "t", "n"])
@pytest.mark.parametrize("value", [b"", b"garbage", b"-1", b"1e300", b"nan", b"\xff\x00"])
def test_fields_that_others_have_written_are_read_without_harm(store, field, value):
    claim(store, b"a")
    store.ask("HSET", KEY, field, value)
    assert isinstance(claim(store, b"b"), Record | Refused)
    assert isinstance(read_look(run(store, LOOK)), Record | Refused)
    assert isinstance(read_take(run(store, TAKE, b"b", b"a", b"1", LIFE)), Taken | Record | Refused)
    assert isinstance(read_write(run(store, WRITE, b"a", b"1", b"decided", b"", LIFE)), int | Refused)
    assert isinstance(claim(store, b"a"), Mine | Record | Refused)


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
    assert isinstance(joined, Record)
    assert isinstance(refused, Refused)
    assert refused.code == "OOM"
