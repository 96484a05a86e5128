"""The control port: a JSON API in the clear, on the loopback address.

| route | does |
| --- | --- |
| GET /api/counts | binds by whose they were, searches, connections, those with TLS |
| POST /api/faults | `{"kind": …}` (`Fault`): it goes wrong, in the place of what did |
| POST /api/faults/clear | `{}`: nothing goes wrong any more |

What a foreign web page could send without asking first is refused: changes are POST with `application/json`.
"""

import msgspec
from aiohttp import web

from bench.directory.server import DirectoryServer, Fault


class _Fault(msgspec.Struct, forbid_unknown_fields=True):
    kind: Fault


class Control:
    """The control port of one directory.

    Attributes:
        url: where it is, once it was started.
    """

    def __init__(self, server: DirectoryServer) -> None:
        self._server = server
        self.url = ""

    async def start(self, port: int = 0) -> None:
        """Serve on loopback; a port of 0 is one that the kernel chooses."""
        app = web.Application()
        app.router.add_get("/api/counts", self._counts)
        app.router.add_post("/api/faults", self._set_fault)
        app.router.add_post("/api/faults/clear", self._clear)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Serve no more."""
        await self._runner.cleanup()

    async def _counts(self, _request: web.Request) -> web.Response:
        server = self._server
        return web.json_response(
            {
                "binds": dict(server.binds),
                "searches": server.n_searches,
                "connections": server.n_connections,
                "secured": server.n_secured,
            }
        )

    async def _set_fault(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType
        try:
            fault = msgspec.json.decode(await request.read(), type=_Fault)
        except msgspec.DecodeError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        await self._server.set_fault(fault.kind)
        return web.json_response({})

    async def _clear(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType
        await self._server.set_fault(None)
        return web.json_response({})
