"""A plain client of a Duo, lean or not: `http.client` over TLS, signing as `bench.simulator.signature` does."""

import base64
import http.client
import json
import ssl
from email.utils import formatdate
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

from bench.processes import SimulatorProcess
from bench.simulator.signature import SignedRequest, sign

TIMEOUT_S = 20.0
PATHS = {call: f"/auth/v2/{call}" for call in ("ping", "check", "preauth", "auth", "auth_status")}


class Answer(NamedTuple):
    """What came back, decoded."""

    http_status: int
    content: dict[str, Any]

    @property
    def response(self) -> Any:
        """What a success holds."""
        return self.content["response"]


class DuoClient:
    """One connection, kept alive."""

    def __init__(self, duo: SimulatorProcess, secret_key: str = "") -> None:
        host, _, port = duo.api_host.partition(":")
        context = ssl.create_default_context(cafile=duo.ca)
        self.http = http.client.HTTPSConnection(host, int(port), timeout=TIMEOUT_S, context=context)
        self._ikey, self._secret_key = duo.ikey, secret_key or duo.secret_key

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.http.close()

    def get(self, call: str, **parameters: str) -> Answer:
        """Ask a call whose parameters stand in the query."""
        self.send_get(call, **parameters)
        return self.answer()

    def post(self, call: str, **parameters: str) -> Answer:
        """Ask a call whose parameters are the body."""
        path, form = PATHS.get(call, call), urlencode(parameters)
        headers = self._headers("POST", path, parameters) | {"Content-Type": "application/x-www-form-urlencoded"}
        self.http.request("POST", path, form, headers)
        return self.answer()

    def send_get(self, call: str, **parameters: str) -> None:
        """Ask without waiting for the answer."""
        path = PATHS.get(call, call)
        query = f"?{urlencode(parameters)}" if parameters else ""
        self.http.request("GET", path + query, headers=self._headers("GET", path, parameters))

    def answer(self) -> Answer:
        """Return the answer to what was asked."""
        answer = self.http.getresponse()
        return Answer(answer.status, json.loads(answer.read()))

    def begin_push(self, username: str, factor: str = "push") -> str:
        """Return the txid of a push that nobody waits for."""
        answer = self.post("auth", username=username, factor=factor, device="auto", **{"async": "1"})
        return str(answer.response["txid"])

    def _headers(self, method: str, path: str, parameters: dict[str, str]) -> dict[str, str]:
        date, host = formatdate(), self.http.host
        signature = sign(SignedRequest(method, host, path, parameters.items(), date, ""), self._secret_key, "sha512")
        credentials = base64.b64encode(f"{self._ikey}:{signature}".encode()).decode()
        return {"Date": date, "Authorization": f"Basic {credentials}"}
