"""`python -m bench.lean_duo` as a process: waiting, faults, referee, control port, and clients that misbehave."""

import http.client
import json
import socket
import ssl
import stat
import subprocess
import sys
import time
import urllib.error
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from bench.processes import SimulatorProcess
from tests.bench.lean_duo.client import PATHS, TIMEOUT_S, DuoClient

pytestmark = pytest.mark.integration

NEVER = "constant:inf"


@pytest.fixture(scope="module")
def duo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    folder = tmp_path_factory.mktemp("lean")
    with SimulatorProcess(folder, "--poll-hold", "0.2", "--verify", "1", module="bench.lean_duo") as duo:
        yield duo


@pytest.fixture(autouse=True)
def anew(duo: SimulatorProcess) -> None:
    duo.heal()
    duo.post("/api/approval", {"delay": NEVER})
    duo.post("/api/reset", {})


@pytest.fixture
def client(duo: SimulatorProcess) -> Iterator[DuoClient]:
    with DuoClient(duo) as client:
        yield client


def client_context(duo: SimulatorProcess) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=duo.ca)


class OctetClient:
    """A TLS client that hands its octets out piecemeal."""

    def __init__(self, duo: SimulatorProcess) -> None:
        host, _, port = duo.api_host.partition(":")
        self.socket = socket.create_connection((host, int(port)), TIMEOUT_S)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = client_context(duo).wrap_bio(self.incoming, self.outgoing, server_hostname=host)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()

    def encrypt(self, octets: bytes) -> bytes:
        self.exchange(self.tls.do_handshake)
        self.tls.write(octets)
        return self.outgoing.read()

    def read(self) -> bytes:
        return bytes(self.exchange(lambda: self.tls.read(16_384)))

    def exchange(self, step: Callable[[], Any]) -> Any:
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self.flush()
                self.incoming.write(self.socket.recv(16_384))
            else:
                self.flush()
                return result

    def flush(self) -> None:
        if self.outgoing.pending:
            self.socket.sendall(self.outgoing.read())


def until(condition: Callable[[], bool]) -> None:
    """Ask again and again, for here another process decides when it is so."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.005)


def count(duo: SimulatorProcess, name: str) -> Any:
    return duo.get("/api/counts")[name]


# Start and end


def test_it_announces_itself_and_ends_when_told(tmp_path: Path) -> None:
    with SimulatorProcess(tmp_path, module="bench.lean_duo") as other:
        only = {"ikey": other.ikey, "skey": other.secret_key, "kind": "auth", "more_skeys": []}
        assert other.applications == [only]
        assert stat.S_IMODE((tmp_path / "application.json").stat().st_mode) == 0o600
        assert other.secret_key not in other.output
        assert other.stop() == 0


def test_a_port_that_is_taken(tmp_path: Path, duo: SimulatorProcess) -> None:
    port = duo.api_host.partition(":")[2]
    command = [sys.executable, "-m", "bench.lean_duo", "--dir", str(tmp_path), "--port", port]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr == f"lean_duo: port {port}: Address already in use\n"


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [("--approval", "soon", "'soon' is no distribution"), ("--faults", "/nowhere.json", "No such file")],
)
def test_wrong_arguments(tmp_path: Path, option: str, value: str, complaint: str) -> None:
    command = [sys.executable, "-m", "bench.lean_duo", "--dir", str(tmp_path), option, value]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)
    assert complaint in ended.stderr


def test_a_schedule_from_a_file_runs_from_the_start(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"kind": "status_500"}]')
    with SimulatorProcess(tmp_path, "--faults", str(faults), module="bench.lean_duo") as other, DuoClient(other) as it:
        assert it.get("ping").http_status == 500


# Waiting for a person


def test_a_poll_without_news_is_told_so_after_a_while(client: DuoClient) -> None:
    txid = client.begin_push("u000123")
    said = [client.get("auth_status", txid=txid).response["status"] for _ in range(3)]
    assert said == ["pushed"] * 3


def test_all_who_poll_hear_of_it(duo: SimulatorProcess, client: DuoClient) -> None:
    duo.post("/api/approval", {"delay": "0.1"})
    txid = client.begin_push("u000123")
    client.get("auth_status", txid=txid)
    with DuoClient(duo) as other:
        client.send_get("auth_status", txid=txid)
        other.send_get("auth_status", txid=txid)
        assert [each.answer().response["status"] for each in (client, other)] == ["allow", "allow"]


@pytest.mark.parametrize(
    ("decision", "status"), [("approve", "allow"), ("deny", "deny"), ("fraud", "fraud"), ("timeout", "timeout")]
)
def test_pushes_are_decided_in_bulk(tmp_path: Path, decision: str, status: str) -> None:
    options = ("--approval", NEVER)
    with SimulatorProcess(tmp_path, *options, module="bench.lean_duo") as duo, ExitStack() as stack:
        clients = [stack.enter_context(DuoClient(duo)) for _ in range(20)]
        for number, each in enumerate(clients):
            txid = each.begin_push(f"u{number:06d}")
            each.get("auth_status", txid=txid)
            each.send_get("auth_status", txid=txid)
        duo.until(polls=20)
        assert duo.post("/api/pending", {"decision": decision}) == {"decided": 20}
        assert {each.answer().response["status"] for each in clients} == {status}
        assert (count(duo, "polls"), count(duo, "pending"), count(duo, "decided")) == (0, 0, {status: 20})


def test_who_hangs_up_while_waiting_harms_nobody(duo: SimulatorProcess, client: DuoClient) -> None:
    txid = client.begin_push("u000123")
    with DuoClient(duo) as other:
        other.get("auth_status", txid=txid)
        other.send_get("auth_status", txid=txid)
        duo.until(polls=1)
    until(lambda: count(duo, "polls") == 0)
    duo.post("/api/pending", {"decision": "approve"})
    assert client.get("auth_status", txid=txid).response["status"] == "allow"


# The referee


def test_the_referee_counts(duo: SimulatorProcess, client: DuoClient) -> None:
    for username in ("u000001", "u000002", "u000001"):
        client.begin_push(username)
    client.get("ping")
    client.post("/auth/v2/nothing")
    counts = duo.get("/api/counts")
    assert (counts["calls"], counts["n_calls"]) == ({"auth": 3, "ping": 1, "unknown": 1}, 5)
    assert (counts["pushes"], counts["pushed_users"], counts["pending"]) == (3, 2, 3)
    assert (counts["overlaps"], counts["overlapping"]) == (1, ["u000001"])
    assert duo.get("/api/pushes") == {"u000001": 2, "u000002": 1}


def test_a_reset_begins_anew(duo: SimulatorProcess, client: DuoClient) -> None:
    txid = client.begin_push("u000001")
    duo.post("/api/reset", {})
    counts = duo.get("/api/counts")
    assert (counts["n_calls"], counts["pushes"], counts["pending"], counts["decided"]) == (0, 0, 0, {})
    assert client.get("auth_status", txid=txid).http_status == 400


def test_signatures_are_verified_where_asked_for(duo: SimulatorProcess, client: DuoClient) -> None:
    with DuoClient(duo, secret_key="wrong") as impostor:
        assert impostor.get("check").content["code"] == 40103
    assert client.get("check").http_status == 200
    assert client.post("preauth", username="ユーザー 1").http_status == 200
    counts = duo.get("/api/counts")
    assert (counts["verified"], counts["wrongly_signed"]) == (3, 1)


# Faults


@pytest.mark.parametrize(("kind", "http_status"), [("status_500", 500), ("rate_limit", 429)])
def test_an_answer_in_another_s_place(duo: SimulatorProcess, client: DuoClient, kind: str, http_status: int) -> None:
    duo.fault(kind)
    answer = client.post("auth", username="u000001", factor="push", device="auto")
    assert (answer.http_status, answer.content["stat"]) == (http_status, "FAIL")
    assert (count(duo, "pushes"), count(duo, "faults")) == (0, {kind: 1})


def test_a_page_in_the_answer_s_place(duo: SimulatorProcess, client: DuoClient) -> None:
    duo.fault("captive_portal")
    with pytest.raises(json.JSONDecodeError):
        client.get("ping")
    duo.heal()
    assert client.get("ping").http_status == 200


def test_half_of_the_json(duo: SimulatorProcess, client: DuoClient) -> None:
    duo.fault("broken_json")
    with pytest.raises(json.JSONDecodeError):
        client.begin_push("u000001")
    assert count(duo, "pushes") == 1
    duo.heal()
    assert client.get("ping").http_status == 200


def test_a_connection_that_ends_without_an_answer(duo: SimulatorProcess, client: DuoClient) -> None:
    duo.fault("drop")
    with pytest.raises(http.client.RemoteDisconnected):
        client.begin_push("u000001")
    assert count(duo, "pushes") == 0


def test_a_connection_that_is_reset_within_its_answer(duo: SimulatorProcess) -> None:
    duo.fault("reset")
    with OctetClient(duo) as client:
        client.socket.sendall(client.encrypt(f"GET {PATHS['ping']} HTTP/1.1\r\n\r\n".encode()))
        assert client.read().startswith(b"HTTP/1.1 200 OK")
        with pytest.raises(ConnectionResetError):
            client.socket.recv(1)


@pytest.mark.parametrize("kind", ["slow", "trickle"])
def test_an_answer_that_takes_its_time(duo: SimulatorProcess, client: DuoClient, kind: str) -> None:
    duo.fault(kind, delay_s=0.2)
    asked_at = time.monotonic()
    assert client.get("ping").http_status == 200
    assert time.monotonic() - asked_at >= 0.17  # of `trickle`, the first piece comes at once


def test_delayed_calls_are_answered_once_healed_too(duo: SimulatorProcess, client: DuoClient) -> None:
    duo.fault("slow", delay_s=0.2)
    client.send_get("ping")
    until(lambda: count(duo, "faults") == {"slow": 1})
    duo.heal()
    assert client.answer().http_status == 200


def test_a_black_hole_never_answers_and_holds_new_connections(duo: SimulatorProcess, client: DuoClient) -> None:
    client.get("ping")
    duo.fault("black_hole")
    client.send_get("ping")
    until(lambda: count(duo, "faults") == {"black_hole": 1})
    host, _, port = duo.api_host.partition(":")
    with socket.create_connection((host, int(port)), TIMEOUT_S) as held:
        accepted = count(duo, "accepted")
        duo.heal()
        duo.until(accepted=accepted + 1)
        with client_context(duo).wrap_socket(held, server_hostname=host) as tls:
            tls.sendall(f"GET {PATHS['ping']} HTTP/1.1\r\n\r\n".encode())
            assert tls.recv(100).startswith(b"HTTP/1.1 200 OK")
    assert client.http.sock is not None
    client.http.sock.setblocking(False)
    with pytest.raises(ssl.SSLWantReadError):
        client.http.sock.recv(1)


def test_refused_connects_and_connections_that_are_cut(duo: SimulatorProcess, client: DuoClient) -> None:
    client.get("ping")
    duo.fault("refuse")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)):
        client.get("ping")
    with pytest.raises(ConnectionRefusedError), DuoClient(duo) as other:
        other.get("ping")
    duo.heal()
    with DuoClient(duo) as other:
        assert other.get("ping").http_status == 200


def test_a_schedule_begins_and_ends_by_itself(duo: SimulatorProcess) -> None:
    schedule = [{"kind": "status_500", "at_s": 0.2, "for_s": 0.5}, {"kind": "refuse", "at_s": 0.7, "for_s": 0.5}]
    assert [each["kind"] for each in duo.post("/api/faults", schedule)] == ["status_500", "refuse"]
    seen: list[str] = []
    until(lambda: seen_last(duo, seen) == "back")
    assert seen[-3:] == ["500", "refused", "back"]  # behind a 200, where we were quick enough to see one
    assert duo.get("/api/faults") == []


def ping(duo: SimulatorProcess) -> str:
    try:
        with DuoClient(duo) as client:
            return str(client.get("ping").http_status)
    except OSError:
        return "refused"


def seen_last(duo: SimulatorProcess, seen: list[str]) -> str:
    """Ask once, note what differs from before; `back` is a 200 after a refusal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # `ssl` leaves a socket open that was reset early enough
        now = ping(duo)
    if now == "200" and "refused" in seen:
        now = "back"
    if not seen or seen[-1] != now:
        seen.append(now)
    return now


# The control port


@pytest.mark.parametrize(
    ("path", "content", "complaint"),
    [
        ("/api/approval", {"delay": "soon"}, "'soon' is no distribution: write constant:S"),
        ("/api/approval", {}, "missing required field `delay`"),
        ("/api/faults", {"kind": "explode"}, "Invalid enum value 'explode'"),
        ("/api/pending", {"decision": "maybe"}, "Invalid enum value 'maybe'"),
    ],
)
def test_what_the_control_port_does_not_understand(
    duo: SimulatorProcess, path: str, content: dict[str, str], complaint: str
) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        duo.post(path, content)
    with refused.value as answer:
        assert (answer.code, complaint in json.load(answer)["error"]) == (400, True)


def test_who_waits_for_counts_is_answered_once_they_are_there(duo: SimulatorProcess, client: DuoClient) -> None:
    client.begin_push("u000001")
    assert duo.get("/api/wait?pushes=1&auth=1")["pushes"] == 1
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(duo.reaches, 20.0, pushes=2)
        assert not duo.reaches(0.02, pushes=2)  # the other one waits meanwhile
        client.begin_push("u000002")
        assert waiting.result()


@pytest.mark.parametrize("query", ["pushs=1", "pushes=many", "within_s=-1"])
def test_what_nobody_can_wait_for(duo: SimulatorProcess, query: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        duo.get(f"/api/wait?{query}")
    with refused.value as answer:
        assert answer.code == 400


def test_a_foreign_page_changes_nothing(duo: SimulatorProcess) -> None:
    host, _, port = duo.control.removeprefix("http://").partition(":")
    control = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT_S)
    control.request("POST", "/api/faults", '{"kind": "status_500"}', {"Content-Type": "text/plain"})
    assert control.getresponse().read() == b'{"error":"Content-Type: application/json is needed"}'
    control.request("GET", "/api/faults")
    assert json.load(control.getresponse()) == []
    control.request("GET", "/api/nothing")
    assert control.getresponse().status == 404
    control.close()


# Clients that misbehave


@pytest.mark.parametrize("n_first", [1, 4, 5, 30])
def test_half_a_record_of_one_is_not_taken_for_another_s(
    duo: SimulatorProcess, client: DuoClient, n_first: int
) -> None:
    """All connections share their TLS buffers: what one has sent in part must wait elsewhere."""
    with OctetClient(duo) as slow:
        record = slow.encrypt(f"GET {PATHS['ping']} HTTP/1.1\r\n\r\n".encode())
        calls = count(duo, "n_calls")
        slow.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        slow.socket.sendall(record[:n_first])
        for _ in range(3):
            assert client.get("ping").http_status == 200
        assert count(duo, "n_calls") == calls + 3
        slow.socket.sendall(record[n_first:])
        assert slow.read().startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("octets", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b"\0" * 5000, b""])
def test_octets_that_are_no_tls_end_that_connection_alone(
    duo: SimulatorProcess, client: DuoClient, octets: bytes
) -> None:
    client.get("ping")
    before = count(duo, "connections")
    host, _, port = duo.api_host.partition(":")
    with socket.create_connection((host, int(port)), TIMEOUT_S) as stranger:
        stranger.sendall(octets)
        stranger.shutdown(socket.SHUT_WR)
        try:
            while stranger.recv(100):
                pass
        except ConnectionResetError:
            pass
    until(lambda: count(duo, "connections") == before)
    assert client.get("ping").http_status == 200


def test_who_does_not_trust_the_authority_disturbs_nobody(duo: SimulatorProcess, client: DuoClient) -> None:
    host, _, port = duo.api_host.partition(":")
    client.get("ping")
    with socket.create_connection((host, int(port)), TIMEOUT_S) as raw, pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(raw, server_hostname=host)
    assert client.get("ping").http_status == 200


def test_requests_that_come_together_are_answered_in_their_order(duo: SimulatorProcess) -> None:
    requests = [f"GET {PATHS['ping']}", "GET /nothing", f"GET {PATHS['ping']}"]
    received = b""
    with OctetClient(duo) as eager:
        eager.socket.sendall(eager.encrypt("".join(f"{line} HTTP/1.1\r\n\r\n" for line in requests).encode()))
        while received.count(b"HTTP/1.1 ") < 3:
            received += eager.read()
    assert [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"200"]


def test_a_session_is_resumed_as_a_real_server_does(duo: SimulatorProcess) -> None:
    context, (host, _, port) = client_context(duo), duo.api_host.partition(":")
    session = None
    for resumed in (False, True):
        raw = socket.create_connection((host, int(port)), TIMEOUT_S)
        with context.wrap_socket(raw, server_hostname=host, session=session) as tls:
            tls.sendall(f"GET {PATHS['ping']} HTTP/1.1\r\n\r\n".encode())
            tls.recv(1000)
            assert tls.session_reused is resumed
            session = tls.session
