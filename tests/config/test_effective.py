"""What holds for each section: its own keys, [main]'s, the defaults; and no secret."""

from gateway.config.effective import Effective, Origin, effective_keys
from tests.config.files import MINIMAL, SHARED_SECRET, SKEY, parse

SERVER = "radius_server_duo_only"


def shown(text: str) -> list[Effective]:
    settings, problems = parse(text)
    return list(effective_keys([text.encode()], settings, problems))


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
