"""A server that sends our own request back, head and all: what the client hands on of it."""

import json
from typing import Any

import pytest

from gateway.duoapi.calls import Answer, Auth, AuthStatus, Call, Check, Factor, Preauth
from gateway.unavailable import Unavailable
from tests.duo.scripted import (
    ask,
    client_of,
)
from tests.https.authority import Authority
from tests.https.peer import (
    Visit,
    answer,
    run,
    tls_peer,
)

PASSCODE = "98765432"
CALLS: list[Call] = [Auth("alice", Factor.PASSCODE, passcode=PASSCODE), Preauth("alice"), Check(), AuthStatus("tx-1")]
STATUSES = ["200 OK", "400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "502 Bad Gateway"]


def echo_of(request: str, status: str, form: str) -> bytes:
    """The request, as JSON of Duo's or as a page."""
    if form == "page":
        return answer(f"<{request}", status)
    if form == "plain":
        return answer(request, status)
    texts: dict[str, Any] = {"message": request, "message_detail": request}
    response = {"result": "deny", "status": request, "status_msg": request, "time": 1}
    content = {"stat": "OK", "response": response} if status == "200 OK" else {"stat": "FAIL", "code": 40103, **texts}
    return answer(json.dumps(content), status)


@pytest.mark.parametrize("form", ["JSON", "page", "plain"])
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("api_version", ["1", "2"])
def test_neither_passcode_nor_credentials_come_back(authority: Authority, server_file: str, status, form, api_version):
    requests: list[str] = []

    async def script(visit: Visit) -> None:
        while True:
            requests.append(await visit.request())
            visit.send(echo_of(requests[-1], status, form))

    async def asked(calls: list[Call]) -> list[Answer | Unavailable]:
        async with tls_peer(script, server_file) as peer:
            with client_of(peer.port, authority, api_version=api_version) as client:
                return [await ask(client, call) for call in calls]

    told = "".join(f"{each!r} {each}" for each in run(asked(CALLS)))
    assert any(PASSCODE in request for request in requests)
    for request in requests:
        (header,) = [line for line in request.split("\r\n") if line.startswith("Authorization: Basic ")]
        secret = header.removeprefix("Authorization: Basic ")
        assert len(secret) > 100
        assert not any(secret[start : start + 20] in told for start in range(len(secret) - 20))
    assert PASSCODE not in told
