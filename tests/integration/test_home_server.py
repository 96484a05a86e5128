"""A first factor on real sockets: FreeRADIUS is the home server, and Duo is asked for the second factor after it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gateway.radius.attributes import AttributeKind, encode
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import EAP_MESSAGE, Code
from gateway.radius.hidden import Hop, reveal_salted
from gateway.radius.shared_secret import SharedSecret
from tests.firstfactor.home.freeradius import SECRET as HOME_SECRET
from tests.firstfactor.home.freeradius import home_server, needs_freeradius
from tests.integration.clients.machines import Foreign, needs
from tests.integration.shared import SharedSite
from tests.integration.site import SECRET, Nas, Site
from tests.integration.test_console import status_of
from tests.integration.test_modes import replace_worker, state_of

pytestmark = [pytest.mark.integration, needs_freeradius]

AUTO = {"section": "radius_server_auto", "client": "radius_client"}
SECTIONS = [
    *[AUTO] * 7,
    AUTO | {"pass_through_attr_names": "Class"},
    AUTO | {"failmode": "safe", "pass_through_all": "true", "api_timeout": 1},
    AUTO | {"exempt_username_1": "Alice", "pass_through_all": "true"},
    AUTO | {"section": "radius_server_challenge", "pass_through_all": "true"},
]

CLASS = 25
MS_CHAP_CHALLENGE = bytes.fromhex("5b5d7c7d7b3f2f3e3c2c602132262628")
MS_CHAP2_RESPONSE = bytes.fromhex(
    "0000 21402324255e262a28295f2b3a337c7e 0000000000000000 82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df"
)
MS_CHAP = encode(AttributeKind(311, 11), MS_CHAP_CHALLENGE) + encode(AttributeKind(311, 25), MS_CHAP2_RESPONSE)
SEND_KEY = bytes.fromhex("8b7cdc149b993a1ba118cb153f56dccb")
SEALED, OLD_HASH = bytes(n * n % 251 for n in range(516)), bytes(range(16))
CHANGE = (
    encode(AttributeKind(311, 11), MS_CHAP_CHALLENGE)
    + encode(AttributeKind(311, 27), b"\x07\x07" + OLD_HASH + MS_CHAP2_RESPONSE[2:] + bytes(2))
    + b"".join(encode(AttributeKind(311, 6), bytes((6, 7, 0, n + 1)) + SEALED[172 * n :][:172]) for n in range(3))
)


class Home(NamedTuple):
    """A running home server, and the folder with its certificates."""

    port: int
    folder: Path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("home")
    with home_server(folder) as port:
        yield Home(port, folder)


@pytest.fixture
def port(home: Home) -> int:
    return home.port


def known(site: Site, user: str, **more: Any) -> None:
    """Let Duo know a user of the home server's, who approves at once unless more says otherwise."""
    (alice,) = [each for each in site.simulator.get("/api/users") if each["username"] == "alice"]
    site.simulator.post("/api/users", {**alice, "username": user, **more})


def start(site: Site, mode: str, port: int, **keys) -> Nas:
    home = f"[radius_client]\nhost=127.0.0.1\nport={port}\nretries=1\nretry_wait=0.5\nsecret={HOME_SECRET.decode()}"
    site.start(section=f"radius_server_{mode}", client="radius_client", clients=home, **keys)
    return site.nas()


def n_duo_calls(site: Site) -> int:
    """How many calls of logins have reached Duo."""
    return sum(bool(call["username"]) for call in site.simulator.get("/api/calls"))


def test_a_right_password_is_pushed_and_a_wrong_one_never_reaches_duo(shared: SharedSite, port: int):
    nas = start(shared, "auto", port, pass_through_attr_names="Class")
    accept = nas.login("alice", "correct horse")
    assert accept.is_accept
    assert accept.packet.value(CLASS) == bytes.fromhex("01020304")
    assert accept.message.startswith("Hello\n")
    n_calls = n_duo_calls(shared)
    reject = nas.login("alice", "wrong")
    assert (reject.code, reject.message) == (Code.ACCESS_REJECT, "Login failed.")
    assert n_duo_calls(shared) == n_calls
    lines = shared.log_lines()
    assert [line.fields["reason"] for line in lines] == ["duo_allowed", "first_factor_rejected"]
    for line in lines:
        assert 0 <= int(line.fields["first_factor_ms"]) <= int(line.fields["duration_ms"])


def test_with_duo_away_a_right_password_lets_in_and_a_wrong_one_does_not(shared: SharedSite, port: int):
    nas = start(shared, "auto", port, failmode="safe", pass_through_all="true", api_timeout=1)
    shared.simulator.fault("refuse")
    assert nas.login("alice", "correct horse").packet.value(CLASS) == bytes.fromhex("01020304")
    assert nas.login("alice", "wrong").code == Code.ACCESS_REJECT
    assert [line.fields["reason"] for line in shared.log_lines()] == ["failmode_safe", "first_factor_rejected"]


def test_an_exempt_user_needs_the_first_factor_all_the_same(shared: SharedSite, port: int):
    nas = start(shared, "auto", port, exempt_username_1="Alice", pass_through_all="true")
    assert nas.login("EXAMPLE\\alice", "correct horse").code == Code.ACCESS_REJECT  # whom the home server does not know
    assert nas.login("alice", "wrong").code == Code.ACCESS_REJECT
    assert nas.login("alice", "correct horse").packet.value(CLASS) == bytes.fromhex("01020304")
    assert n_duo_calls(shared) == 0
    reasons = [line.fields["reason"] for line in shared.log_lines()]
    assert reasons == ["first_factor_rejected", "first_factor_rejected", "exempt"]


def test_the_home_server_asks_for_more_and_the_answer_goes_to_it(shared: SharedSite, port: int):
    nas = start(shared, "auto", port)
    known(shared, "token")
    asked = nas.login("token", "anything")
    assert asked.message == "Enter the code of your token"
    assert nas.login("token", "654321", state_of(asked)).is_accept
    reasons = [line.fields["reason"] for line in shared.log_lines()]
    assert reasons == ["challenged", "duo_allowed"]


def test_what_the_home_server_said_waits_for_the_answer_to_a_menu(shared: SharedSite, port: int):
    nas = start(shared, "challenge", port, pass_through_all="true")
    menu = nas.login("alice", "correct horse")
    assert menu.packet.value(CLASS) is None
    accept = nas.login("alice", "1", state_of(menu))
    assert accept.is_accept
    assert accept.packet.value(CLASS) == bytes.fromhex("01020304")


def test_ms_chap_gets_its_keys_hidden_with_the_secret_of_the_nas(shared: SharedSite, port: int):
    nas = start(shared, "auto", port)
    known(shared, "User")
    octets = nas.send_credentials(b"User", MS_CHAP)
    accept = nas.receive()
    assert accept.is_accept
    assert b"S=407A5589115FD0D6209F510FE9C04566932CDA56" in accept.packet.octets
    hidden = accept.packet.vendor_value(311, 16)
    assert hidden is not None
    assert reveal_salted(hidden, Hop(SharedSecret(SECRET.encode()), octets[4:20])) == SEND_KEY


def test_an_eap_start_is_the_home_servers_to_answer(shared: SharedSite, port: int):
    nas = start(shared, "auto", port)
    nas.send_credentials(b"alice", bytes((EAP_MESSAGE, 2)))
    asked = nas.receive()
    assert asked.code == Code.ACCESS_CHALLENGE
    request = asked.packet.value(EAP_MESSAGE) or b""
    assert (request[0], request[4]) == (1, 1)  # a Request for the Identity (RFC 3748 section 5.1)
    identity = encode_attribute(EAP_MESSAGE, bytes((2, request[1], 0, 10, 1)) + b"alice")
    nas.send_credentials(b"alice", identity + state_of(asked))
    assert nas.receive().code == Code.ACCESS_CHALLENGE


def test_a_home_server_that_is_gone_lets_nobody_in(site: Site):
    nas = start(site, "auto", 1, failmode="safe")
    assert nas.login("alice", "correct horse").code == Code.ACCESS_REJECT
    (server,) = status_of(site)["servers"]  # to wait for it was no share of the gateway's
    assert server["gateway_ms"]["p99"] < server["latency_ms"]["p99"] / 2
    (line,) = site.log_lines()
    assert line.fields["reason"] == "first_factor_unreachable"


class TestPasswordChange:
    """MS-CHAP2-CPW (RFC 2759 section 7): a new password is sealed with the old one, and with no shared secret."""

    def expired(self, site: Site, home: Home, answer: str) -> Nas:
        """Let a login fail because its password has expired."""
        (home.folder / "changes").unlink(missing_ok=True)
        nas = start(site, "auto", home.port)
        known(site, "expired", answer=answer)
        nas.send_credentials(b"expired", MS_CHAP)
        assert (nas.receive().packet.vendor_value(311, 2) or b"").startswith(b"\0E=648 R=0 C=")
        assert n_duo_calls(site) == 0
        return nas

    def changes(self, home: Home) -> list[str]:
        """What the directory was told."""
        return [line for line in (home.folder / "changes").read_text().splitlines() if "lm" not in line]

    def test_the_new_password_is_changed_and_duo_is_asked_once_after_it(self, shared: SharedSite, home: Home):
        nas = self.expired(shared, home, "approve")
        request = nas.send_credentials(b"expired", CHANGE)
        accept = nas.receive()
        assert accept.is_accept
        assert (accept.packet.vendor_value(311, 26) or b"").startswith(b"\x07S=")
        assert reveal_salted(
            accept.packet.vendor_value(311, 16) or b"", Hop(SharedSecret(SECRET.encode()), request[4:20])
        )
        nas.send_octets(request)
        assert nas.receive().packet.octets == accept.packet.octets
        assert self.changes(home) == [
            "username: expired",
            f"new-nt-password-blob: {SEALED.hex()}",
            f"old-nt-hash-blob: {OLD_HASH.hex()}",
        ]
        assert shared.simulator.get("/api/counts")["users"]["expired"]["push"] == 1

    def test_it_stays_changed_where_duo_says_no(self, shared: SharedSite, home: Home):
        nas = self.expired(shared, home, "deny")
        nas.send_credentials(b"expired", CHANGE)
        reject = nas.receive()
        assert (reject.packet.vendor_value(311, 2) or b"").startswith(b"\x07E=691 R=0 C=")
        assert len(self.changes(home)) == 3
        assert shared.log_lines()[-1].fields["reason"] == "duo_denied"


SUPPLICANT = """\
network={{
	key_mgmt=WPA-EAP
	eap=TTLS
	identity="{inner}"
	anonymous_identity="{outer}"
	password="{password}"
	ca_cert="{ca}"
	phase2="auth=PAP"
}}
"""


@needs("eapoltest", "eapol_test")
class TestEap:
    """A supplicant that others wrote, whose conversation with FreeRADIUS goes through the gateway."""

    def supplicant(
        self, site: Site, home: Path, password: str = "correct horse", inner: str = "alice", outer: str = "alice"
    ) -> tuple[int, str]:
        """Return the exit status of `eapol_test`, and what it said."""
        config = site.folder / "supplicant.conf"
        config.write_text(SUPPLICANT.format(password=password, ca=home / "ca.pem", inner=inner, outer=outer))
        program = Foreign(
            *("eapol_test", "-c", str(config), "-a", "127.0.0.1", "-p", str(site.port)),
            *("-s", SECRET, "-t", "20"),
        )
        status = program.ended()
        return status, program.output

    def test_a_right_password_and_an_approved_push_give_both_sides_the_same_keys(self, shared: SharedSite, home: Home):
        start(shared, "auto", home.port)
        status, said = self.supplicant(shared, home.folder, "correct horse")
        assert "MPPE keys OK: 1  mismatch: 0" in said
        assert status == 0
        (line,) = shared.log_lines()  # of all rounds together
        assert line.fields["reason"] == "duo_allowed"

    def test_a_denied_push_is_a_failure_in_eaps_own_words(self, shared: SharedSite, home: Home):
        start(shared, "auto", home.port)
        known(shared, "alice", answer="deny")
        status, said = self.supplicant(shared, home.folder, "correct horse")
        assert "CTRL-EVENT-EAP-FAILURE" in said
        assert status != 0
        assert shared.log_lines()[-1].fields["reason"] == "duo_denied"

    def test_one_users_password_and_anothers_phone_let_nobody_in(self, shared: SharedSite, home: Home):
        start(shared, "auto", home.port)
        known(shared, "mallory")
        status, said = self.supplicant(shared, home.folder, inner="lee", outer="mallory")
        assert "CTRL-EVENT-EAP-FAILURE" in said
        assert status != 0
        assert shared.log_lines()[-1].fields["reason"] == "user_differs"
        assert n_duo_calls(shared) == 0

    def test_nobody_is_exempt_by_a_name_outside_the_tunnel(self, shared: SharedSite, home: Home):
        """FreeRADIUS says the outer name in its accept, where nothing else says another."""
        start(shared, "auto", home.port, exempt_username_1="Alice", pass_through_all="true")
        known(shared, "alice", answer="deny")
        status, said = self.supplicant(shared, home.folder, inner="kim")
        assert "CTRL-EVENT-EAP-FAILURE" in said
        assert status != 0
        assert shared.log_lines()[-1].fields["reason"] == "duo_denied"


@pytest.mark.parametrize("how", ["reload", "kill"])
def test_what_it_has_said_outlives_a_worker_between_menu_and_answer(site: Site, port: int, how: str):
    nas = start(site, "challenge", port, pass_through_attr_names="Class")
    menu = nas.login("alice", "correct horse")
    replace_worker(site, how)
    accept = nas.login("alice", "1", state_of(menu))
    assert (accept.code, accept.packet.value(CLASS)) == (Code.ACCESS_ACCEPT, bytes.fromhex("01020304"))
    assert accept.message.startswith("Hello\n")


@pytest.mark.parametrize("how", ["reload", "kill"])
def test_and_while_a_push_waits(site: Site, port: int, how: str):
    nas = start(site, "auto", port, pass_through_attr_names="Class")
    phone = {"device": "D1", "capabilities": ["auto", "push"]}
    site.simulator.post("/api/users", {"username": "alice", "devices": [phone], "answer": "person"})
    request = nas.send("alice", "correct horse")
    site.simulator.until(auth_status=1)  # so the worker knows the push by its name
    replace_worker(site, how)
    nas.send_octets(request)
    assert nas.login("alice", "wrong").code == Code.ACCESS_REJECT  # the worker that reads now has read it
    site.simulator.post("/api/pending", {"decision": "approve"})
    accept = nas.receive()
    assert (accept.code, accept.packet.value(CLASS)) == (Code.ACCESS_ACCEPT, bytes.fromhex("01020304"))
    assert site.simulator.get("/api/counts")["users"]["alice"]["push"] == 1
