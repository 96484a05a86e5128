"""Who is who, through whole processes: one person in many spellings, two machines with one name, packets in plenty."""

import os
import socket
import struct
from typing import Any

import pytest

from gateway.radius.client import encode_access_request, encode_attribute
from gateway.radius.dictionary import CALLING_STATION_ID, NAS_IDENTIFIER, PROXY_STATE
from gateway.radius.shared_secret import SharedSecret
from tests.integration.shared import SharedSite
from tests.integration.site import SECRET, Site
from tests.integration.test_console import until

pytestmark = pytest.mark.integration

N_WORKERS = 2
SECTIONS = [*[{}] * 4, {"reject_delay_s": 3}]

PHONE = {"device": "DPHONE1", "type": "phone", "capabilities": ["push", "phone"]}
# Accounts of one person, no two of them alike, of which the kernel takes some to another worker than others.
SPELLINGS = [
    "carol",
    "CORP\\carol",
    "carol@a.example",
    "b.example/Carol",
    " carol@c.example",
    "carol.",
    "ｃａｒｏｌ@d.example",
    "ⓒarol@e.example",
    "car\u00adol@f.example",
    "\ufeffcarol@g.example",
]


def add_user(site: Site, name: str, **keys: Any) -> None:
    site.simulator.post("/api/users", {"username": name, "devices": [PHONE], **keys})


def n_pushes(site: Site, *users: str) -> int:
    counts = site.simulator.get("/api/counts")["users"]
    return sum(counts.get(user, {}).get(factor, 0) for user in users for factor in ("push", "phone"))


@pytest.mark.parametrize("n_workers", [1, 2, 4])
def test_one_person_is_pushed_three_times_at_most_in_however_many_spellings(shared: SharedSite, n_workers: int):
    nas = shared.start(n_workers=n_workers).nas()
    for spelling in SPELLINGS:
        add_user(shared, spelling)
    words = ("push", "phone")
    for spelling in SPELLINGS:
        for word in words:
            nas.send(spelling, word)
    rejected = [nas.receive() for _ in range(len(SPELLINGS) * len(words) - 3)]
    assert {reply.code for reply in rejected} == {3}
    shared.simulator.post("/api/pending", {"decision": "approve"})
    assert [nas.receive().code for _ in range(3)] == [2, 2, 2]
    assert n_pushes(shared, *SPELLINGS) == 3
    reasons = [line.fields["reason"] for line in shared.log_lines()]
    assert sorted(set(reasons)) == ["duo_allowed", "too_many_pending"]


def test_another_spelling_of_the_account_joins_the_login_wherever_the_kernel_takes_it(shared: SharedSite):
    nas = shared.start().nas()
    spellings = ["erin", "ERIN", " erin ", "ｅｒｉｎ", "erin\u00a0", "ⓔrin", "er\u200bin"]
    for spelling in spellings:
        add_user(shared, spelling, answer_after_s=1.0)
        nas.send(spelling, "push")
    assert [nas.receive().code for _ in spellings] == [2] * len(spellings)
    assert n_pushes(shared, *spellings) == 1


def test_a_name_behind_eighty_attributes_is_steered_and_joined_as_any_other(shared: SharedSite):
    nas = shared.start().nas()
    users = [f"user{number}" for number in range(8)]
    secret = SharedSecret(SECRET.encode())
    for number, user in enumerate(users):
        add_user(shared, user, answer_after_s=1.0)
        nas.send(user, "push")
        octets = encode_access_request(100 + number, bytes(16), secret, user.encode(), b"push")
        before = encode_attribute(PROXY_STATE, b"42") * 80  # which repetitions may change
        body = octets[38:]  # behind Message-Authenticator
        header = octets[:2] + struct.pack("!H", len(octets) + len(before)) + octets[4:20]
        unsigned = header + before + body + b"\x50\x12" + bytes(16)
        nas.send_octets(unsigned[:-16] + secret.message_authenticator(unsigned))
        nas._pending[100 + number] = bytes(16)
    assert [nas.receive().code for _ in range(2 * len(users))] == [2] * 2 * len(users)
    assert n_pushes(shared, *users) == len(users)


def test_a_login_from_another_machine_is_no_repetition(shared: SharedSite):
    """As strongSwan tells them apart: one approval must not let two people in."""
    nas = shared.start(n_workers=1).nas()
    add_user(shared, "victim", answer_after_s=0.5)
    for station in (b"203.0.113.9[4500]", b"198.51.100.66[4500]", b"203.0.113.9[4500]"):
        nas.send("victim", "push", encode_attribute(CALLING_STATION_ID, station))
    assert [nas.receive().code for _ in range(3)] == [2, 2, 2]
    assert n_pushes(shared, "victim") == 2


def test_the_newest_packet_of_a_login_is_answered_however_many_there_were(shared: SharedSite):
    """As openvpn-auth-radius asks: each try from a port of its own, and the old ports are closed."""
    shared.start(n_workers=1)
    add_user(shared, "slow")
    tries = [shared.nas() for _ in range(20)]
    for each in tries:
        each.send("slow", "push")
    late = shared.nas()
    assert late.login("alice", "123456").is_accept  # so all packets before have been read
    shared.simulator.post("/api/pending", {"decision": "approve"})
    assert tries[-1].receive().is_accept
    assert n_pushes(shared, "slow") == 1


def test_a_wrong_passcode_is_counted_once_however_often_an_impatient_client_asks(shared: SharedSite):
    """As openvpn-auth-radius with wait=1: it tries anew while the rejection is held back, again and again."""
    shared.start(reject_delay_s=3)
    add_user(shared, "typist", passcodes=["123456"])
    tries = [shared.nas() for _ in range(4)]
    tries[0].send("typist", "000000")
    until(lambda: shared.log_text.count("reason=duo_denied") == 1)
    for each in tries[1:]:
        each.send("typist", "000000")
    assert [each.receive().code for each in tries] == [3] * 4
    assert shared.simulator.get("/api/counts")["users"]["typist"]["passcode"] == 1
    assert len(shared.log_lines()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="reads packets off the wire")
def test_a_reply_may_be_cut_into_fragments_on_its_way(shared: SharedSite):
    """Longer than the path's MTU (PPPoE, tunnels), with DF set and no ICMP coming back, it would be lost for good."""
    nas = shared.start(n_workers=1).nas()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)) as wire:
        wire.bind(("lo", 0))
        wire.settimeout(20)
        assert nas.login("alice", "123456").is_accept
        while True:
            packet = wire.recv(65_535)[14:]
            if packet[9] == socket.IPPROTO_UDP and struct.unpack("!H", packet[20:22])[0] == shared.port:
                break
    assert not packet[6] & 0x40  # don't fragment


def test_a_client_that_floods_leaves_places_to_others(site: Site):
    """The flood of one controller must not take the places of the other's users; the log names who holds them."""
    keys = {"radius_ip_2": "127.0.0.2", "radius_secret_2": SECRET, "max_pending_per_user": 0}
    site.start(gateway="workers=1\nmax_pending=40", **keys)
    flood, others = site.nas(), site.nas(host="127.0.0.2")
    for number in range(60):
        add_user(site, f"flood{number}")
    for number in range(60):
        flood.send(f"flood{number}", "push")
    for _ in range(5):
        assert others.login("alice", "123456").is_accept
    site.simulator.post("/api/pending", {"decision": "approve"})
    assert {flood.receive().code for _ in range(29)} == {2}
    (line,) = site.log_lines("discard=overload")
    assert "of 40 places are taken, " in line.text
    assert "127.0.0.1 holds " in line.text


def test_a_nas_is_told_from_another_by_its_identifier(shared: SharedSite):
    nas = shared.start().nas()
    add_user(shared, "victim", answer_after_s=0.5)
    for name in (b"vpn-east", b"vpn-west"):
        nas.send("victim", "push", encode_attribute(NAS_IDENTIFIER, name))
    assert [nas.receive().code for _ in range(2)] == [2, 2]
    assert n_pushes(shared, "victim") == 2
