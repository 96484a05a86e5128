from gateway.config.settings import Secret, decode_settings, encode_settings
from tests.config.files import MINIMAL, SHARED_SECRET, SKEY, parse


def test_settings_survive_the_way_to_a_worker():
    settings, _ = parse(MINIMAL + "exempt_username_1=a\nfailmode=secure\ninterface=10.0.0.1\n")
    assert decode_settings(encode_settings(settings)) == settings


def test_settings_show_no_secret():
    settings, _ = parse(MINIMAL)
    shown = repr(settings) + str(settings) + f"{Secret(SKEY.encode())}"
    assert SKEY not in shown
    assert SHARED_SECRET not in shown
