import pytest

from gateway.config.problems import Severity
from gateway.config.settings import ClientSettings, Secret
from gateway.radius.reply import SignaturePosition
from tests.config.files import IKEY, SHARED_SECRET, SKEY, parse, problems_of

HEAD = f"[radius_server_duo_only]\nikey={IKEY}\nskey={SKEY}\napi_host=api-12345678.duosecurity.com\n"
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
    assert places == [SignaturePosition.FIRST, SignaturePosition(text.lower())]
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
            [("radius_secret_1", 6, WARNING, "12 bytes")],
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
            [("radius_ip_2", 8, WARNING, "10.0.0.0/24 is in radius_ip_1 already, with the same secret")],
        ),
        (
            "same_network_other_secret",
            (
                f"radius_secret_1={SHARED_SECRET}\nradius_secret_2=x{SHARED_SECRET}\n"
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
    assert [(problem.key, problem.place.line, problem.severity) for problem in problems] == [
        each[:3] for each in expected
    ]
    for problem, (*_, remedy) in zip(problems, expected, strict=True):
        assert remedy in problem.text
        assert SHARED_SECRET not in problem.text


@pytest.mark.parametrize(
    "text", ["0.0.0.0/0", "::/0", "0.0.0.0-255.255.255.255", "128.0.0.0/1", "1.0.0.0-223.255.255.255", "2000::/3"]
)
def test_a_network_that_nearly_anybody_is_in_is_a_warning(text):
    (problem,) = problems_of(f"{HEAD}radius_ip_1={text}\nradius_secret_1={SHARED_SECRET}\n")
    assert (problem.key, problem.severity) == ("radius_ip_1", WARNING)
    assert "so wide" in problem.text


@pytest.mark.parametrize("text", ["0.0.0.0", "::", "255.255.255.255", "224.0.0.0/24", "ff02::1"])
def test_an_address_that_nobody_sends_from_is_a_warning(text):
    (problem,) = problems_of(f"{HEAD}radius_ip_1={text}\nradius_secret_1={SHARED_SECRET}\n")
    assert (problem.key, problem.severity) == ("radius_ip_1", WARNING)
    assert "nobody sends" in problem.text or "anybody sends" in problem.text


@pytest.mark.parametrize("text", ["10.0.0.0/8", "100.64.0.0/10", "fd00::/16", "2001:db8::/32"])
def test_networks_that_somebody_has_are_no_warning(text):
    assert not problems_of(f"{HEAD}radius_ip_1={text}\nradius_secret_1={SHARED_SECRET}\n")


class TestWhatTemplatesWrite:
    """Files that can mean one thing only start."""

    CLIENT = f"radius_ip_1=10.0.0.1\nradius_secret_1={SHARED_SECRET}\n"

    @pytest.mark.parametrize(
        "lines",
        [
            f"radius_ip_2=\nradius_secret_2={SHARED_SECRET}\n",  # AWS's own template, for a directory with one address
            "radius_ip_2=\nradius_secret_2=\n",
            "radius_ip_2=\n",
            "radius_ip_2=\nradius_secret_2_file=\nmessage_authenticator_in_replies_2=\n",
        ],
    )
    def test_a_client_without_an_address_is_left_out(self, lines):
        settings, problems = parse(f"{HEAD}{self.CLIENT}{lines}")
        assert [client.name for client in settings.servers[0].clients] == ["radius_ip_1"]
        assert [(problem.key, problem.severity) for problem in problems] == [("radius_ip_2", WARNING)]

    def test_a_client_twice_with_one_secret_is_one(self):
        settings, problems = parse(f"{HEAD}{self.CLIENT}{self.CLIENT.replace('_1=', '_2=')}")
        assert [client.name for client in settings.servers[0].clients] == ["radius_ip_1"]
        assert [(problem.key, problem.severity) for problem in problems] == [("radius_ip_2", WARNING)]

    def test_secrets_of_main_serve_the_sections_that_have_such_a_client(self):
        """A default is no client: the second section has one directory address only."""
        secrets = f"radius_secret_1={SHARED_SECRET}\nradius_secret_2=x{SHARED_SECRET}\n"
        head = HEAD.replace("[radius_server_duo_only]\n", "")
        settings, problems = parse(
            f"[main]\n{secrets}message_authenticator_in_replies_2=first\n{head}"
            "[radius_server_duo_only]\nradius_ip_1=10.0.0.1\nradius_ip_2=10.0.0.2\n"
            "[radius_server_duo_only2]\nradius_ip_1=10.0.0.3\n"
        )
        assert not problems
        assert [len(server.clients) for server in settings.servers] == [2, 1]

    def test_a_secret_of_main_that_no_section_has_a_client_for_is_an_error(self):
        (problem,) = problems_of(f"[main]\nradius_secret_2={SHARED_SECRET}\n{HEAD}{self.CLIENT}")
        assert (problem.section, problem.key, problem.severity) == ("main", "radius_secret_2", ERROR)
        assert "write radius_ip_2=ADDRESS" in problem.text

    @pytest.mark.parametrize("empty", ["skey_file=", "skey_protected=", "skey_file=\nskey_protected="])
    def test_an_empty_other_way_to_give_a_secret_is_ignored(self, empty):
        settings, problems = parse(f"{HEAD}{empty}\n{self.CLIENT}")
        assert settings.servers[0].application.secret_key == Secret(SKEY.encode())
        assert {problem.severity for problem in problems} == {WARNING}

    def test_empty_optional_keys_have_their_default(self):
        keys = (
            "port",
            "api_timeout",
            "api_port",
            "http_proxy_host",
            "http_proxy_port",
            "interface",
            "client",
            "pw_codec",
        )
        settings, problems = parse(HEAD + self.CLIENT + "".join(f"{key}=\n" for key in keys))
        assert settings == parse(HEAD + self.CLIENT)[0]
        assert [(problem.key, problem.severity) for problem in problems] == [(key, WARNING) for key in keys]

    @pytest.mark.parametrize("key", ["failmode", "require_message_authenticator", "force_message_authenticator"])
    def test_who_gets_in_is_not_decided_by_an_empty_value(self, key):
        (problem,) = problems_of(f"{HEAD}{self.CLIENT}{key}=\n")
        assert (problem.key, problem.severity) == (key, ERROR)

    def test_an_empty_value_over_one_of_main_could_mean_either(self):
        (problem,) = problems_of(f"[main]\nport=1645\n{HEAD}{self.CLIENT}port=\n")
        assert (problem.section, problem.severity) == ("radius_server_duo_only", ERROR)

    def test_a_section_that_a_loop_wrote_twice_and_empty(self):
        (problem,) = problems_of(f"[duo_only_client]\n{HEAD}{self.CLIENT}[duo_only_client]\n")
        assert (problem.section, problem.severity) == ("duo_only_client", WARNING)


CLIENT = f"radius_ip_1=10.0.0.1\nradius_secret_1={SHARED_SECRET}\n"


class TestNextSecret:
    def test_a_client_has_two_while_it_changes_them(self):
        (client,) = clients_of(f"{CLIENT}radius_secret_1_next=another secret of it\n")
        assert (client.shared_secret, client.next_secret) == (
            Secret(SHARED_SECRET.encode()),
            Secret(b"another secret of it"),
        )

    def test_it_may_be_in_a_file(self):
        files = {"/s": b"another secret of it\n"}
        settings, problems = parse(f"{HEAD}{CLIENT}radius_secret_1_next_file=/s\n", files)
        assert not problems
        assert settings.servers[0].clients[0].next_secret == Secret(b"another secret of it")

    @pytest.mark.parametrize(
        ("lines", "key", "severity", "words"),
        [
            (f"{CLIENT}radius_secret_1_next={SHARED_SECRET}\n", "radius_secret_1_next", ERROR, "is the same as"),
            (f"{CLIENT}radius_secret_1_next=\n", "radius_secret_1_next", ERROR, "has no value"),
            (f"{CLIENT}radius_secret_1_next=XXXXXXXXXXXXXXXXXX\n", "radius_secret_1_next", ERROR, "placeholder"),
            (f"{CLIENT}radius_secret_1_next=short\n", "radius_secret_1_next", WARNING, "can be guessed"),
            (f"{CLIENT}radius_secret_2_next=another secret of it\n", "radius_secret_2_next", ERROR, "no radius_ip_2"),
            (
                "radius_ip_1=10.0.0.1\nradius_secret_1_next=another secret of it\n",
                "radius_secret_1_next",
                ERROR,
                "there is no radius_secret_1 ",
            ),
            (f"{CLIENT}radius_secret_next_1=another secret of it\n", "radius_secret_next_1", ERROR, "secret_1_next"),
        ],
    )
    def test_what_is_wrong_with_it_is_told(self, lines, key, severity, words):
        problems = problems_of(HEAD + lines)
        told = [problem for problem in problems if problem.key == key]
        assert [problem.severity for problem in told] == [severity]
        assert words in told[0].text
        assert not any(secret in problem.text for problem in problems for secret in (SHARED_SECRET, "another secret"))

    def test_that_of_main_goes_with_the_secret_of_main(self):
        main = "[main]\nradius_secret_1=the secret of all of them\nradius_secret_1_next=another secret of it\n"
        settings, problems = parse(f"{main}{HEAD}radius_ip_1=10.0.0.1\n")
        assert not problems
        assert settings.servers[0].clients[0].next_secret is not None
        settings, problems = parse(f"{main}{HEAD}{CLIENT}")
        assert settings.servers[0].clients[0].next_secret is None

    def test_one_address_in_two_clients_needs_the_same_next_secret(self):
        again = CLIENT.replace("_1=", "_2=")
        problems = problems_of(f"{HEAD}{CLIENT}{again}radius_secret_2_next=another secret of it\n")
        assert [problem.key for problem in problems if problem.severity is ERROR] == ["radius_ip_2"]
