"""pam_radius, as sshd and sudo use it: unsigned, the same packet again while it waits, and the address in PAM_RHOST."""

import sys
from pathlib import Path

import pytest

from bench.processes import SimulatorProcess
from tests.integration.clients import SECRET
from tests.integration.clients.machines import Foreign, needs
from tests.integration.clients.phone import Phone, addresses_told
from tests.integration.clients.wire import Wire
from tests.integration.site import Site

pytestmark = [pytest.mark.integration, needs("libpam-radius-auth", "lib/*/security/pam_radius_auth.so")]

SUCCESS, REFUSED = 0, 7  # PAM_SUCCESS, PAM_AUTH_ERR
PAM_LOGIN = str(Path(__file__).with_name("pam_login.py"))


@pytest.fixture
def host(tmp_path: Path, wire: Wire) -> "Host":
    return Host(tmp_path, wire.port)


class Host:
    """A machine that asks the gateway who may log in."""

    def __init__(self, folder: Path, port: int) -> None:
        server, service = folder / "server", folder / "gate"
        server.write_text(f"127.0.0.1:{port} {SECRET} 3\n")  # a try lasts 3 s at least
        service.write_text(f"auth required pam_radius_auth.so conf={server} retry=3\n")
        self._command = (sys.executable, PAM_LOGIN, str(folder), service.name)

    def log_in(self, user: str, *typed: str) -> Foreign:
        """Log in from 203.0.113.9, and type these at the prompts."""
        return Foreign(*self._command, user, "203.0.113.9", typed="".join(f"{line}\n" for line in typed))


@pytest.mark.parametrize("place", ["first", "last", "if_asked"])
def test_a_right_passcode_lets_in_and_a_wrong_one_does_not(host: Host, simulator: SimulatorProcess, place):
    assert host.log_in("alice", "123456").ended() == SUCCESS
    assert host.log_in("alice", "999999").ended() == REFUSED
    assert addresses_told(simulator) == {"203.0.113.9"}


def test_one_push_for_all_tries(host: Host, wire: Wire, phone: Phone):
    login = host.log_in(phone.owner, "push")
    first, again = wire.tries(2)
    assert (first.client, first.packet.octets) == (again.client, again.packet.octets)
    phone.approve()
    assert login.ended() == SUCCESS
    assert phone.n_pushes == 1


@pytest.mark.parametrize(("answer", "status"), [("1", SUCCESS), ("123456", SUCCESS), ("99", REFUSED)])
def test_a_menu_is_shown_and_its_answer_is_taken(tmp_path: Path, site: Site, answer: str, status: int):
    site.start(
        section="radius_server_challenge",
        client="duo_only_client",
        clients="[duo_only_client]",
        radius_secret_1=SECRET,
    )
    assert Host(tmp_path, site.port).log_in("alice", "a password", answer).ended() == status
