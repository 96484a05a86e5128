"""The control port: a JSON API in the clear, on the loopback address.

| route | does |
| --- | --- |
| GET /api/counts | totals: calls, pushes, overlaps, verdicts, faults, signatures, connections |
| GET /api/pushes | how many pushes each user got |
| GET /api/faults | the schedule, and how many seconds it has run |
| POST /api/faults | a new schedule, `[{"kind": "delay", "at_s": 5, "for_s": 10, "delay_s": 2}, …]`, counted from now |
| POST /api/faults/clear | `{}`: nothing goes wrong any more |
| POST /api/start | `{}`: the schedule counts from now |
| POST /api/approval | `{"delay": "lognormal:4,0.6,50"}`: how long people take from now on |
| POST /api/pending | `{"decision": "approve"}`, or deny or timeout: for all pushes that are pending, at once |
| POST /api/reset | `{}`: count from nothing, without pushes; the schedule goes on |

What a foreign web page could send without asking first is refused: changes are POST with `application/json`.
"""

import socket
from typing import Literal

import msgspec

from bench.lean_duo import answers
from bench.lean_duo.connection import Connection
from bench.lean_duo.distribution import read_distribution
from bench.lean_duo.door import Door
from bench.lean_duo.faults import read_faults
from bench.lean_duo.loop import Loop
from bench.lean_duo.request import Request
from bench.lean_duo.server import LeanDuo
from bench.simulator.cloud import State

_DECISIONS = {"approve": State.ALLOWED, "deny": State.DENIED, "timeout": State.TIMED_OUT}


class _Approval(msgspec.Struct, forbid_unknown_fields=True):
    delay: str


class _Decision(msgspec.Struct, forbid_unknown_fields=True):
    decision: Literal["approve", "deny", "timeout"]


class Control:
    """The control port of one Duo."""

    def __init__(self, duo: LeanDuo, loop: Loop) -> None:
        """Listen on a port that the kernel chooses."""
        self._duo = duo
        self._loop = loop
        self._connections: set[Connection] = set()
        self._door = Door(loop, 0, self._accepted)
        self._routes = {
            ("GET", "/api/counts"): self._counts,
            ("GET", "/api/pushes"): self._pushes,
            ("GET", "/api/faults"): self._faults,
            ("POST", "/api/faults"): self._set_faults,
            ("POST", "/api/faults/clear"): self._clear_faults,
            ("POST", "/api/start"): self._start,
            ("POST", "/api/approval"): self._set_approval,
            ("POST", "/api/pending"): self._decide_all,
            ("POST", "/api/reset"): self._reset,
        }

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{self._door.address}"

    def close(self) -> None:
        """Close the port."""
        self._door.close()
        for connection in list(self._connections):
            connection.close()

    def asked(self, _connection: Connection, request: Request) -> bytes:
        """Return the answer to a request."""
        route = self._routes.get((request.method, request.path))
        if route is None:
            return _problem(404, "no such route")
        if request.method == "POST" and request.header("Content-Type").partition(";")[0] != "application/json":
            return _problem(415, "Content-Type: application/json is needed")
        try:
            return answers.http(200, msgspec.json.encode(route(request.text.encode())))
        except ValueError as error:  # msgspec's are
            return _problem(400, str(error))

    def closed(self, connection: Connection) -> None:
        """A connection is no more."""
        self._connections.discard(connection)

    def _accepted(self, accepted: socket.socket) -> None:
        self._connections.add(Connection(accepted, self, self._loop))

    def _counts(self, _body: bytes) -> object:
        duo, api, cloud = self._duo, self._duo.api, self._duo.cloud
        return {
            "n_calls": api.n_calls.total(),
            "calls": api.n_calls,
            "pushes": cloud.n_pushes.total(),
            "pushed_users": len(cloud.n_pushes),
            "overlaps": cloud.n_overlaps,
            "overlapping": cloud.overlapping,
            "decided": cloud.n_decided,
            "pending": cloud.n_pending,
            "polls": duo.n_polls,
            "faults": duo.n_faults,
            "verified": api.n_verified,
            "wrongly_signed": api.n_refused,
            "connections": duo.n_connections,
            "accepted": duo.n_accepted,
        }

    def _pushes(self, _body: bytes) -> object:
        return self._duo.cloud.n_pushes

    def _faults(self, _body: bytes) -> object:
        schedule = self._duo.schedule
        return {"faults": schedule.faults, "runs_s": self._loop.now - schedule.started_at}

    def _set_faults(self, body: bytes) -> object:
        self._duo.set_faults(read_faults(body))
        return self._faults(body)

    def _clear_faults(self, body: bytes) -> object:
        self._duo.set_faults(())
        return self._faults(body)

    def _start(self, body: bytes) -> object:
        self._duo.set_faults(self._duo.schedule.faults)
        return self._faults(body)

    def _set_approval(self, body: bytes) -> object:
        approval = read_distribution(msgspec.json.decode(body, type=_Approval).delay)
        self._duo.cloud.approval = approval
        return {"delay": str(approval)}

    def _decide_all(self, body: bytes) -> object:
        state = _DECISIONS[msgspec.json.decode(body, type=_Decision).decision]
        return {"decided": self._duo.decide_all(state)}

    def _reset(self, _body: bytes) -> object:
        self._duo.reset()
        return {}


def _problem(http_status: int, text: str) -> bytes:
    return answers.http(http_status, msgspec.json.encode({"error": text}))
