"""What status and metrics say of a home server that stops answering, and of one that is back."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.radius.dictionary import Code
from gateway.radius.packet import decode_packet
from gateway.radius.reply import encode_reply
from gateway.radius.shared_secret import SharedSecret
from tests.cli.test_json import documented, paths
from tests.integration.site import Site
from tests.integration.test_console import ANY_PORT, get, status_of, until, url_of

pytestmark = pytest.mark.integration

SECRET = b"theHomeServersSecret"
STOP = b"stop"


class Home:
    """A home server that accepts everybody, from `open` to `close`."""

    def __init__(self) -> None:
        self.port = 0
        self.open()

    def open(self) -> None:
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        self.port = self._udp.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, args=(self._udp,))
        self._thread.start()

    def close(self) -> None:
        if not self._thread.is_alive():
            return
        self._udp.sendto(STOP, self._udp.getsockname())
        self._thread.join()
        self._udp.close()

    def _serve(self, udp: socket.socket) -> None:
        while True:
            datagram, source = udp.recvfrom(4096)
            if datagram == STOP:
                return
            udp.sendto(encode_reply(Code.ACCESS_ACCEPT, decode_packet(datagram), SharedSecret(SECRET)), source)


@pytest.fixture
def homes() -> Iterator[list[Home]]:
    homes = [Home() for _ in range(2)]
    yield homes
    for home in homes:
        home.close()


def first_factor(site: Site) -> dict[str, Any]:
    """Return what the status says of the first factor."""
    shown: dict[str, Any]
    (shown,) = status_of(site)["clients"]
    return shown


def first_factor_of(site: Site, state: str) -> dict[str, Any]:
    """Return the same, once it has this state."""
    until(lambda: first_factor(site)["state"] == state)
    return first_factor(site)


def up(site: Site, home: Home) -> str:
    """Return the metric that says whether a home server is up."""
    label = f'{{client="radius_client",host="127.0.0.1:{home.port}"}} '
    page = get(url_of(site.gateway) + "metrics")
    return page.partition("radgate_first_factor_up" + label)[2][:1]


def test_a_home_server_that_goes_is_down_until_it_is_back(site: Site, homes: list[Home]):
    first, second = homes
    section = f"[radius_client]\nhost=127.0.0.1\nport={first.port}\nsecret={SECRET.decode()}"
    section += f"\nhost_2=127.0.0.1\nport_2={second.port}"
    site.start(section="radius_server_auto", client="radius_client", clients=section, gateway=ANY_PORT)
    nas = site.nas()
    first_factor_of(site, "unasked")
    assert nas.login("alice", "right").is_accept
    hosts = first_factor_of(site, "up")["hosts"]
    assert [(host["state"], host["questions"], host["errors"]) for host in hosts] == [("up", 1, 0), ("unasked", 0, 0)]
    first.close()
    assert nas.login("alice", "right").is_accept  # the other one says so
    client = first_factor_of(site, "degraded")
    assert [host["outcomes"] for host in client["hosts"]] == [{"accepted": 1, "connect": 1}, {"accepted": 1}]
    until(lambda: (up(site, first), up(site, second)) == ("0", "1"))
    shown = {path for path in paths(status_of(site), documented("status")) if ".clients" in f".{path}"}
    assert shown <= documented("status").keys()
    text = site.radgate("status").stdout
    assert f"HOST OF [radius_client] DOWN: 127.0.0.1:{first.port}: nothing listens at its port" in text
    first.open()
    until(
        lambda: nas.login("alice", "right").is_accept and first_factor(site)["state"] == "up"
    )  # asked last for a second
    until(lambda: up(site, first) == "1")
