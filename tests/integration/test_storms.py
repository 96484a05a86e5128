"""Hostile and hasty senders at full speed, with logins going on beside them."""

import random
import socket

import pytest

from tests.integration.site import Nas, Site
from tests.integration.test_workers import slots_of_users
from tests.vectors import load, octets

pytestmark = pytest.mark.integration

N_WORKERS = 2

N_DATAGRAMS = 200_000
BURST = 500


def mutated(chance: random.Random, seeds: list[bytes]) -> bytes:
    """Return a vector with some octets changed, cut short or lengthened; or octets of no meaning at all."""
    if chance.random() < 0.2:
        return chance.randbytes(chance.randint(0, 200))
    datagram = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, 4)):
        if datagram:
            datagram[chance.randrange(len(datagram))] = chance.randrange(256)
    return bytes(datagram[: chance.randint(0, len(datagram) * 3)])


def test_200_000_hostile_datagrams_harm_no_login(site: Site):
    chance = random.Random(2026)
    seeds = [seed for seed in (octets(vector, "request_hex") for vector in load("requests")) if len(seed) < 500]
    gateway = site.start().gateway
    workers = gateway.worker_pids()
    nas, known, stranger = site.nas(), site.nas(), site.nas(host="127.0.0.66")
    for start in range(0, N_DATAGRAMS, BURST):
        for number in range(BURST):
            (known if number % 2 else stranger).send_octets(mutated(chance, seeds))
        # The reply to a login also tells that the burst has been dealt with, so that none of it was lost unseen.
        assert nas.login(("alice", "dave", "josé", "ユーザー")[start // BURST % 4], "123456").is_accept
    assert gateway.worker_pids() == workers
    assert not stranger.has_reply()
    site.stop()
    assert "Traceback" not in site.log_text
    assert "Internal error" not in site.log_text
    noise = [line for line in site.log_text.splitlines() if "discard=" in line]
    assert 5 <= len(noise) <= 200  # a line for each kind, source and worker, and one a minute


class Controller:
    """One of a directory's two RADIUS clients: many sockets, for one has 256 Identifiers."""

    def __init__(self, site: Site, n_logins: int) -> None:
        self._nas = [site.nas() for _ in range(-(-n_logins // 200))]
        self._n_logins = n_logins
        self.requests: list[tuple[Nas, bytes]] = []

    def push(self, number: int) -> None:
        """Ask for a push of this user."""
        nas = self._nas[number // 200]
        self.requests.append((nas, nas.send(f"user{number}", "push")))

    def replies(self) -> list[int]:
        """Receive one reply for every login, and return their codes."""
        return [self._nas[number // 200].receive(60.0).code for number in range(self._n_logins)]

    def has_more(self) -> bool:
        """Whether any further reply has come."""
        return any(nas.has_reply() for nas in self._nas)


def test_1_000_pushes_each_asked_for_six_times_are_1_000_pushes(site: Site):
    n_logins = 1000
    for number in range(n_logins):
        device = {"device": f"D{number}", "capabilities": ["push"]}
        person = {"username": f"user{number}", "devices": [device], "answer": "person"}
        site.simulator.post("/api/users", person)
    last = [f"last{number}" for number in range(8)]
    for user in last:
        site.simulator.post("/api/users", {"username": user, "devices": [{"device": user}], "passcodes": ["123456"]})
    site.start()
    first, second, third = (Controller(site, n_logins) for _ in range(3))
    for number in range(n_logins):
        first.push(number)
    for nas, request in first.requests * 3:
        nas.send_octets(request)
    for controller in (second, third):
        for number in range(n_logins):
            controller.push(number)
    # All has been read once these logins, which came last, are answered by each worker.
    assert all(site.nas().login(user, "123456").is_accept for user in last)
    n_decided = 0
    while n_decided < n_logins:
        site.simulator.until(pushes=n_decided + 1)
        n_decided += site.simulator.post("/api/pending", {"decision": "approve"})["decided"]
    for controller in (first, second, third):
        assert controller.replies() == [2] * n_logins
        assert not controller.has_more()
    users = site.simulator.get("/api/counts")["users"]
    assert [users[f"user{number}"]["push"] for number in range(n_logins)] == [1] * n_logins
    assert n_decided == n_logins
    site.stop()
    slots = slots_of_users(site.log_text)
    assert set.union(*(slots[user] for user in last)) == {"0", "1"}


def test_the_socket_of_a_dead_port_kills_no_listener(site: Site):
    """Replies to a port that nobody listens on come back as ICMP errors; the listener must not mind."""
    nas = site.start().nas()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        sender = Nas(site.port)
        sender.send("alice", "push")
        sender.close()
    assert nas.login("alice", "123456").is_accept
    assert nas.login("bob", "123456").is_accept
