"""What a section says reaches its client, and what happens there reaches the log."""

import logging

import pytest

from gateway.config.settings import HomeServerSettings, RadiusClient, Secret, StatusServer
from gateway.engine.first_factor import Accepted, CheckFirstFactor
from gateway.engine.rules import RequireMessageAuthenticator
from gateway.firstfactor.home.clients import limits_of, open_home_client, tell_of
from gateway.firstfactor.home.server import HomeServer, Limits
from gateway.firstfactor.host_states import SILENT
from gateway.radius.shared_secret import SharedSecret
from gateway.unavailable import Trouble
from gateway.words.first_factors import ReplyDiscard
from tests.firstfactor.home.answers import ask
from tests.firstfactor.home.peer import SECRET, accept, peers
from tests.https.peer import in_loop


def section(**how) -> RadiusClient:
    return RadiusClient(section="radius_client", homes=(), **how)


def test_defaults_are_those_of_the_keys():
    assert limits_of(section(), 1) == Limits()


def test_workers_share_what_may_be_out():
    assert limits_of(section(), 3).max_in_flight == 67
    assert limits_of(section(max_in_flight=1), 3).max_in_flight == 1


@pytest.mark.parametrize(
    ("rule", "probes", "returns"), [("auto", True, True), ("yes", True, False), ("no", False, True)]
)
def test_what_tells_that_a_home_server_is_back(rule, probes, returns):
    limits = limits_of(section(status_server=StatusServer(rule)), 1)
    assert (limits.probes, limits.returns_untested) == (probes, returns)


@pytest.mark.parametrize(
    ("rule", "requires", "learns"), [("auto", False, True), ("yes", True, False), ("no", False, False)]
)
def test_which_replies_are_believed(rule, requires, learns):
    limits = limits_of(section(force_message_authenticator=RequireMessageAuthenticator(rule)), 1)
    assert (limits.requires_signature, limits.learns_signature) == (requires, learns)


@in_loop
async def test_a_client_asks_the_home_servers_of_its_section() -> None:
    with peers(accept) as (peer,):
        home = HomeServerSettings(host=peer.home.host, port=peer.home.port, shared_secret=Secret(SECRET))
        client = open_home_client(RadiusClient(section="radius_client", homes=(home,), nas_ip="10.9.8.7"), 1)
        try:
            assert isinstance(await ask(client, CheckFirstFactor(b"alice", b"x")), Accepted)
            assert peer.packets[0].value(4) == bytes([10, 9, 8, 7])
        finally:
            client.close()


def test_silence_is_a_warning_and_its_end_is_told(caplog):
    caplog.set_level(logging.INFO)
    server = HomeServer(0, "10.0.0.5:1812", SharedSecret(b"x"))
    other = HomeServer(1, "10.0.0.6:1812", SharedSecret(b"x"))
    tell = tell_of("radius_client2", [server, other])
    server.move(SILENT)
    server.is_told = True
    tell(server)
    server.is_told = False
    tell(server)
    assert [(record.levelname, record.fields) for record in caplog.records] == [
        (level, {"client": "radius_client2", "host": "10.0.0.5:1812"}) for level in ("WARNING", "INFO")
    ]
    assert "does not answer; until it does" in caplog.messages[0]


@pytest.mark.parametrize(
    ("is_other_told", "text"),
    [
        (False, "until it does, the others are asked first"),
        (True, "as far as is known no other does, so logins are rejected until one answers"),
    ],
)
def test_of_a_closed_port_it_says_so_and_whether_another_answers(caplog, is_other_told, text):
    server, other = (HomeServer(n, f"10.0.0.{n}:1812", SharedSecret(b"x")) for n in (5, 6))
    server.failed(1.0, Trouble.CONNECT)
    server.is_told, other.is_told = True, is_other_told
    tell_of("radius_client", [server, other])(server)
    why = "nothing listens at its port, or there is no way there"
    assert caplog.messages == [f"Home server 10.0.0.5:1812 does not answer ({why}); {text}"]


def test_of_one_that_is_not_believed_it_says_why(caplog):
    server = HomeServer(5, "10.0.0.5:1812", SharedSecret(b"x"))
    server.failed(1.0, Trouble.BAD_ANSWER)
    server.doubted = ReplyDiscard.PROXY_STATE
    server.is_told = True
    tell_of("radius_client", [server])(server)
    why = "its reply is not believed: it has a Proxy-State, of which none was sent"
    assert caplog.messages[0].startswith(f"Home server 10.0.0.5:1812 does not answer ({why}); ")
