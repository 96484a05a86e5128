"""FreeRADIUS as a proxy in front: it adds Proxy-State, and repeats what its clients repeat."""

from pathlib import Path

import pytest

from bench.processes import free_udp_port
from bench.simulator.certificates import write_private
from gateway.radius.dictionary import MESSAGE_AUTHENTICATOR, PROXY_STATE
from tests.integration.clients import SECRET
from tests.integration.clients.machines import Foreign, needs
from tests.integration.clients.nas import ACCEPTED, REJECTED, SIGNED, radclient
from tests.integration.clients.phone import Phone
from tests.integration.clients.wire import Wire

pytestmark = [pytest.mark.integration, needs("freeradius freeradius-utils", "freeradius", "radclient")]

CONFIG = """\
name = radiusd
logdir = {folder}
run_dir = {folder}
log {{
	destination = stdout
}}
security {{
	reject_delay = 0
}}
thread pool {{
	start_servers = 1
	max_servers = 1
}}
proxy_requests = yes
client nas {{
	ipaddr = 127.0.0.1
	secret = {secret}
}}
home_server gateway {{
	type = auth
	ipaddr = 127.0.0.1
	port = {gateway}
	secret = {secret}
	response_window = 30
	status_check = none
}}
home_server_pool duo {{
	home_server = gateway
}}
realm duo {{
	auth_pool = duo
	nostrip
}}
server front {{
	listen {{
		type = auth
		ipaddr = 127.0.0.1
		port = {port}
	}}
	authorize {{
		update control {{
			Proxy-To-Realm := "duo"
		}}
	}}
}}
"""


@pytest.fixture
def proxy(tmp_path: Path, wire: Wire) -> int:
    """The port of a proxy before the gateway."""
    port = free_udp_port()
    config = CONFIG.format(folder=tmp_path, port=port, gateway=wire.port, secret=SECRET)
    write_private(tmp_path / "radiusd.conf", config.encode())
    Foreign("freeradius", "-f", "-l", "stdout", "-d", str(tmp_path), "-n", "radiusd").wait_for(
        "Ready to process requests"
    )
    return port


@pytest.mark.parametrize("place", ["first", "last", "if_asked"])
def test_its_requests_are_signed_and_carry_proxy_state(proxy: int, wire: Wire, place):
    assert radclient(proxy, "alice", "123456", SIGNED).ended() == ACCEPTED
    assert radclient(proxy, "alice", "123456").ended() == ACCEPTED
    assert radclient(proxy, "alice", "999999", "Proxy-State = 0x00ff").ended() == REJECTED
    for asked, answered in zip(wire.tries(3), wire.answers(3), strict=True):
        assert MESSAGE_AUTHENTICATOR in asked.kinds
        assert asked.packet.values(PROXY_STATE) == answered.packet.values(PROXY_STATE) != []
        assert answered.kinds[-1 if place == "last" else 0] == MESSAGE_AUTHENTICATOR


def test_one_push_for_what_its_clients_repeat(proxy: int, wire: Wire, phone: Phone):
    """What a client repeats it sends again as it was; a client that begins anew is a new packet."""
    logins = [radclient(proxy, phone.owner, "push", tries=40)]
    wire.tries(2)
    logins.append(radclient(proxy, phone.owner, "push"))
    wire.wait_until(lambda: len(wire.logins) == 2)
    phone.approve()
    assert [each.ended() for each in logins] == [ACCEPTED, ACCEPTED]
    assert phone.n_pushes == 1
