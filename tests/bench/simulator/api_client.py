"""A client of the simulated Duo for tests: aiohttp over real TLS, signing as `bench.simulator.signature` does."""

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any, NamedTuple, Unpack
from urllib.parse import urlencode

import aiohttp

from bench.simulator.server import Options, Simulator, running_simulator
from bench.simulator.signature import Application, SignedRequest, sign


class Answer(NamedTuple):
    """What came back: `response` of a success, or the whole object of a failure."""

    status: int
    stat: str
    response: Any
    headers: Mapping[str, str]


class ApiClient:
    """Signs and sends calls; `session` for requests that are to be wrong."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession, application: Application) -> None:
        self.session = session
        self.simulator = simulator
        self._application = application

    async def get(self, path: str, **parameters: str) -> Answer:
        query = urlencode(parameters)
        headers = self.headers("GET", path, parameters)
        async with self.session.get(self.url(path) + (f"?{query}" if query else ""), headers=headers) as response:
            return await _read(response)

    async def post(self, path: str, **parameters: str) -> Answer:
        headers = self.headers("POST", path, parameters)
        async with self.session.post(self.url(path), data=urlencode(parameters).encode(), headers=headers) as response:
            return await _read(response)

    def headers(
        self, method: str, path: str, parameters: Mapping[str, str], date: str | None = None, digest: str = "sha512"
    ) -> dict[str, str]:
        date = date or formatdate()
        request = SignedRequest(method, self.simulator.api_host.partition(":")[0], path, parameters.items(), date, "")
        signature = sign(request, self._application.skey, digest)
        credentials = base64.b64encode(f"{self._application.ikey}:{signature}".encode()).decode()
        return {
            "Authorization": f"Basic {credentials}",
            "Date": date,
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def url(self, path: str) -> str:
        return f"https://{self.simulator.api_host}{path}"


@asynccontextmanager
async def client_of(simulator: Simulator, application: Application | None = None) -> AsyncIterator[ApiClient]:
    """A client with its own connections to a running simulator."""
    connector = aiohttp.TCPConnector(ssl=simulator.certificates.client_context())
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield ApiClient(simulator, session, application or simulator.applications[simulator.ikey])


@asynccontextmanager
async def simulator_and_client(folder: Path, **options: Unpack[Options]) -> AsyncIterator[tuple[Simulator, ApiClient]]:
    """Both, started."""
    async with running_simulator(folder, **options) as simulator, client_of(simulator) as client:
        yield simulator, client


async def _read(response: aiohttp.ClientResponse) -> Answer:
    content = await response.json()
    return Answer(response.status, content["stat"], content.get("response", content), response.headers)
