"""Every vector against a running gateway of one worker.

Silence is shown without waiting: a Status-Server follows each datagram to the same socket of the gateway, so that its
answer is the next thing to arrive.
That nothing arrived later is looked at when the gateway has finished all logins and stopped.
"""

import hashlib
import os
import select
import socket
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import pytest

from bench.processes import free_udp_port
from gateway.listeners.steering import steer_by_user
from gateway.listeners.udp import open_socket
from gateway.radius.client import sign_request, verify_reply
from gateway.radius.dictionary import PROXY_STATE, Code
from gateway.radius.packet import Packet, decode_packet
from gateway.radius.shared_secret import SharedSecret
from gateway.supervisor.sockets import bucket_count
from tests.conformance.test_vectors import disposition_of_exchange, expected_disposition
from tests.integration.site import Site
from tests.vectors import load, octets

pytestmark = pytest.mark.integration

ACCEPT, REJECT = 2, 3
VECTOR_SECRET = b"vector-secret-0123456789"
PATIENCE_S = 20.0  # how long a test waits for what must come
# Secrets that no file may hold, a placeholder and one with line ends: the engine is shown to take them.
NOT_CONFIGURABLE = {"secret-of-1-octet", "secret-of-128-binary-octets"}
OPEN = (False, False)  # require_message_authenticator, limit_proxy_state


class Kernel:
    """Sockets that share a port as the gateway's do: the kernel itself tells which of them a datagram goes to."""

    def __init__(self) -> None:
        first = open_socket(socket.AF_INET, "127.0.0.1", 0, shared=True)
        port = first.getsockname()[1]
        others = [open_socket(socket.AF_INET, "127.0.0.1", port, shared=True) for _ in range(bucket_count(1) - 1)]
        self._group = [first, *others]
        steer_by_user(first, len(self._group))
        self._sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sender.connect(("127.0.0.1", port))

    def bucket(self, datagram: bytes) -> int:
        """Return the number of the socket."""
        self._sender.send(datagram)
        ((member,), _, _) = select.select(self._group, [], [], PATIENCE_S)
        member.recv(8192)
        return self._group.index(member)

    def close(self) -> None:
        for member in (*self._group, self._sender):
            member.close()


@pytest.fixture(autouse=True, scope="module")
def kernel() -> Iterator[Kernel]:
    Client.kernel = Kernel()
    yield Client.kernel
    Client.kernel.close()


class Client:
    """A RADIUS client on a socket of its own, known to the gateway by its address."""

    kernel: Kernel

    def __init__(self, host: str, port: int, secret: bytes) -> None:
        self.secret = SharedSecret(secret)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.connect(("127.0.0.1", port))
        self._socket.settimeout(PATIENCE_S)

    def send(self, datagram: bytes) -> None:
        self._sent = datagram
        self._socket.send(datagram)

    def receive(self) -> bytes:
        return self._socket.recv(4096)

    def replies_before_a_sign_of_life(self) -> list[bytes]:
        """Ask for the gateway's status; return what arrives before the answer."""
        bucket, question = self.kernel.bucket(self._sent), b""
        while not question or self.kernel.bucket(question) != bucket:
            authenticator = os.urandom(16)
            question = sign_request(Code.STATUS_SERVER, 255, authenticator, self.secret, b"")
        self._socket.send(question)
        replies: list[bytes] = []
        while not self._answers(reply := self.receive(), authenticator):
            replies.append(reply)
        return replies

    def _answers(self, reply: bytes, authenticator: bytes) -> bool:
        try:
            return verify_reply(reply, authenticator, self.secret).code == ACCEPT
        except ValueError:
            return False

    def leftover(self) -> list[bytes]:
        """What has arrived and was not read; closes the socket."""
        self._socket.setblocking(False)
        replies = []
        try:
            while True:
                replies.append(self.receive())
        except (BlockingIOError, ConnectionRefusedError):
            return replies
        finally:
            self._socket.close()


class Sections:
    """One gateway with a section, on a port of its own, for each policy; each secret has an address of its own."""

    def __init__(
        self,
        site: Site,
        vectors: list[dict[str, Any]],
        policies: list[tuple[bool, bool]],
        *,
        duplicate_window_s: int = 30,
    ) -> None:
        secrets = dict.fromkeys([VECTOR_SECRET, *(octets(vector, "secret_hex") for vector in vectors)])
        self._hosts = {secret: f"127.0.0.{number}" for number, secret in enumerate(secrets, 1)}
        self._site = site
        self._clients: list[Client] = []
        for number, secret in enumerate(secrets, 1):
            (site.folder / f"secret{number}").write_bytes(secret)
        self._ports = {policy: free_udp_port() for policy in policies}
        first, *others = policies
        self._settings = {
            "unrecognised_factor": "auto",
            "coalesce": "false",
            "max_pending_per_user": 0,
            "radius_secret_1": None,
            "radius_ip_1": None,
            **{f"radius_ip_{number}": host for number, host in enumerate(self._hosts.values(), 1)},
            **{
                f"radius_secret_{number}_file": site.folder / f"secret{number}" for number in range(1, len(secrets) + 1)
            },
        }
        gateway = f"workers=1\nduplicate_window_s={duplicate_window_s}\n"
        site.start(gateway=gateway + self._text(others), **self._policy(first))

    def _policy(self, policy: tuple[bool, bool]) -> dict[str, Any]:
        require, limit = ("yes" if flag else "no" for flag in policy)
        rules = {"require_message_authenticator": require, "limit_proxy_state": limit}
        return {**self._settings, **rules, "port": self._ports[policy]}

    def _text(self, policies: list[tuple[bool, bool]]) -> str:
        simulator = self._site.simulator
        duo = {
            "ikey": simulator.ikey,
            "skey": simulator.secret_key,
            "api_host": simulator.api_host,
            "reject_delay_s": 0,
        }
        lines = []
        for number, policy in enumerate(policies, 2):
            keys = {**duo, **self._policy(policy)}
            lines.append(f"[radius_server_duo_only{number}]")
            lines += [f"{key}={value}" for key, value in keys.items() if value is not None]
        return "\n".join(lines)

    def client(self, vector: dict[str, Any], policy: tuple[bool, bool]) -> Client:
        """Return a client with the vector's secret on a new source port."""
        secret = octets(vector, "secret_hex")
        client = Client(self._hosts[secret], self._ports[policy], secret)
        self._clients.append(client)
        return client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let the gateway finish what is pending; nothing more may have been sent by then."""
        status = self._site.stop()
        leftover = [reply for client in self._clients for reply in client.leftover()]
        if error is None:
            assert (status, leftover) == (0, [])
            assert "Traceback" not in self._site.log_text


PHONE = {"device": "D1", "capabilities": ["auto", "push"]}


def make_users(site: Site, vectors: list[dict[str, Any]], **answer: Any) -> None:
    """Enrol every name that the vectors log in with; by default each approves at once."""
    for vector in vectors:
        for attribute in vector["expected"].get("request", {}).get("attributes", []):
            name = attribute.get("text", "").partition("\0")[0]
            if attribute["type"] == 1 and name and name.isprintable():
                site.simulator.post(
                    "/api/users",
                    {
                        "username": name,
                        "devices": [PHONE],
                        "answer": "approve",
                        "answer_after_s": 0,
                        **answer,
                    },
                )


def check_reply(reply: bytes, request: bytes, client: Client) -> Packet:
    """The reply is genuine, signed first of all, for this request, and returns its Proxy-States."""
    packet = verify_reply(reply, request[4:20], client.secret)
    asked = decode_packet(request)
    assert packet.identifier == asked.identifier
    assert reply[20:22] == b"\x50\x12"
    assert packet.attributes(PROXY_STATE) == asked.attributes(PROXY_STATE)
    return packet


def run(vector: dict[str, Any], disposition: str, client: Client) -> None:
    """Send a vector's request and see what becomes of it."""
    request = octets(vector, "request_hex")
    client.send(request)
    early = client.replies_before_a_sign_of_life()
    if disposition == "discard":
        assert early == []
    elif disposition == "process":
        (reply,) = early or [client.receive()]
        assert check_reply(reply, request, client).code == ACCEPT
    else:
        (reply,) = early
        assert check_reply(reply, request, client).code == {"status": ACCEPT, "reject": REJECT}[disposition]


def test_C1_requests_end_on_the_wire_as_the_vectors_say(site: Site):
    """Process, reject, discard or status, under the policy that each vector names."""
    vectors = [vector for vector in load("requests") if vector["name"] not in NOT_CONFIGURABLE]
    policies = [policy_of(vector) for vector in vectors]
    make_users(site, vectors)
    with Sections(site, vectors, list(dict.fromkeys(policies))) as sections:
        for vector, policy in zip(vectors, policies, strict=True):
            try:
                run(vector, expected_disposition(vector), sections.client(vector, policy))
            except (AssertionError, ValueError, TimeoutError) as error:
                error.add_note(f"the vector is {vector['name']}")
                raise
    n_processed = sum(expected_disposition(vector) == "process" for vector in vectors)
    assert site.log_text.count("reason=duo_allowed") == n_processed


def policy_of(vector: dict[str, Any]) -> tuple[bool, bool]:
    """Return the two settings that a vector assumes."""
    policy = vector["policy"]
    return policy["require_message_authenticator"], policy["limit_proxy_state"]


def test_P10_published_exchanges_end_on_the_wire_as_a_pap_gateway_must(site: Site):
    """RFC 2865 section 7, RFC 5997 section 6."""
    vectors = load("rfc2865-section7") + load("rfc5997-section6")
    make_users(site, vectors)
    with Sections(site, vectors, [OPEN]) as sections:
        for vector in vectors:
            run(vector, disposition_of_exchange(vector), sections.client(vector, OPEN))


def test_U1_requests_of_the_responses_are_answered_on_the_wire(site: Site):
    """RFC 3579 section 3.2: Status-Server octet for octet, logins with Duo's text in place of the vector's."""
    vectors = load("responses")
    make_users(site, vectors)
    with Sections(site, vectors, [OPEN]) as sections:
        for vector in vectors:
            client, request = sections.client(vector, OPEN), octets(vector, "request_hex")
            client.send(request)
            reply = client.receive()
            check_reply(reply, request, client)
            if request[0] == Code.STATUS_SERVER:
                assert reply == octets(vector, "response_hex")


def test_A18_extended_attributes_are_ignored_on_the_wire(site: Site):
    """RFC 6929 section 9."""
    vectors = load("rfc6929-section9")
    nas = site.start(gateway="workers=1").nas()
    for vector in vectors:
        assert nas.login("alice", "123456", octets(vector, "attribute_hex")).is_accept


@pytest.mark.parametrize("vector", load("sequences"), ids=lambda vector: vector["name"])
def test_D5_sequences_run_on_the_wire_as_the_vectors_say(site: Site, vector: dict[str, Any]):
    """RFC 5080 section 2.2.2: pushes wait for a person, who is the test."""
    site.simulator.post("/api/users", {"username": "alice", "devices": [PHONE], "answer": "person"})
    window_s = 0 if vector["name"] == "cache-expiry" else 30  # in place of the half minute that this one waits
    with Sections(site, [vector], [OPEN], duplicate_window_s=window_s) as sections:
        Sequence(site, sections, vector).run()


class Sequence:
    """The steps of one sequence, played by clients and by the person with the phone."""

    def __init__(self, site: Site, sections: Sections, vector: dict[str, Any]) -> None:
        self._site = site
        self._steps = vector["steps"]
        ports = dict.fromkeys(step["source_port"] for step in self._steps if "source_port" in step)
        self._clients = {port: sections.client(vector, OPEN) for port in ports}
        self._pushes: list[str] = []
        self._requests: list[tuple[Client, bytes]] = []
        self._replies: dict[str, bytes] = {}

    def run(self) -> None:
        for step in self._steps:
            if "datagram_hex" in step:
                self._datagram(self._clients[step["source_port"]], octets(step, "datagram_hex"), step["expect"])
            else:
                self._decision(step["backend"].partition(" ")[2], step["expect"])
        for txid in self._waiting():
            self._decide(txid)
            client, request = self._requests[self._pushes.index(txid)]
            check_reply(client.receive(), request, client)

    def _datagram(self, client: Client, datagram: bytes, expect: str) -> None:
        client.send(datagram)
        replies = client.replies_before_a_sign_of_life()
        if expect.startswith("byte-identical "):
            assert replies == [self._replies[expect.removeprefix("byte-identical ")]]
            return
        assert replies == []
        if expect.startswith("silence"):
            assert set(self._waiting()) <= set(self._pushes)
            return
        self._requests.append((client, datagram))
        self._site.simulator.until(pushes=len(self._pushes) + 1)
        self._pushes += [txid for txid in self._waiting() if txid not in self._pushes]

    def _decision(self, which: str, expect: str) -> None:
        number = int(which or len(self._pushes)) - 1
        self._decide(self._pushes[number])
        client, request = self._requests[number]
        if expect.startswith("silence"):
            return
        reply = client.receive()
        assert check_reply(reply, request, client).code == ACCEPT
        self._replies[expect] = reply

    def _decide(self, txid: str) -> None:
        self._site.simulator.post(f"/api/pending/{txid}", {"decision": "approve"})

    def _waiting(self) -> list[str]:
        return [push["txid"] for push in self._site.simulator.get("/api/pending")]


def test_U1_the_vectors_are_not_those_of_the_code_under_test():
    """RFC 2865 section 3: the first published reply, recomputed by hand."""
    vector = load("rfc2865-section7")[0]
    request, response = octets(vector, "request_hex"), octets(vector, "response_hex")
    secret = octets(vector, "secret_hex")
    assert hashlib.md5(response[:4] + request[4:20] + response[20:] + secret).digest() == response[4:20]
