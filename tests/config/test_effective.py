"""What holds for each section: its own keys, [main]'s, the defaults; and no secret."""

from gateway.config.effective import Effective, Origin, effective_keys
from tests.config.files import MINIMAL, SHARED_SECRET, SKEY, parse

SERVER = "radius_server_duo_only"


def shown(text: str) -> list[Effective]:
    settings, _ = parse(text)
    return list(effective_keys([text.encode()], settings))


def found(text: str, key: str, section: str = SERVER) -> list[tuple[str, Origin]]:
    return [(each.value, each.origin) for each in shown(text) if (each.section, each.key) == (section, key)]


def test_a_key_is_the_sections_own_or_mains_or_the_default():
    assert found(MINIMAL, "failmode") == [("safe", Origin.DEFAULT)]
    assert found(MINIMAL + "[main]\nfailmode=secure\n", "failmode") == [("secure", Origin.MAIN)]
    assert found(MINIMAL + "failmode=safe\n[main]\nfailmode=secure\n", "failmode") == [("safe", Origin.FILE)]


def test_an_empty_value_means_the_default():
    assert found(MINIMAL + "port=\n", "port") == [("1812", Origin.DEFAULT)]


def test_sections_that_are_not_written_hold_too():
    assert found(MINIMAL, "workers", "gateway") == [("auto", Origin.DEFAULT)]
    assert found(MINIMAL, "log_dir", "main") == [("/var/log/radgate", Origin.DEFAULT)]


def test_no_secret_is_shown():
    assert found(MINIMAL, "skey") == [("*****[40]", Origin.FILE)]
    assert not any(secret in each.value for each in shown(MINIMAL) for secret in (SKEY, SHARED_SECRET))


def test_keys_with_numbers_are_all_shown_and_mains_where_the_section_has_none():
    text = MINIMAL + "exempt_username_7=a\n[main]\nexempt_username_8=b\n"
    keys = [each.key for each in shown(text) if each.key.startswith("exempt")]
    assert keys == ["exempt_username_8", "exempt_username_7"]


def test_a_secret_of_the_section_takes_the_place_of_mains_however_it_is_given():
    text = MINIMAL + "[main]\nskey_file=/nowhere\n"
    assert found(text, "skey_file") == []


def test_what_main_says_of_ports_is_not_for_directories_and_a_client_that_nobody_names_has_nothing_that_holds():
    account = "service_account_username=reader\nservice_account_password=qx7-Blue-Harbor-19\n"
    directories = f"[ad_client]\nhost=dc1\nsearch_dn=DC=a\n{account}[ad_client2]\nhost=dc2\n"
    text = f"[main]\nport=1815\ntimeout=7\n{MINIMAL.replace('duo_only', 'auto')}client=ad_client\n{directories}"
    assert found(text, "port", "radius_server_auto") == [("1815", Origin.MAIN)]
    assert found(text, "port", "ad_client") == []
    assert found(text, "timeout", "ad_client") == [("7", Origin.MAIN)]
    assert found(text, "transport", "ad_client") == [("clear", Origin.DEFAULT)]
    assert found(text, "service_account_password", "ad_client") == [("*****[18]", Origin.FILE)]
    assert found(text, "host", "ad_client2") == []


def test_the_only_client_section_holds_where_none_is_named():
    text = MINIMAL.replace(SERVER, "radius_server_auto") + "[duo_only_client]\n"
    assert found(text, "client", "radius_server_auto") == [("duo_only_client", Origin.DEFAULT)]


def test_what_has_no_effect_is_not_shown_and_a_number_is_no_secret():
    text = MINIMAL.replace(SERVER, "radius_server_auto") + "client=duo_only_client\ndelimited_password_length=8\n"
    assert found(text, "delimited_password_length", "radius_server_auto") == [("8", Origin.FILE)]
    assert not found(text, "unrecognised_factor", "radius_server_auto")
