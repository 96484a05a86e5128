"""Until when the certificates are valid that the gateway depends on."""

import msgspec

from gateway.config.settings import ConsoleSettings
from gateway.https.tls import Validity
from gateway.ipc.plan import application_key
from gateway.supervisor.validity import certificates
from tests.config.files import MINIMAL, parse

SETTINGS = parse(MINIMAL)[0]
(SERVER,) = SETTINGS.servers
HOST = f"{SERVER.application.api_host}:443"


def test_what_nobody_has_seen_yet_is_not_shown():
    assert certificates(SETTINGS, lambda _key: None) == []


def test_a_host_is_shown_once_with_its_root():
    seen = {application_key(SERVER.application): Validity(1.9e9, 2.5e9)}
    twice = msgspec.structs.replace(SETTINGS, servers=(SERVER, SERVER))
    assert certificates(twice, seen.get) == [
        {"certificate": "duo", "host": HOST, "valid_until": 1.9e9},
        {"certificate": "duo_root", "host": HOST, "valid_until": 2.5e9},
    ]


def test_the_consoles_own_is_shown():
    console = ConsoleSettings(host="10.0.0.5", valid_until=1.9e9)
    gateway = msgspec.structs.replace(SETTINGS.gateway, console=console)
    shown = certificates(msgspec.structs.replace(SETTINGS, gateway=gateway), lambda _key: None)
    assert shown == [{"certificate": "console", "host": "10.0.0.5:8480", "valid_until": 1.9e9}]
