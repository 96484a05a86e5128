"""strongSwan with eap-radius: XAuth (IKEv1) and EAP-GTC (IKEv2), both with xauth-radius behind them.

Calling-Station-Id is the address and port of the user's machine: 203.0.113.9[4500].
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.processes import SimulatorProcess
from gateway.radius.dictionary import ACCESS_ACCEPT, ACCESS_REJECT, CALLING_STATION_ID, MESSAGE_AUTHENTICATOR
from tests.integration.clients import SECRET
from tests.integration.clients.machines import Foreign, Machine, needs, needs_machines
from tests.integration.clients.phone import Phone, addresses_told
from tests.integration.clients.wire import Wire

pytestmark = [
    pytest.mark.integration,
    needs(
        "strongswan-charon strongswan-swanctl libcharon-extauth-plugins libcharon-extra-plugins",
        *("lib/ipsec/charon", "swanctl", "lib/ipsec/plugins/libstrongswan-eap-radius.so"),
        *("lib/ipsec/plugins/libstrongswan-xauth-generic.so", "lib/ipsec/plugins/libstrongswan-eap-gtc.so"),
    ),
    needs_machines,
]

CHARON = """\
charon {{
	load = random nonce md5 sha1 sha2 aes hmac kdf gmp kernel-netlink socket-default vici eap-identity eap-gtc {plugins}
	install_routes = no
	filelog {{
		stderr {{
			default = 1
			flush_line = yes
		}}
	}}
	plugins {{
		eap-gtc {{
			backend = radius
		}}
		eap-radius {{
			servers {{
				duo {{
					address = 127.0.0.1
					secret = {secret}
					sockets = 4
					retransmit_timeout = 0.5
				}}
			}}
		}}
	}}
}}
"""
SERVER = """\
connections {
	ikev1 {
		version = 1
		proposals = aes128-sha256-modp2048
		local {
			auth = psk
		}
		remote-1 {
			auth = psk
		}
		remote-2 {
			auth = xauth-radius
		}
	}
	ikev2 {
		version = 2
		proposals = aes128-sha256-modp2048
		local {
			auth = psk
		}
		remote {
			auth = eap-gtc
			eap_id = %any
		}
	}
}
secrets {
	ike {
		secret = "a key that all of them have"
	}
}
"""
CLIENT = """\
connections {
	ikev1 {
		version = 1
		proposals = aes128-sha256-modp2048
		remote_addrs = SERVER
		local-1 {
			auth = psk
		}
		local-2 {
			auth = xauth
			xauth_id = USER
		}
		remote {
			auth = psk
		}
	}
	ikev2 {
		version = 2
		proposals = aes128-sha256-modp2048
		remote_addrs = SERVER
		local {
			auth = eap-gtc
			eap_id = USER
		}
		remote {
			auth = psk
		}
	}
}
secrets {
	ike {
		secret = "a key that all of them have"
	}
	eap {
		id = USER
		secret = "PASSWORD"
	}
}
"""


class Charon:
    """strongSwan on a machine, with its connections; it has said that it is ready."""

    def __init__(self, machine: Machine, folder: Path, connections: str, plugins: str) -> None:
        folder.mkdir()
        self._machine = machine
        self._connections = folder / "swanctl.conf"
        settings = folder / "strongswan.conf"
        settings.write_text(CHARON.format(plugins=plugins, secret=SECRET))
        daemon = str(next(Path("/usr/lib").glob("ipsec/charon")))
        Foreign(*machine.within("env", f"STRONGSWAN_CONF={settings}", daemon)).wait_for("spawning")
        self.load(connections)

    def load(self, connections: str) -> None:
        """Have these connections from now on."""
        self._connections.write_text(connections)
        assert self._swanctl("--load-all", "--file", str(self._connections)).ended() == 0

    def connect(self, connection: str) -> Foreign:
        """Start to log in; it ends with 0 as soon as that has worked."""
        return self._swanctl("--initiate", "--ike", connection)

    def _swanctl(self, *arguments: str) -> Foreign:
        return Foreign(*self._machine.within("swanctl", *arguments))


class Laptop:
    """The machine of somebody who logs in, at ADDRESS.9 of a network in which the server is ADDRESS.1."""

    def __init__(self, server: Machine, machine: Machine, folder: Path, network: str) -> None:
        machine.plug_into(server, f"{network}.9/24", f"{network}.1/24")
        self.address = f"{network}.9"
        self._client = CLIENT.replace("SERVER", f"{network}.1")
        self.charon = Charon(machine, folder, "", "xauth-generic")

    def log_in(self, connection: str, user: str, password: str) -> Foreign:
        """Type this."""
        self.charon.load(self._client.replace("USER", user).replace("PASSWORD", password))
        return self.charon.connect(connection)


@pytest.fixture
def plug_in(machine: Machine, tmp_path: Path) -> Iterator[Callable[[str], Laptop]]:
    """Return what makes a laptop in a network, before a server that asks the gateway."""
    with ExitStack() as stack:

        def plug_in(network: str) -> Laptop:
            return Laptop(machine, stack.enter_context(Machine()), tmp_path / network, network)

        Charon(machine, tmp_path / "server", SERVER, "eap-radius")
        yield plug_in


@pytest.mark.parametrize("connection", ["ikev1", "ikev2"])
def test_a_login_from_another_machine_is_no_repetition(
    simulator: SimulatorProcess, plug_in: Callable[[str], Laptop], wire_within: Wire, phone: Phone, connection
):
    """Both type the same name and `push`; each is asked for by itself, and what is sent again of each is not."""
    laptops = [plug_in("203.0.113"), plug_in("198.51.100")]
    logins = [laptop.log_in(connection, phone.owner, "push") for laptop in laptops]
    wire_within.wait_until(lambda: min(tries_of(wire_within, laptop) for laptop in laptops) >= 2)
    phone.approve(2)
    assert [login.ended() for login in logins] == [0, 0]
    assert phone.n_pushes == 2
    assert addresses_told(simulator) == {laptop.address for laptop in laptops}


def tries_of(wire: Wire, laptop: Laptop) -> int:
    """How many requests were there for this laptop?"""
    station = f"{laptop.address}[".encode()
    return sum((each.packet.value(CALLING_STATION_ID) or b"").startswith(station) for each in wire.requests)


@pytest.mark.parametrize("connection", ["ikev1", "ikev2"])
def test_a_right_passcode_lets_in_and_a_wrong_one_does_not(
    plug_in: Callable[[str], Laptop], wire_within: Wire, connection
):
    laptop = plug_in("203.0.113")
    assert laptop.log_in(connection, "alice", "999999").ended() != 0
    assert laptop.log_in(connection, "alice", "123456").ended() == 0
    assert wire_within.codes == [ACCESS_REJECT, ACCESS_ACCEPT]
    assert all(MESSAGE_AUTHENTICATOR in each.kinds for each in wire_within.requests)
