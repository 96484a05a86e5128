import msgspec

from gateway.config.settings import Secret, decode_settings, encode_settings
from tests.config.files import MINIMAL, SHARED_SECRET, SKEY, parse


def test_settings_survive_the_way_to_a_worker():
    settings, _ = parse(MINIMAL + "exempt_username_1=a\nfailmode=secure\ninterface=10.0.0.1\n")
    assert decode_settings(encode_settings(settings)) == settings


def test_what_an_older_supervisor_hands_on_decides_as_the_file_does():
    """It knows no client sections, and of a server what has always stood there by these names."""
    settings, _ = parse(MINIMAL + "client=duo_only_client\nfailmode=secure\nport=1813\n[duo_only_client]\n")
    document = msgspec.msgpack.decode(encode_settings(settings))
    (server,) = document["servers"]
    assert (server["fail_mode"], server["require_message_authenticator"], server["port"]) == ("secure", "auto", 1813)
    del document["clients"], server["client"]
    handed_on = decode_settings(msgspec.msgpack.encode(document))
    assert handed_on.servers == (msgspec.structs.replace(settings.servers[0], client=None),)


def test_settings_show_no_secret():
    settings, _ = parse(MINIMAL)
    shown = repr(settings) + str(settings) + f"{Secret(SKEY.encode())}"
    assert SKEY not in shown
    assert SHARED_SECRET not in shown
