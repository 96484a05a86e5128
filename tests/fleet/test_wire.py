"""What 0.2.0 writes into the store and says to other hosts: this version writes and says the same, and reads it.

Hosts are upgraded one by one while people log in. One that cannot read another's record pushes a user again.
"""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from gateway.engine.records import packed_verdict, unpacked_verdict
from gateway.engine.verdict import ACCEPT, Verdict
from gateway.fleet.claim_states import ClaimedLogin
from gateway.fleet.effects import Publish, RunScript
from gateway.fleet.hosts import encode_beat
from gateway.fleet.outbox import Outbox
from gateway.fleet.reading import RecordReader
from gateway.fleet.script_answers import Found
from gateway.fleetapi import messages
from gateway.fleetapi.messages import Beat, Ended, Join, Known, Message, Taken, decode_message, decode_presence
from gateway.fleetapi.names import bound_to
from gateway.fleetapi.records import AskingRecord, DecidedRecord, PushedRecord, Record
from gateway.fleetapi.sealing import Sealer
from gateway.words.reasons import Reason
from tests.vectors import load, octets

VECTORS = {vector["name"]: vector for vector in load("fleet")}
KEY, LOGIN = bytes(range(32)), bytes(range(100, 116))
PACKETS = [bytes([number]) * 16 for number in (1, 2)]
INSTANCE, OTHER = "0123456789abcdef", "fedcba9876543210"
OWNER, THEIRS = f"{INSTANCE}:00000000000000a1", f"{OTHER}:00000000000000b2"
NONCE = bytes(range(200, 216))
VERDICT = Verdict(ACCEPT, Reason.DUO_ALLOWED, "Success.", "Duo's word", attributes=b"\x19\x05abc")
PUSHED_AT = 1_800_000_000.5


def login(epoch: int = 1, **attributes: Any) -> ClaimedLogin:
    login = ClaimedLogin(1, LOGIN, PACKETS[0], OWNER, 10.0)
    login.epoch, login.nonce = epoch, NONCE
    for name, value in attributes.items():
        setattr(login, name, value)
    return login


PUSH = {"txid": "tx-1", "factor": "push", "pushed_at": PUSHED_AT}
JOIN = Join(OWNER, NONCE, OTHER, PACKETS[0])
FOUND = Found(THEIRS, 3, "pushed", b"", 1.0)
STEPS: dict[str, Callable[[Outbox], None]] = {
    "claim": lambda out: out.claim(login(0)),
    "claim_anew": lambda out: out.claim_anew(login(0), FOUND),
    "look": lambda out: out.look(login()),
    "push": lambda out: out.write_pushed(login(2, **PUSH)),
    "push_of_unknown_age": lambda out: out.write_pushed(login(txid="tx-1", factor="phone")),
    "push_that_is_left": lambda out: out.write_pushed(login(2, **PUSH), is_left=True),
    "decision": lambda out: out.write_decided(login()),
    "decision_for_two_packets": lambda out: out.write_decided(login(4, packets=PACKETS)),
    "taking": lambda out: out.take_over(login(), FOUND),
    "release": lambda out: out.release(login(7)),
    "join": lambda out: out.join(login(), THEIRS, 12.5),
    "known": lambda out: out.welcome(login(), JOIN),
    "verdict": lambda out: out.ended(login(verdict=partial(packed_verdict, VERDICT)), messages.VERDICT, JOIN),
    "end_without_verdict": lambda out: out.ended(login(), messages.LOST, JOIN),
    "taken": lambda out: out.taken(THEIRS),
}


def sealer() -> Sealer:
    return Sealer([KEY], random.Random(1).randbytes)


def sent(step: Callable[[Outbox], None]) -> dict[str, Any]:
    """Return what goes out, in the form of the vectors."""
    out = Outbox(INSTANCE, "gw-a", sealer(), lambda _outcome: None)
    step(out)
    (effect,) = out.take()
    if isinstance(effect, Publish):
        return {"channel": effect.channel, "octets": effect.message.hex()}
    assert isinstance(effect, RunScript)
    arguments = [each.hex() for each in effect.arguments]
    return {"script": effect.script.value, "key": effect.key.decode(), "arguments": arguments}


@pytest.mark.parametrize("name", STEPS)
def test_what_goes_out_is_what_went_out(name: str) -> None:
    assert {"name": name, **sent(STEPS[name])} == VECTORS[name]


def test_a_beat_is_what_it_was() -> None:
    beat = encode_beat(INSTANCE, "gw-a", True, sealer())
    assert {"name": "beat", "channel": "rg:all", "octets": beat.hex()} == VECTORS["beat"]


@pytest.mark.parametrize(
    ("name", "at", "epoch", "state", "record"),
    [
        ("claim", 2, 1, "asking", AskingRecord(1, 1, "gw-a")),
        ("claim_anew", 2, 4, "asking", AskingRecord(1, 4, "gw-a")),
        ("push", 3, 2, "pushed", PushedRecord(1, 2, "gw-a", "tx-1", "push", PUSHED_AT)),
        ("push_of_unknown_age", 3, 1, "pushed", PushedRecord(1, 1, "gw-a", "tx-1", "phone", None)),
        ("push_that_is_left", 3, 2, "pushed", PushedRecord(1, 2, "gw-a", "tx-1", "push", PUSHED_AT, True)),
        ("decision", 3, 1, "decided", DecidedRecord(1, 1, "gw-a", PACKETS[:1])),
        ("decision_for_two_packets", 3, 4, "decided", DecidedRecord(1, 4, "gw-a", PACKETS)),
    ],
)
def test_a_record_is_read(name: str, at: int, epoch: int, state: str, record: Record) -> None:
    reader = RecordReader(sealer(), lambda: PUSHED_AT + 10)
    sealed = bytes.fromhex(VECTORS[name]["arguments"][at])
    assert reader.read(LOGIN, Found(OWNER, epoch, state, sealed, 1.0)) == record


def heard(name: str) -> Message | None:
    return decode_message(octets(VECTORS[name], "octets"))


def test_a_message_is_heard() -> None:
    assert heard("known") == Known(NONCE)
    assert heard("taken") == Taken(THEIRS)


def test_a_join_is_heard_and_for_how_long_it_has_been_waiting() -> None:
    join = heard("join")
    assert isinstance(join, Join)
    assert (join.owner, join.nonce, join.joiner, join.packet) == (THEIRS, NONCE, INSTANCE, PACKETS[0])
    assert RecordReader(sealer(), lambda: None).waited_s(LOGIN, join) == 2.5


def test_an_end_is_heard_and_its_verdict_read() -> None:
    for name, how in (("verdict", messages.VERDICT), ("end_without_verdict", messages.LOST)):
        ended = heard(name)
        assert isinstance(ended, Ended)
        assert (ended.nonce, ended.how) == (NONCE, how)
        told = sealer().open(ended.sealed, bound_to(how, LOGIN, NONCE, PACKETS[0]))
        assert told is not None
        assert unpacked_verdict(told) == (VERDICT if how == messages.VERDICT else None)


def test_a_beat_is_heard() -> None:
    beat = heard("beat")
    assert isinstance(beat, Beat)
    presence = decode_presence(sealer().open(beat.sealed, bound_to("beat", INSTANCE.encode())) or b"")
    assert presence is not None
    assert (beat.instance, beat.version, presence.name, presence.leaving) == (INSTANCE, 1, "gw-a", True)
