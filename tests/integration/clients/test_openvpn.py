"""OpenVPN with openvpn-auth-radius: a new port and Request Authenticator for each try, no signature, and accounting."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.simulator.certificates import certificates_in
from gateway.radius.dictionary import ACCESS_ACCEPT, ACCESS_REJECT, ACCESS_REQUEST, ACCOUNTING_RESPONSE
from tests.firstfactor.home.freeradius import SECRET as HOME_SECRET
from tests.firstfactor.home.freeradius import home_server, needs_freeradius
from tests.integration.clients import SECRET
from tests.integration.clients.machines import Foreign, Machine, needs, needs_machines, udp_socket
from tests.integration.clients.phone import Phone
from tests.integration.clients.wire import Wire
from tests.integration.site import Site

pytestmark = [
    pytest.mark.integration,
    needs("openvpn openvpn-auth-radius", "openvpn", "lib/openvpn/radiusplugin.so"),
    needs_machines,
]

ACCT_STATUS_TYPE, START, STOP = 40, bytes((0, 0, 0, 1)), bytes((0, 0, 0, 2))  # RFC 2866 section 5.1
PLUGIN = """\
NAS-Identifier=OpenVpn
Service-Type=5
Framed-Protocol=1
NAS-Port-Type=5
NAS-IP-Address=127.0.0.1
OpenVPNConfig={folder}/server.conf
overwriteccfiles=false
server
{{
	acctport=1812
	authport=1812
	name=127.0.0.1
	retry=8
	wait=1
	sharedsecret={secret}
}}
"""
SERVER = """\
dev tun9
proto tcp-server
local 127.0.0.1
port 1194
mode server
tls-server
ca {ca}
cert {certificate}
key {key}
dh none
verify-client-cert none
username-as-common-name
topology subnet
server 10.77.0.0 255.255.255.0
status {folder}/status.log 5
status-version 1
plugin {plugin} {folder}/radius.cnf
"""


class Vpn:
    """A VPN server, and those who log in to it, on one machine."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        folder.mkdir()
        self._machine = machine
        self._folder = folder
        self._pki = certificates_in(folder)
        (folder / "radius.cnf").write_text(PLUGIN.format(folder=folder, secret=SECRET))
        (folder / "server.conf").write_text(
            SERVER.format(
                folder=folder,
                ca=self._pki.ca_file,
                certificate=self._pki.certificate_file,
                key=self._pki.key_file,
                plugin=next(Path("/usr/lib").glob("openvpn/radiusplugin.so")),
            )
        )
        server = Foreign(*machine.within("openvpn", "--config", str(folder / "server.conf")))
        server.wait_for("Initialization Sequence Completed")

    def log_in(self, user: str, password: str) -> Foreign:
        """Start a client."""
        credentials = self._folder / "client"
        credentials.write_text(f"{user}\n{password}\n")
        return Foreign(
            *self._machine.within("openvpn", "--dev", "null", "--proto", "tcp-client"),
            *("--remote", "127.0.0.1", "1194", "--client", "--ca", str(self._pki.ca_file)),
            *("--auth-user-pass", str(credentials), "--ifconfig-noexec", "--route-noexec", "--auth-retry", "none"),
        )


@pytest.fixture
def vpn(machine: Machine, tmp_path: Path) -> Vpn:
    return Vpn(machine, tmp_path / "vpn")


def test_one_push_for_all_tries_and_the_newest_is_answered(vpn: Vpn, wire_within: Wire, phone: Phone):
    client = vpn.log_in(phone.owner, "push")
    tries = wire_within.tries(3)
    phone.approve()
    client.wait_for("Initialization Sequence Completed")
    assert phone.n_pushes == 1
    assert len({each.client for each in tries}) == len({each.packet.authenticator for each in tries}) == 3
    newest = [each for each in wire_within.requests if each.code == ACCESS_REQUEST][-1]
    assert (wire_within.replies[0].code, wire_within.replies[0].client) == (ACCESS_ACCEPT, newest.client)


def test_a_user_comes_stays_and_goes(vpn: Vpn, wire_within: Wire):
    """Without an answer to its Accounting-Requests the plugin throws the user out again."""
    client = vpn.log_in("alice", "123456")
    client.wait_for("Initialization Sequence Completed")
    assert wire_within.codes == [ACCESS_ACCEPT, ACCOUNTING_RESPONSE]
    client.stop()
    wire_within.wait_until(
        lambda: {START, STOP} <= {each.packet.value(ACCT_STATUS_TYPE) for each in wire_within.requests}
    )


def test_a_wrong_passcode_does_not_let_in(vpn: Vpn, wire_within: Wire):
    vpn.log_in("alice", "999999").wait_for("AUTH_FAILED")
    assert wire_within.codes == [ACCESS_REJECT]


class BothSides(NamedTuple):
    """What goes by between the plugin and a gateway of its own, and between that and FreeRADIUS."""

    nas: Wire
    home: Wire


@pytest.fixture
def both_sides(site: Site, machine: Machine, tmp_path: Path) -> Iterator[BothSides]:
    folder = tmp_path / "home"
    folder.mkdir()
    with home_server(folder) as port, Wire(udp_socket(), "127.0.0.1", port) as home:
        site.start(
            section="radius_server_auto",
            client="radius_client",
            clients=f"[radius_client]\nhost=127.0.0.1\nport={home.port}\nsecret={HOME_SECRET.decode()}",
            radius_secret_1=SECRET,
            accounting="acknowledge",
        )
        with Wire(machine.listen(1812), "127.0.0.1", site.port) as nas:
            yield BothSides(nas, home)


@needs_freeradius
class TestPasswordFirst:
    """The plugin shows one field for the password, and passes on what is typed there: auto takes a factor behind it."""

    def test_a_right_password_is_asked_about_once_and_pushed_once_for_all_tries(
        self, vpn: Vpn, both_sides: BothSides, phone: Phone
    ):
        client = vpn.log_in(phone.owner, "correct horse")
        assert len({each.packet.authenticator for each in both_sides.nas.tries(3)}) == 3
        phone.approve()
        client.wait_for("Initialization Sequence Completed")
        assert (len(both_sides.home.logins), phone.n_pushes) == (1, 1)

    def test_a_passcode_behind_the_password_needs_no_phone(self, vpn: Vpn, both_sides: BothSides, phone: Phone):
        vpn.log_in(phone.owner, "correct horse,123456").wait_for("Initialization Sequence Completed")
        assert both_sides.home.codes == [ACCESS_ACCEPT]
        assert phone.n_pushes == 0

    @pytest.mark.parametrize("typed", ["wrong", "wrong,123456"])
    def test_a_wrong_password_never_reaches_duo(self, vpn: Vpn, both_sides: BothSides, site: Site, typed: str):
        vpn.log_in("kim", typed).wait_for("AUTH_FAILED")
        assert (both_sides.nas.codes, both_sides.home.codes) == ([ACCESS_REJECT], [ACCESS_REJECT])
        assert not [call for call in site.simulator.get("/api/calls") if call["username"]]
        assert {line.fields["reason"] for line in site.log_lines()} == {"first_factor_rejected"}
