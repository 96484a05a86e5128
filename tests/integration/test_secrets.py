"""What must never be seen: keys, shared secrets, what people type, and addresses that let their holder enrol."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from bench.processes import GatewayProcess
from tests.integration.site import SECRET, Site
from tests.worker.test_reports import FIELDS_OF_SIEM_PARSERS

pytestmark = pytest.mark.integration

# Long enough that no time, port or duration looks like them.
RIGHT_PASSCODE = "8302957716"
WRONG_PASSCODE = "7718264035"
YUBIKEY = "cccccbdefghijklnrtuvcbdefghijklnrtuvcbdefghi"
DIRECTORY_PASSWORD = "Correct-Horse-Battery-Staple!"
LATIN_PASSWORD = "Müller-Lüdenscheidt-1978"
WRONG_SECRET = "a shared secret that is not the one"
WRONG_SKEY = "wRonGk3yThatDuoWillNotTakeButNobodySees0"
TYPED = (RIGHT_PASSCODE, WRONG_PASSCODE, YUBIKEY, DIRECTORY_PASSWORD, LATIN_PASSWORD)


class Watched:
    """A gateway that tells all it may, and everything of it that somebody could look at."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._seen: dict[str, bytes] = {}
        self._stdout: IO[bytes] = (site.folder / "stdout").open("wb")
        self._gateway: GatewayProcess | None = None

    def start(self, *, main: str = "", **server: Any) -> None:
        """Run the gateway with all its logs on."""
        self.site.configure(main=f"debug=true\nlog_auth_events=true\n{main}", **server)
        self._gateway = GatewayProcess(self.site.config, stdout=self._stdout)

    def look_at_processes(self) -> None:
        """Note the arguments and the environment of the supervisor and of every worker."""
        assert self._gateway is not None
        pids = [self._gateway.process.pid, *self._gateway.worker_pids()]
        assert len(pids) == 2
        for pid in pids:
            for name in ("cmdline", "environ"):
                path = Path(f"/proc/{pid}/{name}")
                self._seen[str(path)] = path.read_bytes()

    def stop(self) -> None:
        """End it; its logs are complete then."""
        if self._gateway is not None:
            self.site.stop()
            self._gateway.stop()
            self._seen["stderr"] = self._gateway.output.encode()
            self._gateway = None
            self._stdout.close()
            for path in (self.site.folder / "stdout", *(self.site.folder / "log").iterdir()):
                self._seen[path.name] = path.read_bytes()

    def text(self, name: str) -> str:
        """Return what stands in a file or came by a stream."""
        self.stop()
        return self._seen[name].decode()

    def places_of(self, secret: str) -> list[str]:
        """Return where a secret can be seen, in any of the forms that it may take."""
        self.stop()
        forms = {secret.encode(), secret.encode("latin-1", "replace"), secret.encode().hex().encode()}
        return [place for place, octets in self._seen.items() if any(form in octets for form in forms)]


@pytest.fixture
def watched(site: Site) -> Iterator[Watched]:
    site.simulator.post(
        "/api/users",
        {
            "username": "nina",
            "devices": [{"device": "DPNINA", "capabilities": ["auto", "push", "phone", "sms"]}],
            "passcodes": [RIGHT_PASSCODE],
        },
    )
    watched = Watched(site)
    yield watched
    watched.stop()


def log_in_in_every_way(site: Site) -> str:
    """Log in right and wrong with every factor; return the enrolment address that one user was told, if one was."""
    nas, stranger, liar = site.nas(), site.nas(host="127.0.0.9"), site.nas(secret=WRONG_SECRET)
    stranger.send("nina", RIGHT_PASSCODE)
    liar.send("nina", RIGHT_PASSCODE)
    codes = {
        typed: nas.login("nina", typed).code
        for typed in (RIGHT_PASSCODE, WRONG_PASSCODE, YUBIKEY, DIRECTORY_PASSWORD, "push", "phone", "sms", "push9", "")
    }
    assert codes[RIGHT_PASSCODE] == codes["push"] == codes["phone"] == 2
    assert nas.login("nina", LATIN_PASSWORD.encode("latin-1")).code == 3
    for user in ("bob", "carol", "mallory", "erin", "frank", "olivia"):
        nas.login(user, "push")
    told = nas.login("heidi", DIRECTORY_PASSWORD).message
    site.simulator.fault("status_500")
    nas.login("nina", DIRECTORY_PASSWORD)
    nas.login("nina", RIGHT_PASSCODE)
    site.simulator.heal()
    site.simulator.fault("captive_portal")
    nas.login("nina", WRONG_PASSCODE)
    site.simulator.heal()
    return told[told.find("https://") :].split()[0] if "https://" in told else ""


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_nothing_that_must_not_be_seen_is_seen_after_logins_of_every_kind(watched: Watched, log_format):
    site = watched.site
    watched.start(gateway=f"log_format={log_format}", response_deadline_s=20)
    enrolment = log_in_in_every_way(site)
    assert enrolment.startswith("https://")
    watched.look_at_processes()
    for secret in (site.simulator.secret_key, SECRET, WRONG_SECRET, *TYPED, enrolment):
        assert watched.places_of(secret) == [], secret
    assert "Traceback" not in watched.text("authproxy.log")
    assert watched.text("authproxy.log").count("nina") >= 13
    assert watched.text("stdout") == ""


def test_nothing_is_seen_on_the_standard_output_either_when_the_log_goes_there(watched: Watched):
    watched.start(main="log_stdout=true")
    enrolment = log_in_in_every_way(watched.site)
    assert enrolment.startswith("https://")
    for secret in (watched.site.simulator.secret_key, SECRET, WRONG_SECRET, *TYPED, enrolment):
        assert watched.places_of(secret) == [], secret
    assert "reason=duo_allowed" in watched.text("stdout")


def test_nothing_is_seen_when_duo_does_not_take_the_secret_key(watched: Watched):
    watched.start(skey=WRONG_SKEY, failmode="secure")
    nas = watched.site.nas()
    for typed in (RIGHT_PASSCODE, DIRECTORY_PASSWORD, "push"):
        assert nas.login("nina", typed).code == 3
    watched.look_at_processes()
    for secret in (WRONG_SKEY, SECRET, *TYPED):
        assert watched.places_of(secret) == [], secret
    assert "40103" in watched.text("authproxy.log")


def test_nothing_is_seen_when_duo_speaks_its_older_api(watched: Watched):
    """There the passcode is a parameter of another name."""
    application = next(each for each in watched.site.simulator.applications if each["kind"] == "radius_v1")
    watched.start(ikey=application["ikey"], skey=application["skey"])
    log_in_in_every_way(watched.site)
    for secret in (application["skey"], SECRET, *TYPED):
        assert watched.places_of(secret) == [], secret


def test_nothing_is_seen_of_secrets_that_stand_in_files_of_their_own(watched: Watched):
    site = watched.site
    for name, secret in {"skey": site.simulator.secret_key, "shared": SECRET}.items():
        (site.folder / name).write_text(secret + "\n")
        (site.folder / name).chmod(0o600)
    files: dict[str, Any] = {"skey_file": site.folder / "skey", "radius_secret_1_file": site.folder / "shared"}
    watched.start(skey=None, radius_secret_1=None, **files)
    assert site.nas().login("nina", RIGHT_PASSCODE).is_accept
    watched.look_at_processes()
    for secret in (site.simulator.secret_key, SECRET, RIGHT_PASSCODE):
        assert watched.places_of(secret) == [], secret


def test_a_problem_in_the_file_shows_no_secret(site: Site):
    site.configure(skey="k" * 39 + "!!", failmode="sometimes", radius_ip_2="nonsense", radius_secret_2=WRONG_SECRET)
    for command in ("run", "check"):
        refused = site.radgate(command)
        assert refused.returncode == 2
        for secret in ("k" * 39, SECRET, WRONG_SECRET):
            assert secret not in refused.stdout + refused.stderr


def test_every_login_is_one_json_object_of_authevents_with_the_keys_that_parsers_expect(watched: Watched):
    site = watched.site
    watched.start()
    nas = site.nas()
    for user, typed in [("nina", RIGHT_PASSCODE), ("nina", WRONG_PASSCODE), ("nina", "push"), ("ユーザー", "")]:
        nas.login(user, typed)
    events = [json.loads(line) for line in watched.text("authevents.log").splitlines()]
    assert all(event.keys() >= FIELDS_OF_SIEM_PARSERS for event in events)
    assert [(event["username"], event["status"], event["factor"]) for event in events] == [
        ("nina", "Allow", "passcode"),
        ("nina", "Reject", "passcode"),
        ("nina", "Allow", "push"),
        ("ユーザー", "Reject", None),
    ]
    assert {event["client_ip"] for event in events} == {"127.0.0.1"}
    assert {event["hostname"] for event in events} == {socket.gethostname()}
    assert {event["server_section_ikey"] for event in events} == {site.simulator.ikey}
    assert {event["event_type"] for event in events} == {"authentication"}


def test_no_process_would_leave_its_memory_in_a_core_file(site: Site):
    site.start(gateway="console=127.0.0.1:0")
    pids = [site.gateway.process.pid, *site.gateway.worker_pids()]
    for pid in pids:
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"Max core file size +0 +0 ", limits), pid


def test_logs_are_not_for_every_user_of_the_machine(watched: Watched):
    watched.start()
    watched.site.nas().login("nina", RIGHT_PASSCODE)
    watched.stop()
    folder = watched.site.folder / "log"
    for path in (folder, *folder.iterdir()):
        assert path.stat().st_mode & 0o007 == 0, path
