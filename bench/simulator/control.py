"""The control page and its JSON API, on a loopback port of its own, in the clear.

Changes are POST with JSON, which a foreign web page cannot send without asking first (CSRF); a Host header that is not
loopback is refused (DNS rebinding); the page loads nothing but its own files.

Routes with a star are those of `bench.lean_duo`, too, and mean the same there.

| route | does |
| --- | --- |
| GET / | the page |
| GET /api/state | what the page shows: service, pending, faults, users, the newest calls |
| GET /api/users | all users, as set up |
| POST /api/users | add or replace one (`Person`) |
| POST /api/users/remove | `{"username": …}` |
| GET /api/pending | undecided pushes and calls |
| POST /api/pending * | `{"decision": …}` with approve, deny, fraud or timeout, for all of them: how many were decided |
| POST /api/pending/TXID | the same for one |
| GET /api/counts * | totals (`Counts`); here by user, too, with the txids of the started factors |
| GET /api/pushes * | how many pushes and phone calls each user got |
| GET /api/wait?pending=2&within_s=5 * | waits for totals (`Wish`), and answers as /api/counts; 408 if it was in vain |
| GET /api/calls?limit=N | the newest calls, newest first |
| GET /api/faults * | what is in force |
| POST /api/faults * | puts a fault (`Fault`) or a list of them in force, beside what is |
| POST /api/faults/clear * | `{}`: nothing goes wrong any more |
| POST /api/reset * | `{}`: counts from nothing, no pushes; here users as set up and no faults, too |
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import msgspec
from aiohttp import web

from bench.simulator.cloud import Account, Cloud, Event, Transaction
from bench.simulator.counts import LOOK_S, Counts, read_wish
from bench.simulator.faults import ActiveFault, Fault, FaultKind, FaultPlan
from bench.simulator.listener import Door
from bench.simulator.people import Answer, Person, Status
from bench.simulator.referee import CallRecord, Referee
from bench.simulator.signature import Application

STATIC = Path(__file__).parent / "static"
SHOWN_CALLS = 60
SHOWN_USERS = 200
SHOWN_PENDING = 100
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_FILES = {  # path: name and type, which a system's own table may name otherwise
    "/": ("index.html", "text/html; charset=utf-8"),
    "/static/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/static/page.css": ("page.css", "text/css; charset=utf-8"),
    "/static/icon.svg": ("icon.svg", "image/svg+xml"),
}
_DECISIONS = (Event.APPROVE, Event.DENY, Event.FRAUD, Event.TIMEOUT)

_OneOrMore: Any = Fault | list[Fault]
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_Body = TypeVar("_Body")


class Controlled(Protocol):
    """What is controlled: a `Simulator`, as far as this page goes."""

    @property
    def applications(self) -> Mapping[str, Application]:
        """Whose keys may call, by ikey."""

    @property
    def cloud(self) -> Cloud:
        """Users and transactions."""

    @property
    def faults(self) -> FaultPlan:
        """What goes wrong."""

    @property
    def referee(self) -> Referee:
        """What was asked and started."""

    @property
    def api_host(self) -> str:
        """Host and port of the API."""

    @property
    def door(self) -> Door:
        """What a new connection meets."""

    def counts(self) -> Counts:
        """Return what there was and is."""

    def now(self) -> float:
        """Return the instant that the cloud and the faults count in."""

    def set_fault(self, *faults: Fault) -> None:
        """Put faults in force beside the others."""

    def clear_faults(self) -> None:
        """Make all well."""

    def set_keys(self, skey: str, *more: str) -> None:
        """Let calls be signed with these keys, and no others."""

    def decide(self, txid: str, event: Event) -> Transaction:
        """Answer a push or call; KeyError if it is not pending."""

    def reset(self) -> None:
        """Begin anew."""


class _Decision(msgspec.Struct, forbid_unknown_fields=True):
    decision: Event


class _Username(msgspec.Struct, forbid_unknown_fields=True):
    username: str


class _Keys(msgspec.Struct, forbid_unknown_fields=True):
    skeys: Annotated[list[str], msgspec.Meta(min_length=1)]


class _Nothing(msgspec.Struct, forbid_unknown_fields=True):
    pass


class ControlServer:
    """The control port of one simulator."""

    def __init__(self, simulator: Controlled, port: int) -> None:
        self._simulator = simulator
        self._port = port
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)
        self.url = ""

    async def start(self) -> None:
        """Listen on 127.0.0.1.

        Raises:
            OSError: the port is taken.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close the port."""
        await self._runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[_guard])
        for path in _FILES:
            application.router.add_get(path, _file)
        application.router.add_routes(
            [
                web.get("/api/state", self._state),
                web.get("/api/users", self._users),
                web.post("/api/users", self._put_user),
                web.post("/api/users/remove", self._remove_user),
                web.get("/api/pending", self._pending),
                web.post("/api/pending", self._decide_all),
                web.post("/api/pending/{txid}", self._decide),
                web.get("/api/counts", self._counts),
                web.get("/api/pushes", self._pushes),
                web.get("/api/wait", self._wait),
                web.get("/api/calls", self._calls),
                web.get("/api/faults", self._faults),
                web.post("/api/faults", self._set_fault),
                web.post("/api/faults/clear", self._clear_faults),
                web.post("/api/keys", self._set_keys),
                web.post("/api/reset", self._reset),
            ]
        )
        return application

    async def _state(self, _request: web.Request) -> web.Response:
        simulator, counts = self._simulator, self._simulator.counts()
        return _json(
            {
                "service": {
                    "api_host": simulator.api_host,
                    "door": simulator.door.value,
                    "connections": counts.connections,
                    "polls": counts.polls,
                    "applications": [
                        {"ikey": each.ikey, "kind": each.kind} for each in simulator.applications.values()
                    ],
                },
                "n_pending": counts.pending,
                "pending": self._pending_list(SHOWN_PENDING),
                "faults": self._fault_list(),
                "n_users": len(simulator.cloud.accounts),
                "users": [self._account(each) for each in islice(simulator.cloud.accounts.values(), SHOWN_USERS)],
                "n_calls": counts.n_calls,
                "calls": self._newest_calls(SHOWN_CALLS),
                "choices": {
                    "fault_kinds": list(FaultKind),
                    "answers": list(Answer),
                    "statuses": list(Status),
                },
            }
        )

    async def _users(self, _request: web.Request) -> web.Response:
        return _json([msgspec.to_builtins(each.person) for each in self._simulator.cloud.accounts.values()])

    async def _put_user(self, request: web.Request) -> web.Response:
        person = await _body(request, Person)
        if not person.username:
            raise _problem(web.HTTPBadRequest, "username is empty")
        self._simulator.cloud.put(person)
        return _json(msgspec.to_builtins(person))

    async def _remove_user(self, request: web.Request) -> web.Response:
        wanted = await _body(request, _Username)
        try:
            self._simulator.cloud.remove(wanted.username)
        except KeyError:
            raise _problem(web.HTTPNotFound, "no such user") from None
        return _json({})

    async def _set_keys(self, request: web.Request) -> web.Response:
        self._simulator.set_keys(*(await _body(request, _Keys)).skeys)
        return _json({})

    async def _pending(self, _request: web.Request) -> web.Response:
        return _json(self._pending_list(None))

    async def _decide_all(self, request: web.Request) -> web.Response:
        event = await _decision(request)
        txids = list(self._simulator.cloud.pending)
        for txid in txids:
            self._simulator.decide(txid, event)
        return _json({"decided": len(txids)})

    async def _decide(self, request: web.Request) -> web.Response:
        event = await _decision(request)
        try:
            transaction = self._simulator.decide(request.match_info["txid"], event)
        except KeyError:
            raise _problem(web.HTTPNotFound, "not pending: decided already, expired or never begun") from None
        return _json({"txid": transaction.txid, "result": transaction.state.result, "status": transaction.state.status})

    async def _counts(self, _request: web.Request) -> web.Response:
        referee = self._simulator.referee
        users: dict[str, dict[str, Any]] = {}
        for (username, factor), count in referee.n_started.items():
            users.setdefault(username, {"txids": {}})[factor] = count
        for started in referee.started:
            users[started.username]["txids"].setdefault(started.factor, []).append(started.txid)
        return _json({**msgspec.to_builtins(self._simulator.counts()), "users": users})

    async def _pushes(self, _request: web.Request) -> web.Response:
        return _json(self._simulator.referee.pushes())

    async def _wait(self, request: web.Request) -> web.Response:
        try:
            wish = read_wish(request.query.items())
        except ValueError as error:
            raise _problem(web.HTTPBadRequest, str(error)) from None
        ends_at = self._simulator.now() + wish.within_s
        while not wish.is_met_by(counts := self._simulator.counts()):
            if self._simulator.now() >= ends_at:
                return _json(counts, status=408)
            await asyncio.sleep(LOOK_S)
        return _json(counts)

    async def _calls(self, request: web.Request) -> web.Response:
        try:
            limit = int(request.query.get("limit", "1000"))
        except ValueError:
            raise _problem(web.HTTPBadRequest, "limit: a whole number") from None
        return _json(self._newest_calls(max(limit, 0)))

    async def _faults(self, _request: web.Request) -> web.Response:
        return _json(self._fault_list())

    async def _set_fault(self, request: web.Request) -> web.Response:
        wanted = await _body(request, _OneOrMore)
        self._simulator.set_fault(*(wanted if isinstance(wanted, list) else [wanted]))
        return _json(self._fault_list())

    async def _clear_faults(self, request: web.Request) -> web.Response:
        await _body(request, _Nothing)
        self._simulator.clear_faults()
        return _json([])

    async def _reset(self, request: web.Request) -> web.Response:
        await _body(request, _Nothing)
        self._simulator.reset()
        return _json({})

    def _pending_list(self, limit: int | None) -> list[dict[str, Any]]:
        now = self._simulator.now()
        return [_describe_pending(each, now) for each in islice(self._simulator.cloud.pending.values(), limit)]

    def _fault_list(self) -> list[dict[str, Any]]:
        now = self._simulator.now()
        return [_describe_fault(each, now) for each in self._simulator.faults.active(now)]

    def _newest_calls(self, limit: int) -> list[dict[str, Any]]:
        return [_describe_call(each) for each in islice(reversed(self._simulator.referee.calls), limit)]

    def _account(self, account: Account) -> dict[str, Any]:
        referee = self._simulator.referee
        username = account.person.username
        return {
            **msgspec.to_builtins(account.person),
            "status_now": account.status,
            "failures": account.n_failures,
            "pushes": referee.count(username, "push"),
            "phone_calls": referee.count(username, "phone"),
        }


@web.middleware
async def _guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Let in only whoever names this machine by a loopback name, and changes only as JSON."""
    response: web.StreamResponse
    try:
        if request.host.rpartition(":")[0] not in _LOOPBACK_NAMES and request.host not in _LOOPBACK_NAMES:
            raise _problem(web.HTTPForbidden, "this page is for this machine only")
        if request.method == "POST" and request.content_type != "application/json":
            raise _problem(web.HTTPUnsupportedMediaType, "send application/json")
        response = await handler(request)
    except web.HTTPException as error:
        error.headers.update(_HEADERS)
        raise
    response.headers.update(_HEADERS)
    return response


async def _file(request: web.Request) -> web.StreamResponse:
    name, content_type = _FILES[request.path]
    return web.FileResponse(STATIC / name, headers={"Content-Type": content_type})


async def _body(request: web.Request, kind: type[_Body]) -> _Body:
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except msgspec.DecodeError as error:
        raise _problem(web.HTTPBadRequest, str(error)) from None


async def _decision(request: web.Request) -> Event:
    wanted = await _body(request, _Decision)
    if wanted.decision not in _DECISIONS:
        raise _problem(web.HTTPBadRequest, f"decision: one of {', '.join(_DECISIONS)}")
    return wanted.decision


def _problem(kind: type[web.HTTPException], text: str) -> web.HTTPException:
    return kind(text=msgspec.json.encode({"error": text}).decode(), content_type="application/json")


def _json(content: object, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(content), content_type="application/json")


def _describe_pending(transaction: Transaction, now: float) -> dict[str, Any]:
    device = transaction.device
    return {
        "txid": transaction.txid,
        "username": transaction.username,
        "factor": transaction.factor,
        "status": transaction.state.status,
        "device": device.device if device else "",
        "device_name": (device.name or device.number) if device else "",
        "age_s": round(now - transaction.started_at, 3),
        "left_s": round(transaction.expires_at - now, 3),
    }


def _describe_fault(active: ActiveFault, now: float) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(active.fault),
        "calls_left": active.calls_left,
        "left_s": None if active.ends_at is None else round(active.ends_at - now, 3),
    }


def _describe_call(call: CallRecord) -> dict[str, Any]:
    return {
        "at": call.at,
        "age_s": round(time.time() - call.at, 3),
        "path": call.path,
        "username": call.username,
        "factor": call.factor,
        "device": call.device,
        "ipaddr": call.ipaddr,
        "txid": call.txid,
        "http_status": call.http_status,
        "outcome": call.outcome,
    }
