"""Configurations for FreeRADIUS, and one login through the program where it is installed."""

import re
import subprocess
from pathlib import Path
from shutil import which
from typing import Any, cast

import pytest

from bench.peers import freeradius
from bench.peers.driver import PASSCODE, SECRET, DriverError, log_in
from bench.peers.pending import PUSH
from bench.peers.stage import AFTER_HOME, Stage
from bench.processes import HomeServerProcess, SimulatorProcess

needs_freeradius = pytest.mark.skipif(
    bool(freeradius.missing("rlm_rest")), reason=f"not installed: {freeradius.missing('rlm_rest')}"
)


class Duo:
    api_host, ca, ikey, secret_key = "127.0.0.1:4443", "/duo/ca.pem", "DIXX", "the secret key"


def stage(folder: Path, password: bytes = PASSCODE) -> Stage:
    return Stage(folder, cast("Any", Duo), password)


def test_signed_call(tmp_path: Path) -> None:
    config = freeradius.rest_config(stage(tmp_path), 1645)
    form = "factor=passcode&passcode=%{urlquote:%{User-Password}}&username=%{urlquote:%{User-Name}}"
    assert f'data = "{form}"' in config
    assert rf'"%{{control:Tmp-String-1}}\nPOST\n127.0.0.1\n/auth/v2/auth\n{form}"' in config
    assert "%{base64:DIXX:%{hmacsha1:&control:Tmp-String-2 &control:Tmp-String-3}}" in config
    assert "ca_info_file = /duo/ca.pem" in config
    assert "port = 1645" in config
    assert "preauth" not in config


def test_unsigned_call_knows_no_key(tmp_path: Path) -> None:
    config = freeradius.rest_config(stage(tmp_path), 1645, is_signed=False)
    assert "Authorization" not in config
    assert Duo.secret_key not in config


def test_preauth_comes_first(tmp_path: Path) -> None:
    config = freeradius.rest_config(stage(tmp_path), 1645, preauth=True)
    asked = re.findall(r"^\t+(preauth|auth)$", config, re.MULTILINE)
    assert asked == ["preauth", "auth"]
    assert config.count("REST-HTTP-Header :=") == 2


def test_push_form(tmp_path: Path) -> None:
    config = freeradius.rest_config(stage(tmp_path, PUSH), 1645)
    assert 'data = "device=auto&factor=push&username=%{urlquote:%{User-Name}}"' in config
    assert "async" not in config


@pytest.mark.parametrize("preauth", [False, True])
def test_braces_are_balanced(tmp_path: Path, preauth: bool) -> None:
    for config in (
        freeradius.rest_config(stage(tmp_path), 1, preauth=preauth),
        freeradius.users_config(stage(tmp_path), 1),
    ):
        assert config.count("{") == config.count("}")
        assert "{{" not in config


def test_users_of_the_nas_are_in_the_file() -> None:
    assert freeradius.users_file().startswith('u000000 Cleartext-Password := "123456"\n')
    assert "\nu000255 " in freeradius.users_file()


def test_what_is_missing_is_named_with_a_remedy() -> None:
    text = freeradius.missing("rlm_no_such_module")
    assert text.endswith(")")
    assert "apt install freeradius" in text


@needs_freeradius
@pytest.mark.integration
@pytest.mark.parametrize(("preauth", "n_calls"), [(False, 300), (True, 600)])
def test_logs_in_with_right_signatures_over_few_connections(tmp_path: Path, preauth: bool, n_calls: int) -> None:
    with SimulatorProcess(tmp_path / "duo", "--verify", "1", module="bench.lean_duo") as duo:
        with freeradius.start_rest(Stage(tmp_path, duo), preauth=preauth) as serving:
            assert log_in(serving.port, 300, 8, longest_s=30.0).n_logins == 300
        counts = duo.get("/api/counts")
    assert (counts["n_calls"], counts["verified"], counts["wrongly_signed"]) == (n_calls, n_calls, 0)
    # Each thread opens one to see whether Duo is there, and one that it keeps.
    assert counts["accepted"] <= 2 * freeradius.N_THREADS * (1 + preauth)
    assert (tmp_path / "radiusd.conf").stat().st_mode & 0o077 == 0


@needs_freeradius
@pytest.mark.integration
def test_a_home_server_is_asked_first_and_duo_about_the_passcode_behind_the_password(tmp_path: Path) -> None:
    log = tmp_path / "asked"
    with (
        HomeServerProcess("--anybody", "--log", str(log)) as home,
        SimulatorProcess(tmp_path / "duo", "--verify", "1", module="bench.lean_duo") as duo,
        freeradius.start_after_home(Stage(tmp_path, duo, home=home)) as serving,
    ):
        assert log_in(serving.port, 30, 8, longest_s=30.0, password=AFTER_HOME).n_logins == 30
        with pytest.raises(DriverError, match="Access-Reject"):
            log_in(serving.port, 1, 1, longest_s=30.0, password=b"correct horse,654321")
        counts = duo.get("/api/counts")
    assert (counts["n_calls"], counts["verified"]) == (31, 31)
    assert len(log.read_text().splitlines()) == 31


@needs_freeradius
@pytest.mark.integration
def test_logs_in_from_the_users_file(tmp_path: Path) -> None:
    with freeradius.start_users(stage(tmp_path)) as serving:
        assert log_in(serving.port, 300, 8, longest_s=30.0).n_logins == 300


@needs_freeradius
@pytest.mark.skipif(which("radclient") is None, reason="radclient is not installed")
@pytest.mark.integration
def test_wrong_passcode_is_rejected(tmp_path: Path) -> None:
    """Asked with the system's own client."""
    with (
        SimulatorProcess(tmp_path / "duo", module="bench.lean_duo") as duo,
        freeradius.start_rest(Stage(tmp_path, duo)) as serving,
    ):
        asked = "User-Name = u000001, User-Password = 654321, Message-Authenticator = 0x00"
        command = ["radclient", "-r", "1", "-t", "20", f"127.0.0.1:{serving.port}", "auth", SECRET.decode()]
        result = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=30)
    assert "Access-Reject" in result.stdout
