"""The control port: a JSON API in the clear, on the loopback address.

Routes with a star are those of `bench.simulator.control`, too, and mean the same there.

| route | does |
| --- | --- |
| POST /api/pending * | `{"decision": …}` with approve, deny, fraud or timeout, for all pushes: how many were decided |
| GET /api/counts * | totals (`Counts`); here overlaps, verdicts, faults and signatures, too |
| GET /api/pushes * | how many pushes and phone calls each user got |
| GET /api/wait?pending=2&within_s=5 * | waits for totals (`Wish`), and answers as /api/counts; 408 if it was in vain |
| GET /api/faults * | what goes wrong, and what will |
| POST /api/faults * | a fault or a list of them, `[{"kind": "slow", "at_s": 5, "for_s": 10, "delay_s": 2}, …]` |
| POST /api/faults/clear * | `{}`: nothing goes wrong any more |
| POST /api/approval | `{"delay": "lognormal:4,0.6,50"}`: how long people take from now on |
| POST /api/reset * | `{}`: counts from nothing, no pushes; here faults stay |

What a foreign web page could send without asking first is refused: changes are POST with `application/json`.
"""

import math
import socket
from functools import partial
from typing import Any, Literal
from urllib.parse import parse_qsl

import msgspec

from bench.lean_duo import answers
from bench.lean_duo.connection import Connection
from bench.lean_duo.distribution import read_distribution
from bench.lean_duo.door import Door
from bench.lean_duo.faults import Planned, read_faults
from bench.lean_duo.loop import Loop
from bench.lean_duo.request import Request
from bench.lean_duo.server import LeanDuo
from bench.simulator.cloud import State
from bench.simulator.counts import LOOK_S, Wish, read_wish

_DECISIONS = {
    "approve": State.ALLOWED,
    "deny": State.DENIED,
    "fraud": State.FRAUD,
    "timeout": State.TIMED_OUT,
}


class _Approval(msgspec.Struct, forbid_unknown_fields=True):
    delay: str


class _Decision(msgspec.Struct, forbid_unknown_fields=True):
    decision: Literal["approve", "deny", "fraud", "timeout"]


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
            ("POST", "/api/faults"): self._add_faults,
            ("POST", "/api/faults/clear"): self._clear_faults,
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

    def asked(self, connection: Connection, request: Request) -> bytes | None:
        """Return the answer to a request, or None if that must wait."""
        if (request.method, request.path) == ("GET", "/api/wait"):
            return self._wait(connection, request.text)
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

    def _wait(self, connection: Connection, query: str) -> bytes | None:
        try:
            wish = read_wish(parse_qsl(query))
        except ValueError as error:
            return _problem(400, str(error))
        connection.ticket = wish
        self._look(connection, wish, self._loop.now + wish.within_s)
        return None

    def _look(self, connection: Connection, wish: Wish, ends_at: float) -> None:
        """Answer a wish that is met or whose time is over; else look again soon."""
        if connection.ticket is not wish:  # whoever waited has left
            return
        is_met = wish.is_met_by(self._duo.counts())
        if is_met or self._loop.now >= ends_at:
            connection.answer(answers.http(200 if is_met else 408, msgspec.json.encode(self._counts(b""))))
        else:
            self._loop.call_at(self._loop.now + LOOK_S, partial(self._look, connection, wish, ends_at))

    def _counts(self, _body: bytes) -> object:
        duo, api, cloud = self._duo, self._duo.api, self._duo.cloud
        return {
            **msgspec.structs.asdict(duo.counts()),
            "pushed_users": len(cloud.n_pushes),
            "overlaps": cloud.n_overlaps,
            "overlapping": cloud.overlapping,
            "decided": cloud.n_decided,
            "faults": duo.n_faults,
            "verified": api.n_verified,
            "wrongly_signed": api.n_refused,
        }

    def _pushes(self, _body: bytes) -> object:
        return self._duo.cloud.n_pushes

    def _faults(self, _body: bytes) -> object:
        now = self._loop.now
        return [_describe(each, now) for each in self._duo.schedule.planned if now < each.ends_at]

    def _add_faults(self, body: bytes) -> object:
        self._duo.add_faults(read_faults(body))
        return self._faults(body)

    def _clear_faults(self, body: bytes) -> object:
        self._duo.clear_faults()
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


def _describe(planned: Planned, now: float) -> dict[str, Any]:
    at_s = max(0.0, planned.begins_at - now)
    left_s = None if planned.ends_at == math.inf else planned.ends_at - now
    return {**msgspec.to_builtins(planned.fault), "at_s": at_s, "left_s": left_s}
