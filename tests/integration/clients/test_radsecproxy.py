"""radsecproxy in front: what its clients sent goes on as they sent it, signed or not, from one address."""

from pathlib import Path

import pytest

from bench.processes import free_udp_port
from gateway.radius.dictionary import MESSAGE_AUTHENTICATOR, PROXY_STATE
from tests.integration.clients import SECRET
from tests.integration.clients.machines import Foreign, needs
from tests.integration.clients.nas import ACCEPTED, REJECTED, SIGNED, radclient
from tests.integration.clients.phone import Phone
from tests.integration.clients.wire import Wire

pytestmark = [pytest.mark.integration, needs("radsecproxy freeradius-utils", "radsecproxy", "radclient")]

CONFIG = """\
ListenUDP 127.0.0.1:{port}
client 127.0.0.1 {{
	type udp
	secret {secret}
}}
server gateway {{
	type udp
	host 127.0.0.1
	port {gateway}
	secret {secret}
	RetryCount 5
	RetryInterval 1
}}
realm * {{
	server gateway
}}
"""


@pytest.fixture
def proxy(tmp_path: Path, wire: Wire) -> int:
    """The port of a proxy before the gateway."""
    port, config = free_udp_port(), tmp_path / "radsecproxy.conf"
    config.write_text(CONFIG.format(port=port, gateway=wire.port, secret=SECRET))
    Foreign("radsecproxy", "-f", "-d", "4", "-c", str(config)).wait_for("listening for udp")
    return port


def test_clients_that_sign_and_clients_that_do_not_are_served(proxy: int, wire: Wire):
    assert radclient(proxy, "alice", "123456", SIGNED).ended() == ACCEPTED
    assert radclient(proxy, "alice", "123456").ended() == ACCEPTED
    assert radclient(proxy, "alice", "999999").ended() == REJECTED
    assert [MESSAGE_AUTHENTICATOR in each.kinds for each in wire.logins] == [True, False, False]
    assert not any(PROXY_STATE in each.kinds for each in wire.requests)
    assert len({each.client for each in wire.requests}) == 1


def test_one_push_for_what_the_proxy_and_its_clients_repeat(proxy: int, wire: Wire, phone: Phone):
    """The proxy sends the same again, each second; a client that begins anew is a new packet of the proxy's."""
    logins = [radclient(proxy, phone.owner, "push")]
    wire.tries(2)
    logins.append(radclient(proxy, phone.owner, "push", SIGNED))
    wire.wait_until(lambda: len(wire.logins) == 2)
    phone.approve()
    assert [each.ended() for each in logins] == [ACCEPTED, ACCEPTED]
    assert phone.n_pushes == 1
