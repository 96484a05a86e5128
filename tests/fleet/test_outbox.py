"""What goes out for a login: sealed as others open it."""

import os

import pytest

from gateway.fleet.claim_states import ClaimedLogin
from gateway.fleet.effects import RunScript
from gateway.fleet.outbox import Outbox
from gateway.fleet.script_answers import NOBODY
from gateway.fleetapi import records
from gateway.fleetapi.names import bound_to, record_key
from gateway.fleetapi.sealing import Sealer

LOGIN = bytes(range(16))
PACKETS = [b"p" * 16, b"q" * 16]
SEALER = Sealer([bytes(range(32))], os.urandom)


def outbox() -> Outbox:
    return Outbox("a" * 16, "gw-a", SEALER, lambda _outcome: None)


def login(epoch: int = 0) -> ClaimedLogin:
    login = ClaimedLogin(1, LOGIN, PACKETS[0], "owner")
    login.epoch = epoch
    return login


def sealed_by(outbox: Outbox, state: str, at: int) -> bytes | None:
    """Return what the only script that is to be run has sealed."""
    (run,) = outbox.take()
    assert isinstance(run, RunScript)
    assert run.key == record_key(LOGIN)
    return SEALER.open(run.arguments[at], bound_to(state, LOGIN))


@pytest.mark.parametrize("packets", [[], PACKETS[:1], PACKETS, PACKETS * 9])
@pytest.mark.parametrize("epoch", [1, 2])
def test_a_decision_names_the_packets_that_were_answered(epoch, packets):
    out, one = outbox(), login(epoch)
    one.packets = packets
    out.write_decided(one)
    assert sealed_by(out, "decided", 3) == records.decided(epoch, "gw-a", packets)


def test_a_claim_names_the_host():
    out = outbox()
    out.claim(login())
    assert sealed_by(out, "asking", 2) == records.asking(1, "gw-a")
    out.claim_anew(login(), NOBODY)
    assert sealed_by(out, "asking", 2) == records.asking(1, "gw-a")


def test_a_push_names_itself():
    out, one = outbox(), login(3)
    one.txid, one.factor, one.pushed_at = "tx-1", "push", 1_000.0
    out.write_pushed(one)
    assert sealed_by(out, "pushed", 3) == records.pushed(3, "gw-a", "tx-1", "push", 1_000.0)
