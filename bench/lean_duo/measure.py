"""`python -m bench.lean_duo.measure`: what an answer of the lean Duo costs it, and what a long poll weighs.

The server has the first core to itself, sleeps whenever it has nothing to do (`--awake 0`), and its CPU is what the
scheduler counts, user and system. Requests are made beforehand; a passcode login's preauth and auth take turns.
"""

import argparse
import json
import resource
import select
import socket
import ssl
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from bench.cores import cpu_s, leave_first_core, pin_alone, resident
from bench.endings import in_order, scratch_folder
from bench.processes import SimulatorProcess
from bench.spread import tell

WARM_UP = 2000
REQUEST = (
    "%s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: radgate\r\nAccept: application/json\r\n"
    "Date: Mon, 23 Nov 2026 06:00:00 -0000\r\nAuthorization: Basic " + "x" * 200 + "\r\n"
)
FORM = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s"
ASYNC_PUSH = "async=1&device=auto&factor=push&username=u%06d"


class Client:
    """One TLS connection that waits for one answer at a time."""

    def __init__(self, api_host: str, context: ssl.SSLContext, closing: ExitStack) -> None:
        """Connect and shake hands."""
        host, _, port = api_host.partition(":")
        connected = socket.create_connection((host, int(port)))
        self.tls = closing.enter_context(context.wrap_socket(connected, server_hostname=host))
        self.tls.setblocking(False)

    def answer(self) -> bytes:
        """Return what has come of an answer, empty if nothing."""
        try:
            return self.tls.recv(16_384)
        except ssl.SSLWantReadError:
            return b""


@contextmanager
def connected(duo: SimulatorProcess, context: ssl.SSLContext, n_clients: int) -> Iterator[list[Client]]:
    """Connections that are closed in the end."""
    with ExitStack() as stack:
        yield [Client(duo.api_host, context, stack) for _ in range(n_clients)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.lean_duo.measure", description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--answers", type=int, default=20_000, help="in each run (default: %(default)s)")
    add("--runs", type=int, default=5, help="runs of each figure (default: %(default)s)")
    add("--connections", type=int, default=64, help="each with one request at a time (default: %(default)s)")
    add("--polls", type=int, default=0, metavar="N", help="weigh so many long polls as well, for instance 20000")
    options = parser.parse_args(arguments)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    duo_options = ("--awake", "0", "--approval", "constant:inf", "--poll-hold", "3600", "--push-expires", "3600")
    with (
        in_order(),
        scratch_folder("radgate-bench-") as folder,
        SimulatorProcess(folder, *duo_options, module="bench.lean_duo") as duo,
    ):
        pin_alone(duo.process.pid)
        leave_first_core()
        context = ssl.create_default_context(cafile=duo.ca)
        measure_answers(duo, context, options)
        if options.polls:
            measure_polls(duo, context, options.polls)
    return 0


def measure_answers(duo: SimulatorProcess, context: ssl.SSLContext, options: argparse.Namespace) -> None:
    """Print rate and cost."""
    requests = [_post("preauth", "username=u000123"), _post("auth", "factor=passcode&passcode=123456&username=u000123")]
    costs, rates = [], []
    with connected(duo, context, options.connections) as clients:
        ask_all(clients, requests * (WARM_UP // 2))
        for _ in range(options.runs):
            before, started = cpu_s(duo.process.pid), time.monotonic()
            ask_all(clients, requests * (options.answers // 2))
            rates.append(options.answers / (time.monotonic() - started))
            costs.append((cpu_s(duo.process.pid) - before) / options.answers * 1e6)
    tell(f"CPU of the lean Duo per answer, {options.connections} connections", costs, "µs", 1)
    tell("answers by the second of its CPU", [1e6 / cost for cost in costs], "/s")
    tell("answers per second beside this client", rates, "/s")


def measure_polls(duo: SimulatorProcess, context: ssl.SSLContext, n_polls: int) -> None:
    """Hold long polls, weigh them, approve them all at once."""
    before, started = resident(duo.process.pid), time.monotonic()
    with connected(duo, context, n_polls) as clients:
        print(f"{n_polls} connections opened in {time.monotonic() - started:.1f} s")
        idle = resident(duo.process.pid)
        hold_polls(duo, clients)
        held = resident(duo.process.pid)
        print(f"memory of a connection {(idle - before) / n_polls / 1024:.1f} KB, of its long poll and push", end=" ")
        print(f"{(held - idle) / n_polls / 1024:.1f} KB; {held / 1e6:.0f} MB in all")
        started = time.monotonic()
        decided = duo.post("/api/pending", {"decision": "approve"})["decided"]
        took = time.monotonic() - started
        n_allowed = sum(b'"allow"' in answer for answer in collect(clients, n_polls, iter(())))
        print(f"{decided} approved in {took:.2f} s, {n_allowed} of the polls answered with it")


def hold_polls(duo: SimulatorProcess, clients: Sequence[Client]) -> None:
    """Push a user of each client, and leave each with a long poll that has no answer."""
    pushes = (_post("auth", ASYNC_PUSH % index) for index in range(len(clients)))
    polls = [
        _poll(json.loads(answer.partition(b"\r\n\r\n")[2])["response"]["txid"]) for answer in ask_all(clients, pushes)
    ]
    ask_all(clients, polls)  # each is told at once that its push is under way
    for client, poll in zip(clients, polls, strict=True):
        client.tls.send(poll)
    duo.until(polls=len(clients))


def ask_all(clients: Sequence[Client], requests: Iterable[bytes]) -> list[bytes]:
    """Send the requests, one at a time on each connection; return the answers as they come."""
    waiting = iter(requests)
    first = list(zip(clients, waiting, strict=False))
    for client, request in first:
        client.tls.send(request)
    return collect(clients, len(first), waiting)


def collect(clients: Sequence[Client], n_asked: int, waiting: Iterator[bytes]) -> list[bytes]:
    """Return the answers to requests that are sent already, and to those that take their turns after them."""
    answers = []
    epoll, by_descriptor = select.epoll(), {client.tls.fileno(): client for client in clients}
    for descriptor in by_descriptor:
        epoll.register(descriptor, select.EPOLLIN)
    while n_asked:
        for descriptor, _ in epoll.poll(0):
            client = by_descriptor[descriptor]
            answer = client.answer()
            if not answer:
                continue
            answers.append(answer)
            request = next(waiting, None)
            if request is None:
                n_asked -= 1
            else:
                client.tls.send(request)
    epoll.close()
    return answers


def _post(call: str, form: str) -> bytes:
    return (REQUEST % f"POST /auth/v2/{call}" + FORM % (len(form), form)).encode()


def _poll(txid: str) -> bytes:
    return (REQUEST % f"GET /auth/v2/auth_status?txid={txid}" + "\r\n").encode()


if __name__ == "__main__":
    sys.exit(main())
