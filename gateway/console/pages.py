"""What the console answers, and to whom.

| route | answers |
| --- | --- |
| GET / | the page |
| GET /live.json?after=CURSOR | what the page shows, all of it or what is new |
| GET /logins.json?q=WORDS&user=…&server=… | the last logins that are like that, see `queries` |
| GET /status.json | the same as `radgate status --json` |
| GET /metrics | Prometheus's text |
| GET /healthz, /readyz | 200, or 503 where logins should go elsewhere; why, to those who may know |
| GET /livez | 200, or 503 where only a restart helps; likewise |
| GET, POST /login, POST /logout | where a token is wanted: a form for people, who get a cookie |

Where the console is bound to a loopback address, only requests for such a host are answered: a foreign web page could
let its own name lead there (DNS rebinding). Nothing permits other origins anything.
"""

import math
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import parse_qs

import msgspec
from aiohttp import web

from gateway.config.values import is_loopback
from gateway.console.facts import Facts, View
from gateway.console.files import PUBLIC, File, load_files
from gateway.console.prometheus_text import CONTENT_TYPE
from gateway.console.queries import BadQueryError, parse_query
from gateway.console.visitors import SESSION_S, Patience, Sessions, Token
from gateway.logs.setup import log_internal_error

LIVE = "/livez"
HEALTH = ("/healthz", "/readyz", LIVE)
COOKIE = "radgate_session"
MISTAKE_EVERY_S = 10.0  # between two lines: what a visitor can cause must not roll the log away
_MAX_BODY = 4_096  # octets: a form with a token
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "radgate",
    "Connection": "close",  # see `door`
}
"""Of every answer."""
_OWN_FORM = frozenset({"", "none", "same-origin"})  # Sec-Fetch-Site, which not everybody sends
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Rules(NamedTuple):
    """Who may look.

    Attributes:
        host: that the console is bound to.
        token: None where everybody who can connect may look.
        is_encrypted: whether cookies can be kept from unencrypted connections.
    """

    host: str
    token: Token | None
    is_encrypted: bool


class Pages:
    """The application."""

    def __init__(self, facts: Facts, rules: Rules) -> None:
        self._facts = facts
        self._rules = rules
        self._view = View(facts, secrets.token_hex(4), asks_token=rules.token is not None)
        self._sessions = Sessions(secrets.token_bytes(32))
        self._patience = Patience()
        self._files = load_files()
        self._mistake_at = -math.inf
        self._host_names = {*_LOOPBACK_NAMES, rules.host, f"[{rules.host}]"} if is_loopback(rules.host) else None

    def application(self) -> web.Application:
        """Return it, for a runner."""
        application = web.Application(middlewares=[self._mistakes, self._admit], client_max_size=_MAX_BODY)
        application.on_response_prepare.append(_finish)
        application.add_routes([web.get(path, self._file) for path in self._files])
        application.add_routes(
            [
                web.get("/live.json", self._live),
                web.get("/logins.json", self._logins),
                web.get("/status.json", self._status),
                web.get("/metrics", self._metrics),
                *(web.get(path, self._health) for path in HEALTH),
                web.post("/login", self._log_in),
                web.post("/logout", self._log_out),
            ]
        )
        return application

    @web.middleware
    async def _mistakes(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """No visitor sees a traceback."""
        try:
            return await handler(request)
        except (web.HTTPException, ConnectionError):
            raise
        except web.RequestPayloadError:  # it is not compressed as it says
            raise web.HTTPBadRequest(text="The body of this request cannot be read.\n") from None
        except Exception as error:  # noqa: BLE001 -- our own mistake ends this request, not the console
            if (now := time.monotonic()) - self._mistake_at >= MISTAKE_EVERY_S:
                self._mistake_at = now
                log_internal_error("Internal error in the console", error)
            text = "Internal error in the console; the log says more.\n"
            raise web.HTTPInternalServerError(text=text) from None

    # Who may look.

    @web.middleware
    async def _admit(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        if self._host_names is not None and _host_name(request.host) not in self._host_names:
            raise web.HTTPMisdirectedRequest(text="Ask for localhost, or for the address that console= names.\n")
        if request.path in PUBLIC or request.path in ("/login", *HEALTH) or self._may_look(request):
            return await handler(request)
        if request.path == "/":
            raise web.HTTPSeeOther("/login")
        raise web.HTTPUnauthorized(text="A token is wanted.\n", headers={"WWW-Authenticate": 'Bearer realm="radgate"'})

    def _may_look(self, request: web.Request) -> bool:
        token, now = self._rules.token, time.monotonic()
        if token is None or self._sessions.is_valid(request.cookies.get(COOKIE, ""), now):
            return True
        authorization = request.headers.get("Authorization", "")
        return bool(authorization) and self._weigh(request, token.is_given_by, authorization)

    def _weigh(self, request: web.Request, is_right: Callable[[str], bool], given: str) -> bool:
        """Return whether what was given is right; those who guess too often are not heard for a while."""
        address, now = request.remote or "", time.monotonic()
        if locked_out_s := self._patience.locked_out_s(address, now):
            wait = str(math.ceil(locked_out_s))
            raise web.HTTPTooManyRequests(text=f"Too many failures; wait {wait} s.\n", headers={"Retry-After": wait})
        if not is_right(given):
            self._patience.failed(address, now)
            return False
        self._patience.succeeded(address)
        return True

    async def _log_in(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Sec-Fetch-Site", "") not in _OWN_FORM:  # it could have its visitors locked out
            raise web.HTTPForbidden(text="This form is sent only from the console's own page.\n")
        token = self._rules.token
        # Whatever type and charset the visitor names: aiohttp's own reading of a form fails in many ways.
        form = parse_qs((await request.read()).decode("utf-8", "replace"))
        if token is not None and not self._weigh(request, token.is_, form.get("token", [""])[0]):
            return _send(self._files["/login"], status=401)
        answer = web.Response(status=303, headers={"Location": "/"})
        cookie = self._sessions.begin(secrets.token_hex(8), time.monotonic())
        secure = self._rules.is_encrypted
        answer.set_cookie(COOKIE, cookie, max_age=SESSION_S, httponly=True, samesite="Strict", secure=secure)
        return answer

    async def _log_out(self, request: web.Request) -> web.StreamResponse:
        self._sessions.end(request.cookies.get(COOKIE, ""), time.monotonic())
        answer = web.Response(status=303, headers={"Location": "/login"})
        answer.del_cookie(COOKIE)
        return answer

    # What there is to see.

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return _send(self._files[request.path])

    async def _live(self, request: web.Request) -> web.StreamResponse:
        return _json(self._view.after(request.query.get("after", "")))

    async def _logins(self, request: web.Request) -> web.StreamResponse:
        try:
            query = parse_query(request.query)
        except BadQueryError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None
        return _json(self._view.logins(query))

    async def _status(self, _request: web.Request) -> web.StreamResponse:
        return _json(self._facts.octets, 200 if self._facts.status is not None else 503)

    async def _metrics(self, _request: web.Request) -> web.StreamResponse:
        status = 200 if self._facts.status is not None else 503
        return web.Response(body=self._facts.metrics, status=status, headers={"Content-Type": CONTENT_TYPE})

    async def _health(self, request: web.Request) -> web.StreamResponse:
        finding = self._facts.examine_life() if request.path == LIVE else self._facts.examine()
        content = finding.content
        if not self._may_know_why(request):
            del content["reasons"]
        return _json(msgspec.json.encode(content), finding.http_status)

    def _may_know_why(self, request: web.Request) -> bool:
        try:
            return self._may_look(request)
        except web.HTTPTooManyRequests:  # whether is for everybody
            return False


async def _finish(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    response.force_close()


def _host_name(host: str) -> str:
    """Return a Host header without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def _send(file: File, status: int = 200) -> web.Response:
    charset = None if file.content_type.startswith("image/") else "utf-8"
    return web.Response(body=file.octets, status=status, content_type=file.content_type, charset=charset)


def _json(octets: bytes, status: int = 200) -> web.Response:
    return web.Response(body=octets, status=status, content_type="application/json")
