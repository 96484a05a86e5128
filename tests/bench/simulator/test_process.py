"""`python -m bench.simulator` as a process."""

import asyncio
import json
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bench.simulator.certificates import certificates_in

pytestmark = pytest.mark.integration


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-m", "bench.simulator", "--dir", str(folder), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def stop(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=20)
    return process.returncode, output, errors


def ready_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    content: dict[str, Any] = json.loads(process.stdout.readline())
    return content


async def ping(api_host: str, folder: Path) -> int:
    connector = aiohttp.TCPConnector(ssl=certificates_in(folder).client_context())
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(f"https://{api_host}/auth/v2/ping") as it,
    ):
        return it.status


def test_says_that_it_is_ready_and_stops_when_told(tmp_path: Path) -> None:
    process = start(tmp_path)
    try:
        ready = ready_line(process)
        assert asyncio.run(ping(ready["api_host"], tmp_path)) == 200
    finally:
        status, output, errors = stop(process)
    assert (status, output, errors) == (0, "", "")
    application = json.loads(Path(ready["application_file"]).read_bytes())
    assert application["ikey"] == ready["ikey"]
    assert application["skey"] not in json.dumps(ready)
    assert stat.S_IMODE(Path(ready["application_file"]).stat().st_mode) == 0o600


def test_second_start_keeps_keys_and_authority(tmp_path: Path) -> None:
    seen = []
    for _ in range(2):
        process = start(tmp_path, "--application", "radius_v1")
        try:
            seen.append((ready_line(process)["ikey"], (tmp_path / "ca.pem").read_bytes()))
        finally:
            stop(process)
    assert seen[0] == seen[1]


def test_users_from_a_file(tmp_path: Path) -> None:
    users = tmp_path / "users.json"
    users.write_text('[{"username": "zoe", "passcodes": ["111111"]}]')
    process = start(tmp_path, "--users", str(users))
    try:
        control = ready_line(process)["control"]

        async def usernames() -> list[str]:
            async with aiohttp.ClientSession() as session, session.get(f"{control}/api/users") as response:
                return [each["username"] for each in await response.json()]

        assert asyncio.run(usernames()) == ["zoe"]
    finally:
        stop(process)


def test_file_that_is_no_list_of_users(tmp_path: Path) -> None:
    users = tmp_path / "users.json"
    users.write_text('[{"username": "zoe", "passcode": "111111"}]')
    process = start(tmp_path, "--users", str(users))
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "passcode" in errors
