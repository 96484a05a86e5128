from collections.abc import Callable
from typing import Any

import pytest

from gateway.config import values
from gateway.config.values import BadValueError, HostPort
from gateway.engine.rules import FailMode, RequireMessageAuthenticator


def refusal(parse: Callable[[str], Any], text: str) -> str:
    with pytest.raises(BadValueError) as caught:
        parse(text)
    return str(caught.value)


@pytest.mark.parametrize("text", ["true", "1", "yes", "on", "TRUE", "Yes"])
def test_words_for_true(text):
    assert values.boolean(text) is True


@pytest.mark.parametrize("text", ["false", "0", "no", "off", "FALSE", "Off"])
def test_words_for_false(text):
    assert values.boolean(text) is False


@pytest.mark.parametrize("text", ["", "2", "enabled", "tru"])
def test_other_words_are_no_truth(text):
    assert "write true or false" in refusal(values.boolean, text)


def test_choice_ignores_letter_case_and_names_all_words():
    parse = values.choice(FailMode)
    assert parse("SECURE") is FailMode.SECURE
    assert refusal(parse, "saef") == "'saef' is not known; write safe or secure"


@pytest.mark.parametrize(
    ("text", "rule"),
    [("yes", "yes"), ("true", "yes"), ("No", "no"), ("0", "no"), ("AUTO", "auto")],
)
def test_message_authenticator_rule(text, rule):
    assert values.message_authenticator_rule(text) is RequireMessageAuthenticator(rule)


def test_message_authenticator_rule_names_its_words():
    assert "yes, no or auto" in refusal(values.message_authenticator_rule, "always")


def test_port_range():
    assert [values.port("1"), values.port("65535")] == [1, 65535]
    for text in ("0", "65536", "-1", "radius", "1812/udp", "", "9" * 5000, "１８１２"):
        assert "from 1 to 65535" in refusal(values.port, text)


def test_seconds_may_have_a_fraction_but_no_unit():
    parse = values.seconds(60)
    assert [parse("0"), parse("1.5"), parse("60")] == [0.0, 1.5, 60.0]
    for text in ("61", "-1", "5s", "nan", "inf", "1e1", "1_0", ".5"):
        assert "from 0 to 60, without a unit" in refusal(parse, text)


def test_workers():
    assert values.workers("auto") == 0
    assert values.workers("8") == 8
    assert "from 1 to 1024, or auto" in refusal(values.workers, "0")


def test_log_size_with_a_unit_is_refused_with_the_octets_to_write():
    assert values.log_size("10485760") == 10_485_760
    assert values.log_size("0") == 0
    for text in ("10MB", "10 m", "10MiB"):
        assert "write bytes: 10485760" in refusal(values.log_size, text)


def test_syslog_facility():
    assert values.facility("LOG_LOCAL0") == values.facility("local0") == "LOG_LOCAL0"
    assert "LOG_USER" in refusal(values.facility, "LOG_MINE")


def test_a_dash_of_a_word_processor_in_a_range_is_named():
    assert "U+2014 EM DASH" in refusal(values.networks, "10.0.0.1\u201410.0.0.9")


def test_codec_must_be_one_of_text():
    assert values.codec("UTF-8") == "utf-8"
    assert values.codec("cp1252") == "cp1252"
    for text in ("utf-88", "hex", "rot13", "aliases", "undefined"):
        assert "character set" in refusal(values.codec, text)
    assert "U+200B" in refusal(values.codec, "utf-8\u200b")  # which Python passes over


def test_integration_key_has_twenty_characters():
    assert values.integration_key("DI" + "X" * 18) == "DI" + "X" * 18
    assert "this one has 19" in refusal(values.integration_key, "DI" + "X" * 17)
    assert "letters and digits" in refusal(values.integration_key, "DI" + "X" * 17 + "-")


def test_skey_in_place_of_the_ikey_is_guessed_but_not_shown():
    text = refusal(values.integration_key, "s" * 40)
    assert "may be the skey" in text
    assert "sss" not in text


@pytest.mark.parametrize(("text", "shown"), [("10.0.0.5", "10.0.0.5"), ("FD00:0::5", "fd00::5"), ("::", "::")])
def test_address_in_its_usual_form(text, shown):
    assert values.address(text) == shown


@pytest.mark.parametrize("text", ["eth0", "10.0.0.256", "10.0.0.0/24", "localhost"])
def test_interface_is_an_address(text):
    assert "is not an address" in refusal(values.address, text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("API-1.DuoSecurity.com", HostPort("api-1.duosecurity.com", None)),
        ("127.0.0.1:8443", HostPort("127.0.0.1", 8443)),
        ("localhost:8443", HostPort("localhost", 8443)),
        ("duo_simulator:443", HostPort("duo_simulator", 443)),
        ("::1", HostPort("::1", None)),
        ("[::1]", HostPort("::1", None)),
        ("[::1]:8443", HostPort("::1", 8443)),
    ],
)
def test_host_and_port(text, found):
    assert values.host_port(text) == found


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("https://api-1.duosecurity.com", "remove https://"),
        ("HTTPS://api-1.duosecurity.com/", "remove HTTPS://"),
        ("api-1.duosecurity.com/auth/v2", "without /"),
        ("api-1.duosecurity.com:https", "from 1 to 65535"),
        ("api-1.duosecurity.com:", "from 1 to 65535"),
        ("api 1.duosecurity.com", "not a host name"),
        ("-api.duosecurity.com", "not a host name"),
        ("api..duosecurity.com", "not a host name"),
        ('"api-1.duosecurity.com"', "not a host name"),
        ("10.0.0.300", "from 0 to 255"),
        ("1:2:3", "not an IPv6 address"),
        ("[10.0.0.1]:443", "not an IPv6 address"),
        ("", "not a host name"),
        ("a" * 300, "not a host name"),
    ],
)
def test_what_is_no_host(text, remedy):
    assert remedy in refusal(values.host_port, text)


def test_host_without_port():
    assert values.host("Proxy.example.com") == "proxy.example.com"
    assert "has a port" in refusal(values.host, "proxy.example.com:3128")


def test_listening_address():
    assert values.listening_address("127.0.0.1:8480") == ("127.0.0.1", 8480)
    assert values.listening_address("[::1]:8480") == ("::1", 8480)
    assert values.listening_address("localhost:0") == ("localhost", 0)
    assert values.listening_address("OFF") is None
    assert "127.0.0.1:8480" in refusal(values.listening_address, "127.0.0.1")


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("a.b", False)],
)
def test_loopback(host, is_loopback):
    assert values.is_loopback(host) is is_loopback


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("10.0.0.1", ["10.0.0.1/32"]),
        ("fd00::1", ["fd00::1/128"]),
        ("10.1.1.0/24", ["10.1.1.0/24"]),
        ("10.1.1.0/255.255.255.0", ["10.1.1.0/24"]),
        ("10.1.1.7/24", ["10.1.1.0/24"]),
        ("10.0.0.1-10.0.0.2", ["10.0.0.1/32", "10.0.0.2/32"]),
        ("10.0.0.0 - 10.0.0.255", ["10.0.0.0/24"]),
        ("10.0.0.5-10.0.0.5", ["10.0.0.5/32"]),
        ("fd00::-fd00::ffff", ["fd00::/112"]),
        ("0.0.0.0/0", ["0.0.0.0/0"]),
    ],
)
def test_networks(text, networks):
    assert list(map(str, values.networks(text))) == networks


@pytest.mark.parametrize(
    "text",
    [
        "dc1.example.com",
        "dc-1.example.com",
        "10.0.0.300",
        "10.0.0.0/33",
        "10.0.0.9-10.0.0.1",
        "10.0.0.1-fd00::1",
        "10.0.0.1-",
        "-",
        "10.0.0.1,10.0.0.2",
        "10.0.0.1 10.0.0.2",
        "",
        "5",
    ],
)
def test_what_is_no_network(text):
    assert "10.0.0.1-10.0.0.9" in refusal(values.networks, text)


def test_secret_in_place_of_an_address_is_not_shown():
    assert "'10.0.0.300'" in refusal(values.networks, "10.0.0.300")
    assert "hunter2" not in refusal(values.networks, "hunter2")


def test_ipv4_in_ipv6_form_would_never_match():
    assert "write it as IPv4" in refusal(values.networks, "::ffff:10.0.0.1")


def test_host_bits():
    assert values.has_host_bits("10.0.0.1/24")
    assert not any(map(values.has_host_bits, ["10.0.0.0/24", "10.0.0.1", "10.0.0.1/32", "10.0.0.1-10.0.0.2"]))


def test_value_is_shown_only_if_nothing_else_can_be_in_it():
    assert values.quoted("saef") == "'saef'"
    assert values.quoted("10.0.0.1radius_secret_1=abc") == "the value"
    assert values.quoted("a\x1b[31m") == "the value"
    assert values.quoted("x" * 100) == "the value"
