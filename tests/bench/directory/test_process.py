"""The bench's directory as a process, asked by OpenLDAP's own programs."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from bench.directory.people import PASSWORD, SERVICE_ACCOUNT
from bench.directory.process import DirectoryProcess
from bench.processes import gateway_config
from gateway.config.reading import read_settings

IKEY, SKEY = "DIABCDEFGHIJKLMNOPQR", "k3yOfTheSimulatorThatNobodyElseHasAtAll0"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not shutil.which("ldapsearch"), reason="needs ldapsearch and ldapwhoami (ldap-utils)"),
]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirectoryProcess]:
    with DirectoryProcess("--dir", str(tmp_path_factory.mktemp("directory"))) as process:
        yield process


def clear(directory: DirectoryProcess) -> list[str]:
    return ["-H", f"ldap://127.0.0.1:{directory.port}"]


def starting_tls(directory: DirectoryProcess) -> list[str]:
    return [*clear(directory), "-ZZ"]


def secured(directory: DirectoryProcess) -> list[str]:
    return ["-H", f"ldaps://127.0.0.1:{directory.tls_port}"]


def run(directory: DirectoryProcess, program: str, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LDAPTLS_CACERT": directory.ca}
    return subprocess.run([program, *options], capture_output=True, text=True, env=environment, check=False, timeout=60)


WAYS = (clear, starting_tls, secured)


def service(directory: DirectoryProcess) -> list[str]:
    return ["-x", "-D", directory.bind_dn, "-w", SERVICE_ACCOUNT.password]


@pytest.mark.parametrize("way", WAYS)
def test_an_entry_is_found(directory: DirectoryProcess, way):
    asked = [*way(directory), *service(directory), "-LLL", "-b", directory.base, "(sAMAccountName=alice)", "uid"]
    found = run(directory, "ldapsearch", *asked)
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith(f"dn: CN=alice,OU=People,{directory.base}\nuid: alice\n")


@pytest.mark.parametrize("way", WAYS)
def test_a_password_is_checked_and_counted(directory: DirectoryProcess, way):
    before = directory.binds()
    for password, code, text in ((PASSWORD, 0, ""), ("wrong", 49, "data 52e,")):
        bound = run(
            directory,
            "ldapsearch",
            *way(directory),
            "-x",
            "-D",
            "bob@example.test",
            "-w",
            password,
            "-b",
            "",
            "-s",
            "base",
        )
        assert bound.returncode == code
        assert text in bound.stderr
    after = directory.binds()
    assert after["bob"] == before.get("bob", 0) + 2
    assert {**after, "bob": 0} == {**before, "bob": 0}


def test_what_goes_wrong_does_until_it_is_healed(directory: DirectoryProcess):
    asked = [*clear(directory), *service(directory)]
    found = {}
    n_binds = directory.binds().get(SERVICE_ACCOUNT.name, 0)
    for fault in ("refuse", "cut", "busy"):
        directory.fault(fault)
        found[fault] = run(directory, "ldapwhoami", *asked).returncode
    directory.heal()
    healed = run(directory, "ldapsearch", *asked, "-b", "", "-s", "base")
    assert found == {"refuse": 255, "cut": 254, "busy": 51}
    assert healed.returncode == 0
    assert directory.binds()[SERVICE_ACCOUNT.name] == n_binds + 3


def test_a_connection_is_closed_in_the_place_of_tls(directory: DirectoryProcess):
    directory.fault("no_tls")
    found = {
        way: run(directory, "ldapsearch", *way(directory), *service(directory), "-b", "", "-s", "base") for way in WAYS
    }
    directory.heal()
    healed = run(directory, "ldapsearch", *secured(directory), *service(directory), "-b", "", "-s", "base")
    assert {way: each.returncode for way, each in found.items()} == {clear: 0, starting_tls: 1, secured: 255}
    assert healed.returncode == 0, healed.stderr


def test_who_is_silent_has_heard_what_it_was_asked(directory: DirectoryProcess):
    n_binds = directory.binds().get(SERVICE_ACCOUNT.name, 0)
    directory.fault("silent")
    asked = run(directory, "ldapwhoami", *clear(directory), *service(directory), "-o", "timeout=1")
    directory.heal()
    assert asked.returncode == 254
    assert directory.binds()[SERVICE_ACCOUNT.name] == n_binds + 1


@pytest.mark.parametrize("transport", ["clear", "starttls", "ldaps"])
def test_the_gateway_is_told_of_it(directory, tmp_path, transport):
    duo = SimpleNamespace(ca="system", ikey=IKEY, secret_key=SKEY, api_host="127.0.0.1:4430")
    keys = directory.client_keys(transport)
    config = gateway_config(tmp_path, duo, gateway={}, kind="auto", directory=keys, client="ad_client")
    settings, problems = read_settings(config.path)
    assert problems == []
    (client,) = settings.clients
    assert client.host_names == (f"127.0.0.1:{keys['port']}",)
    assert (client.transport.value, client.search_dn) == (transport, directory.base)
