import pytest

from gateway.config.problems import Severity
from gateway.config.settings import ClientSettings, Secret
from gateway.radius.reply import SignaturePlace
from tests.config.files import IKEY, SHARED_SECRET, SKEY, parse, problems_of

HEAD = f"[radius_server_duo_only]\nikey={IKEY}\nskey={SKEY}\napi_host=api-1.duosecurity.com\n"
ERROR, WARNING = Severity.ERROR, Severity.WARNING


def clients_of(lines: str) -> tuple[ClientSettings, ...]:
    settings, problems = parse(HEAD + lines)
    assert not problems
    return settings.servers[0].clients


def test_addresses_and_secrets_are_paired_by_number():
    first, second = clients_of(
        "radius_secret_7=secret number seven\nradius_ip_1=10.0.0.1\n"
        "radius_ip_7=fd00::/64\nradius_secret_1=secret number one\n"
    )
    assert first == ClientSettings(
        name="radius_ip_7", networks=("fd00::/64",), shared_secret=Secret(b"secret number seven")
    )
    assert second == ClientSettings(
        name="radius_ip_1", networks=("10.0.0.1/32",), shared_secret=Secret(b"secret number one")
    )


def test_range_becomes_networks():
    (client,) = clients_of(f"radius_ip_1=10.0.0.1 - 10.0.0.3\nradius_secret_1={SHARED_SECRET}\n")
    assert client.networks == ("10.0.0.1/32", "10.0.0.2/31")


def test_networks_within_each_other_may_differ_in_secret():
    around = f"radius_ip_1=10.0.0.0/8\nradius_secret_1={SHARED_SECRET}\n"
    within = f"radius_ip_2=10.0.0.1\nradius_secret_2=x{SHARED_SECRET}\n"
    assert len(clients_of(around + within)) == 2


@pytest.mark.parametrize("text", ["first", "last", "if_asked", "IF_ASKED"])
def test_where_the_replies_to_one_client_are_signed(text):
    lines = f"radius_ip_1=10.0.0.1\nradius_secret_1={SHARED_SECRET}\n"
    others = lines.replace("_1=", "_2=").replace("10.0.0.1", "10.0.0.2")
    settings, problems = parse(f"{HEAD}{lines}{others}message_authenticator_in_replies_2={text}\n")
    places = [client.message_authenticator_in_replies for client in settings.servers[0].clients]
    assert places == [SignaturePlace.FIRST, SignaturePlace(text.lower())]
    assert [problem.key for problem in problems] == ["message_authenticator_in_replies_2"] * (text != "first")
    assert all("CVE-2024-3596" in problem.text for problem in problems)


@pytest.mark.parametrize(
    ("address", "n_warnings"), [("127.0.0.1", 0), ("::1", 0), ("127.0.0.0/8", 0), ("127.0.0.1/1", 1), ("10.0.0.1", 1)]
)
def test_nobody_stands_between_us_and_a_client_on_this_machine(address, n_warnings):
    lines = f"radius_ip_1={address}\nradius_secret_1={SHARED_SECRET}\nmessage_authenticator_in_replies_1=last\n"
    _, problems = parse(HEAD + lines)
    assert sum("CVE-2024-3596" in problem.text for problem in problems) == n_warnings


def test_client_of_main_serves_every_section():
    settings, problems = parse(f"[main]\nradius_ip_1=10.0.0.1\nradius_secret_1={SHARED_SECRET}\n{HEAD}")
    assert not problems
    assert [client.name for client in settings.servers[0].clients] == ["radius_ip_1"]


@pytest.mark.parametrize(
    ("name", "lines", "expected"),
    [
        ("none", "", [("radius_ip_1", 1, ERROR, "write radius_ip_1=")]),
        ("no_secret", "radius_ip_1=10.0.0.1", [("radius_ip_1", 5, ERROR, "write radius_secret_1=")]),
        ("no_address", f"radius_secret_2={SHARED_SECRET}", [("radius_secret_2", 5, ERROR, "write radius_ip_2=")]),
        (
            "numbers_differ",
            f"radius_ip_1=10.0.0.1\nradius_secret_2={SHARED_SECRET}",
            [("radius_ip_1", 5, ERROR, "radius_secret_1"), ("radius_secret_2", 6, ERROR, "radius_ip_2")],
        ),
        (
            "no_numbers",
            f"radius_ip=10.0.0.1\nradius_secret={SHARED_SECRET}",
            [
                ("radius_ip", 5, ERROR, "write radius_ip_1"),
                ("radius_secret", 6, ERROR, "write radius_secret_1"),
            ],
        ),
        (
            "empty_secret",
            "radius_ip_1=10.0.0.1\nradius_secret_1=",
            [("radius_secret_1", 6, ERROR, "radius_secret_1_file")],
        ),
        ("empty_address", f"radius_ip_1=\nradius_secret_1={SHARED_SECRET}", [("radius_ip_1", 5, ERROR, "no value")]),
        (
            "host_name",
            f"radius_ip_1=dc.example.com\nradius_secret_1={SHARED_SECRET}",
            [("radius_ip_1", 5, ERROR, "names are not resolved")],
        ),
        (
            "host_bits",
            f"radius_ip_1=10.0.0.7/24\nradius_secret_1={SHARED_SECRET}",
            [("radius_ip_1", 5, WARNING, "inside 10.0.0.0/24")],
        ),
        (
            "short_secret",
            "radius_ip_1=10.0.0.1\nradius_secret_1=twelve chars",
            [("radius_secret_1", 6, WARNING, "12 octets")],
        ),
        (
            "signature_of_nobody",
            f"radius_ip_1=10.0.0.1\nradius_secret_1={SHARED_SECRET}\nmessage_authenticator_in_replies_2=first",
            [("message_authenticator_in_replies_2", 7, ERROR, "write radius_ip_2=")],
        ),
        (
            "signature_anywhere",
            f"radius_ip_1=10.0.0.1\nradius_secret_1={SHARED_SECRET}\nmessage_authenticator_in_replies_1=never",
            [("message_authenticator_in_replies_1", 7, ERROR, "first, last or if_asked")],
        ),
        (
            "signature_of_all",
            f"radius_ip_1=10.0.0.1\nradius_secret_1={SHARED_SECRET}\nmessage_authenticator_in_replies=first",
            [("message_authenticator_in_replies", 7, ERROR, "write message_authenticator_in_replies_1")],
        ),
        (
            "same_network",
            (
                f"radius_secret_1={SHARED_SECRET}\nradius_secret_2={SHARED_SECRET}\n"
                "radius_ip_1=10.0.0.0/24\nradius_ip_2=10.0.0.0-10.0.0.255"
            ),
            [("radius_ip_2", 8, ERROR, "10.0.0.0/24 is in radius_ip_1 already")],
        ),
        (
            "protected",
            "radius_ip_1=10.0.0.1\nradius_secret_protected_1=AQAAANCMnd8B",
            [("radius_secret_protected_1", 6, ERROR, "radius_secret_1=SECRET in clear, or radius_secret_1_file=PATH")],
        ),
        (
            "quoted_secret",
            f'radius_ip_1=10.0.0.1\nradius_secret_1="{SHARED_SECRET}"',
            [("radius_secret_1", 6, WARNING, "quotation marks")],
        ),
        (
            "commented_secret",
            f"radius_ip_1=10.0.0.1\nradius_secret_1={SHARED_SECRET} # first directory",
            [("radius_secret_1", 6, WARNING, "line of their own")],
        ),
    ],
)
def test_faulty_clients(name, lines, expected):
    problems = problems_of(HEAD + lines)
    assert [(problem.key, problem.line, problem.severity) for problem in problems] == [each[:3] for each in expected]
    for problem, (*_, remedy) in zip(problems, expected, strict=True):
        assert remedy in problem.text
        assert SHARED_SECRET not in problem.text
