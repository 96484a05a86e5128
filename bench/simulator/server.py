"""The simulated Duo on sockets: one TLS port for the API, one plain loopback port for the control page.

`Simulator` reads the clocks and does the I/O; what is answered is decided by `cloud`, `api_v2` and `api_v1`, what goes
wrong by `faults`.
"""

import asyncio
import secrets
import string
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypedDict, Unpack
from urllib.parse import parse_qsl

from aiohttp import web

from bench.simulator import api_v1, api_v2
from bench.simulator.certificates import DEFAULT_NAMES, Certificates, certificates_in
from bench.simulator.cloud import FACTORS, CallRefused, Cloud, Event, Settings, Transaction
from bench.simulator.control import ControlServer
from bench.simulator.counts import UNKNOWN, Counts
from bench.simulator.delivery import Delivery, cut, instead
from bench.simulator.faults import Fault, FaultKind, FaultPlan, duo_time
from bench.simulator.listener import Door, Listener
from bench.simulator.patience import Patience
from bench.simulator.people import Person, default_cast
from bench.simulator.referee import CallRecord, Referee, Started
from bench.simulator.signature import Application, SignedRequest, verify
from bench.simulator.wire import Begun, Endpoint, Question, Reply, Wait, refused
from gateway.brackets import with_port

ENDPOINTS: Mapping[str, Endpoint] = {**api_v2.ENDPOINTS, **api_v1.ENDPOINTS}
POLL_HOLD_S = 20.0

_DOORS = {None: Door.SERVING, FaultKind.REFUSE: Door.REFUSING, FaultKind.BLACK_HOLE: Door.HOLDING}
_BLACK_HOLE = "black hole"  # what the requests in it wait for


class Options(TypedDict, total=False):
    """What may be set, and what holds otherwise.

    people: the users (`default_cast()`).
    settings: expiry, lockout, unknown users (`Settings()`).
    applications: keys that may call; the first is the simulator's `ikey` (one new application of kind `auth`).
    names: host names and addresses that the certificate covers (localhost, 127.0.0.1, ::1).
    host, port: where to listen (127.0.0.1; 0 = any free port).
    control_port: of the page (0 = any free port; None = no page).
    poll_hold_s: how long a long poll waits for news before it says `waiting` again (20).
    """

    people: Iterable[Person]
    settings: Settings
    applications: Iterable[Application]
    names: Iterable[str]
    host: str
    port: int
    control_port: int | None
    poll_hold_s: float


class Simulator:
    """A Duo cloud on sockets; `running_simulator` starts and stops one.

    Attributes:
        applications: by ikey; the first one is `ikey` and `skey`.
        cloud: users and transactions.
        faults: what goes wrong; changed through `set_fault` and `clear_faults`.
        referee: what was asked and started.
    """

    def __init__(self, folder: Path, **options: Unpack[Options]) -> None:
        self.certificates: Certificates = certificates_in(folder, options.get("names", DEFAULT_NAMES))
        self.applications = {each.ikey: each for each in options.get("applications") or (new_application(),)}
        self.cloud = Cloud(
            options.get("people", default_cast()), options.get("settings", Settings()), lambda: str(uuid.uuid4())
        )
        self.faults = FaultPlan()
        self.referee = Referee()
        self._host = options.get("host", "127.0.0.1")
        self._port = options.get("port", 0)
        self._control_port = options.get("control_port", 0)
        self._poll_hold_s = options.get("poll_hold_s", POLL_HOLD_S)
        self._delivery = Delivery()
        self._news = Patience()
        self._held = Patience()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0
        self._fault_alarm: asyncio.TimerHandle | None = None
        self._control: ControlServer | None = None

    def __repr__(self) -> str:
        return f"<Simulator pending={len(self.cloud.pending)} polls={self.n_polls} {self.faults!r}>"

    @property
    def api_host(self) -> str:
        """Host and port of the API, `127.0.0.1:49152`, once started."""
        return with_port(self._host, self._listener.port)

    @property
    def control_url(self) -> str:
        """The address of the page, empty without one."""
        return self._control.url if self._control else ""

    @property
    def ca_file(self) -> Path:
        """The CA certificate that clients should trust, PEM."""
        return self.certificates.ca_file

    @property
    def ikey(self) -> str:
        """The first application's integration key."""
        return next(iter(self.applications))

    @property
    def skey(self) -> str:
        """The first application's secret key."""
        return self.applications[self.ikey].skey

    def set_keys(self, skey: str, *more: str) -> None:
        """Let the first application's calls be signed with these keys, and no others, from now on."""
        application = self.applications[self.ikey]
        self.applications[self.ikey] = application._replace(skey=skey, more_skeys=more)

    @property
    def n_polls(self) -> int:
        """Requests that wait for a person right now."""
        return self._news.count

    @property
    def n_connections(self) -> int:
        """Open connections of API clients."""
        return len(self._server.connections)

    @property
    def n_accepted(self) -> int:
        """Connections of API clients since the start."""
        return self._listener.n_accepted

    @property
    def door(self) -> Door:
        """What a new connection meets right now."""
        return self._listener.door

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: a port is taken.
        """
        self._loop = asyncio.get_running_loop()
        self._server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._listener = Listener(self._server, self._host, self._port, self.certificates.server_context())
        self._listener.start()
        if self._control_port is not None:
            self._control = ControlServer(self, self._control_port)
            try:
                await self._control.start()
            except OSError:
                self._listener.stop()
                raise

    async def stop(self) -> None:
        """Cut every connection and leave."""
        self._listener.stop()
        self._delivery.stop()
        for alarm in (self._alarm, self._fault_alarm):
            if alarm is not None:
                alarm.cancel()
        self._cut_connections()
        await self._server.shutdown(timeout=1.0)
        if self._control is not None:
            await self._control.stop()

    def counts(self) -> Counts:
        """Return what there was and is."""
        calls: Counter[str] = Counter()
        for path, count in self.referee.n_calls.items():
            calls[ENDPOINTS[path].call if path in ENDPOINTS else UNKNOWN] += count
        return Counts(
            n_calls=calls.total(),
            calls=calls,
            pushes=sum(self.referee.pushes().values()),
            pending=len(self.cloud.pending),
            polls=self.n_polls,
            connections=self.n_connections,
            accepted=self.n_accepted,
        )

    # What tests and the control page change.

    def set_fault(self, *faults: Fault) -> None:
        """Put faults in force beside the others, at once."""
        for fault in faults:
            self.faults.add(fault, self.now())
        self._apply_faults()
        if self.door is Door.REFUSING:
            self._cut_connections()

    def clear_faults(self) -> None:
        """Healthy again; calls that a black hole still holds are cut."""
        self.faults.clear()
        self._apply_faults()

    def decide(self, txid: str, event: Event) -> Transaction:
        """Answer a push or call as its owner would.

        Raises:
            KeyError: not pending.
        """
        transaction = self.cloud.decide(txid, event, self.now())
        self._news.wake(txid)
        return transaction

    def reset(self) -> None:
        """Users as set up, counts from nothing, no faults; whoever waits is told that time ran out."""
        for transaction in self.cloud.reset(self.now()):
            self._news.wake(transaction.txid)
        self.referee.reset()
        self.clear_faults()

    def now(self) -> float:
        """The instant that the cloud and the faults count in."""
        return self._loop.time()

    # One request.

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        endpoint = ENDPOINTS.get(path)
        body = await request.read()
        self._delivery.still_in_use(request)
        record = CallRecord(time.time(), path if endpoint else "(unknown path)")
        self.referee.record_call(record)
        text = body if request.method == "POST" else query.encode("utf-8", "surrogateescape")
        call = endpoint.call if endpoint else ""
        faults = self.faults.take(path, call, self.now(), lambda: _username(text))
        if faults:
            await self._suffer(request, faults, record)
        reply = instead(faults)
        if reply is None:
            reply = await self._answer(request, path, endpoint, text, record, duo_time(faults, time.time()))
        record.http_status = reply.http_status
        record.outcome = reply.outcome
        return await self._delivery.send(request, reply, faults)

    async def _suffer(self, request: web.BaseRequest, faults: Mapping[FaultKind, Fault], record: CallRecord) -> None:
        """The faults that strike before anything is answered."""
        if FaultKind.BLACK_HOLE in faults:
            record.outcome = "black hole"
            await self._held.wait(_BLACK_HOLE)  # the client leaving cancels this
            cut(request)
        if FaultKind.SLOW in faults:
            await asyncio.sleep(faults[FaultKind.SLOW].delay_s)
        if FaultKind.DROP in faults:
            record.outcome = "dropped"
            cut(request)

    async def _answer(
        self,
        request: web.BaseRequest,
        path: str,
        endpoint: Endpoint | None,
        text: bytes,
        record: CallRecord,
        unix_now: float,
    ) -> Reply:
        try:
            if endpoint is None:
                raise CallRefused(40401)
            if request.method != endpoint.method:
                raise CallRefused(40501)
            pairs = _pairs(text)
            parameters = dict(pairs)
            if endpoint.needs_signature:
                self._check_signature(request, path, pairs, unix_now)
            _fill(record, parameters)
            question = Question(self.cloud, parameters, self.now(), unix_now, f"https://{request.host}")
            step = endpoint.answer(question)
        except CallRefused as error:
            return refused(error)
        if isinstance(step, Begun):
            self._begun(step.transaction, record)
            step = step.step
        return await self._wait(step) if isinstance(step, Wait) else step

    def _check_signature(
        self, request: web.BaseRequest, path: str, pairs: list[tuple[str, str]], unix_now: float
    ) -> None:
        headers = request.headers
        signed = SignedRequest(
            method=request.method,
            host=request.host,
            path=path,
            parameters=pairs,
            date=headers.get("X-Duo-Date") or headers.get("Date") or "",
            authorization=headers.get("Authorization", ""),
        )
        application = verify(signed, self.applications, unix_now)
        if application.kind != "auth" and path in api_v2.ENDPOINTS:
            raise CallRefused(40301, "Wrong integration type for this API.")

    def _begun(self, transaction: Transaction, record: CallRecord) -> None:
        record.txid = transaction.txid
        device = transaction.device.device if transaction.device else ""
        if device or transaction.factor == "passcode":
            started = Started(record.at, transaction.username, transaction.factor, device, transaction.txid)
            self.referee.record_started(started)
        self._set_alarm()

    async def _wait(self, wait: Wait) -> Reply:
        transaction = wait.transaction
        if wait.until_final:
            while not transaction.is_final:
                await self._news.wait(transaction.txid)
        else:
            await self._news.wait(transaction.txid, self._poll_hold_s)
        transaction.reported = transaction.version
        return wait.render(transaction)

    def _set_alarm(self) -> None:
        """One timer for the whole cloud, at the next instant that changes anything."""
        due = self.cloud.next_due()
        if self._alarm is not None:
            if due is not None and self._alarm_at <= due:
                return
            self._alarm.cancel()
        # uvloop returns a handle without `when` for an instant that has come already.
        self._alarm_at = due or 0.0
        self._alarm = None if due is None else self._loop.call_at(due, self._advance)

    def _advance(self) -> None:
        self._alarm = None
        for transaction in self.cloud.advance(self.now()):
            self._news.wake(transaction.txid)
        self._set_alarm()

    # Faults.

    def _apply_faults(self) -> None:
        now = self.now()
        self._listener.become(_DOORS[self.faults.door(now)])
        if not any(each.fault.kind is FaultKind.BLACK_HOLE for each in self.faults.active(now)):
            self._held.wake(_BLACK_HOLE)
        if self._fault_alarm is not None:
            self._fault_alarm.cancel()
        end = self.faults.next_end(now)
        self._fault_alarm = None if end is None else self._loop.call_at(end, self._apply_faults)

    def _cut_connections(self) -> None:
        for connection in self._server.connections:
            if connection.transport is not None:
                connection.transport.abort()


@asynccontextmanager
async def running_simulator(folder: Path, **options: Unpack[Options]) -> AsyncIterator[Simulator]:
    """A simulator that serves inside the `async with`; its certificates lie in `folder`, which is made if missing."""
    simulator = Simulator(folder, **options)
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()


def new_application(kind: str = "auth") -> Application:
    """An application with keys of its own, in the form of Duo's."""
    letters = string.ascii_uppercase + string.digits
    ikey = "DI" + "".join(secrets.choice(letters) for _ in range(18))
    skey = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(40))
    return Application(ikey, skey, kind)


def _pairs(text: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise CallRefused(40002, "Parameters are not UTF-8") from None


def _name_in(parameters: Mapping[str, str]) -> str:
    return parameters.get("username") or parameters.get("user") or parameters.get("user_id", "")


def _username(text: bytes) -> str:
    """The user that a call names, whatever else is wrong with it."""
    return _name_in(dict(parse_qsl(text.decode("utf-8", "replace"), keep_blank_values=True)))


def _fill(record: CallRecord, parameters: Mapping[str, str]) -> None:
    """Note what may be noted: v1 puts a passcode under `auto` or `code`, v2 under `passcode`, and none is looked at."""
    record.username = _name_in(parameters)
    factor = parameters.get("factor", "")
    record.factor = factor if factor in FACTORS else ""
    record.device = parameters.get("device") or parameters.get("phone", "")
    record.ipaddr = parameters.get("ipaddr", "")
    record.txid = parameters.get("txid", "")
