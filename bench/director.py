"""Performs a scenario's events at their instants, in a thread of its own, and writes down what came of them."""

import contextlib
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

from bench.observe import ask_gateway, workers_of
from bench.processes import SECRET
from bench.radius_load.nas import source_addresses
from bench.report.record import Marked
from bench.scenario import Event
from bench.stage import Stage
from gateway.radius.client import encode_access_request
from gateway.radius.shared_secret import SharedSecret

SUCCESSOR_TIMEOUT_S = 30.0
RELOAD_TIMEOUT_S = 60.0
STRANGER = "127.99.99.99"
_TICK_S = 0.005
_N_DATAGRAMS = 256


class Director:
    """From entering to leaving; nothing happens before `begin`.

    Attributes:
        marked: what has come of every event.
    """

    def __init__(self, stage: Stage, events: Sequence[Event]) -> None:
        self._stage = stage
        self._events = events
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._began_at = 0.0
        self._lock = threading.Lock()
        self._marked: dict[int, Marked] = {}  # by the event's place
        self._actions: dict[str, Callable[[Event], str]] = {
            "kill-worker": self._kill_worker,
            "reload": self._reload,
            "fault": lambda _: "",  # Duo does it by itself
            "garbage": self._garbage,
            "strangers": self._strangers,
        }

    def begin(self, began_at: float) -> None:
        """Start the clock: the first login was planned at that instant, of time.monotonic(). Once is enough."""
        if self._threads:
            return
        self._began_at = began_at
        faults = [event for event in self._events if event.fault]
        if faults:
            self._schedule(faults)
        self._threads = [
            threading.Thread(target=self._perform, args=(place, event), name=event.kind, daemon=True)
            for place, event in enumerate(self._events)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    @property
    def marked(self) -> list[Marked]:
        """What has come of every event so far, in order; what has not happened yet has failed."""
        with self._lock:
            return [self._marked.get(place, _not_performed(event)) for place, event in enumerate(self._events)]

    def _schedule(self, events: Sequence[Event]) -> None:
        """Hand all of Duo's faults to it at once, for it keeps time better than a thread here."""
        passed_s = time.monotonic() - self._began_at
        schedule = [_entry(event, passed_s) for event in events]
        self._stage.duo.post("/api/faults", schedule)

    def _perform(self, place: int, event: Event) -> None:
        if self._stopped.wait(max(0.0, self._began_at + event.at_s - time.monotonic())):
            return
        at_s = event.at_s if event.fault else time.monotonic() - self._began_at
        try:
            note, failed = self._actions[event.kind](event), False
        except Exception as error:  # noqa: BLE001 -- whatever it was, the report must tell of it
            note, failed = str(error) or repr(error), True
        with self._lock:
            self._marked[place] = Marked(at_s, event.for_s, str(event), note, failed)

    def _kill_worker(self, _event: Event) -> str:
        """Kill the worker of the lowest slot as the kernel's out-of-memory killer does."""
        gateway = self._stage.gateway.process.pid
        workers = workers_of(gateway)
        if not workers:
            raise ProcessLookupError("there was no worker")
        pid, slot = min(workers.items(), key=lambda each: each[1])
        killed_at = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        while time.monotonic() - killed_at < SUCCESSOR_TIMEOUT_S and not self._stopped.is_set():
            if self._is_ready(slot, pid):
                self._stage.pin_workers()
                return f"the successor in slot {slot} served after {time.monotonic() - killed_at:.2f} s"
            self._stopped.wait(0.01)
        raise TimeoutError(f"slot {slot} had no successor")

    def _is_ready(self, slot: int, former_pid: int) -> bool:
        with contextlib.suppress(OSError, ValueError):
            workers = ask_gateway(self._stage.run_dir, "status")["status"]["workers"]
            return any(
                worker["slot"] == slot and worker["state"] == "ready" and worker["pid"] != former_pid
                for worker in workers
            )
        return False

    def _reload(self, _event: Event) -> str:
        asked_at = time.monotonic()
        generation = ask_gateway(self._stage.run_dir, "reload", RELOAD_TIMEOUT_S)["generation"]
        self._stage.pin_workers()
        return f"generation {generation} served after {time.monotonic() - asked_at:.2f} s"

    def _garbage(self, event: Event) -> str:
        """Send random octets from a RADIUS client's address."""
        chance = random.Random(event.at_s)
        datagrams = [chance.randbytes(chance.randrange(1, 200)) for _ in range(_N_DATAGRAMS)]
        return self._flood(event, self._first_client(), datagrams)

    def _strangers(self, event: Event) -> str:
        """Send good requests from an address that is no RADIUS client's."""
        secret = SharedSecret(SECRET.encode())
        datagrams = [
            encode_access_request(number, os.urandom(16), secret, b"u%06d" % number, b"123456")
            for number in range(_N_DATAGRAMS)
        ]
        return self._flood(event, STRANGER, datagrams)

    def _first_client(self) -> str:
        plan = self._stage.load_plan()
        return source_addresses(plan.source_network, 1)[0]

    def _flood(self, event: Event, source: str, datagrams: Sequence[bytes]) -> str:
        """Send at the event's rate, a few datagrams every tick."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind((source, 0))
            udp.connect(("127.0.0.1", self._stage.port))
            began_at, n_sent = time.monotonic(), 0
            while (passed_s := time.monotonic() - began_at) < event.for_s and not self._stopped.wait(_TICK_S):
                for number in range(n_sent, int(passed_s * event.rate)):
                    with contextlib.suppress(ConnectionRefusedError):  # nobody listens between two workers
                        udp.send(datagrams[number % len(datagrams)])
                n_sent = max(n_sent, int(passed_s * event.rate))
        return f"{n_sent:,} datagrams sent"


def _not_performed(event: Event) -> Marked:
    return Marked(event.at_s, event.for_s, str(event), "the run was over before", failed=True)


def _entry(event: Event, passed_s: float) -> dict[str, object]:
    fault = event.fault
    assert fault is not None  # noqa: S101 -- for the type checker
    at_s = max(0.0, event.at_s - passed_s)
    return {"kind": fault.kind, "at_s": at_s, "for_s": event.for_s, "share": fault.share, "delay_s": fault.delay_s}
