"""The keys of the status page: nobody from outside sees it by mistake."""

import pytest

from gateway.config.problems import Severity
from gateway.config.settings import ConsoleSettings, MetricsForm
from tests.config.certificates import certificate
from tests.config.files import MINIMAL, parse, problems_of

CHAIN, KEY = certificate()
FILES = {
    "/etc/radgate/token": b"0123456789abcdef\n",
    "/etc/radgate/short": b"0123456789abcde\n",
    "/etc/radgate/spaced": b"a token with blanks in it\n",
    "/etc/radgate/unseen": "0123456789\u200babcdef\n".encode(),
    "/etc/radgate/crt": CHAIN,
    "/etc/radgate/key": KEY,
    "/etc/radgate/other.key": certificate()[1],
    "/etc/radgate/empty": b"\n",
}
OPEN = "console=0.0.0.0:8480\nconsole_token_file=token\nconsole_tls_cert_file=crt\nconsole_tls_key_file=key\n"


def console(lines: str) -> ConsoleSettings | None:
    settings, problems = parse(f"[gateway]\n{lines}{MINIMAL}", FILES)
    assert not problems
    return settings.gateway.console


def test_it_is_on_loopback_unless_the_file_says_otherwise():
    assert console("") == ConsoleSettings(host="127.0.0.1", port=8480)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1:0", "127.0.0.1", 0), ("[::1]:0", "::1", 0), ("LocalHost:80", "localhost", 80)],
)
def test_where_it_can_be(text, host, port):
    found = console(f"console={text}\n")
    assert found is not None
    assert (found.host, found.port) == (host, port)


@pytest.mark.parametrize("word", ["off", "OFF"])
def test_it_can_be_off(word):
    assert console(f"console={word}\n") is None


def test_metrics_are_full_unless_the_file_wants_them_brief():
    assert ConsoleSettings().metrics is MetricsForm.FULL
    assert console("metrics=brief\n") == ConsoleSettings(metrics=MetricsForm.BRIEF)


def test_token_and_certificate_arrive_and_are_never_shown():
    found = console(OPEN)
    assert found is not None
    assert found.token is not None
    assert found.certificate is not None
    assert found.token.octets == b"0123456789abcdef"
    assert CHAIN.strip() in found.certificate.octets
    assert KEY.strip() in found.certificate.octets
    assert "0123456789" not in repr(found)
    assert "KEY" not in repr(found)


def test_outside_loopback_a_token_without_encryption_is_warned_of():
    (problem,) = problems_of(f"[gateway]\nconsole=0.0.0.0:8480\nconsole_token_file=token\n{MINIMAL}", FILES)
    assert (problem.key, problem.severity) == ("console", Severity.WARNING)
    assert "console_tls_cert_file=PATH" in problem.text


@pytest.mark.parametrize(
    ("lines", "key", "remedy"),
    [
        ("console=0.0.0.0:8480", "console_token_file", "console=off"),
        ("console=[::]:8480", "console_token_file", "console=off"),
        ("console=10.0.0.5", "console", "127.0.0.1:8480"),
        ("console=radius.example.com:8480", "console", "one of this machine's"),
        ("console=127.0.0.1:99999", "console", "65535"),
        ("metrics=short", "metrics", "brief"),
        ("console_token_file=short", "console_token_file", "openssl rand -hex 32"),
        ("console_token_file=spaced", "console_token_file", "without blanks"),
        ("console_token_file=unseen", "console_token_file", "U+200B ZERO WIDTH SPACE"),
        ("console_token_file=empty", "console_token_file", "write the token into it"),
        ("console_tls_cert_file=crt", "console_tls_key_file", "console_tls_key_file=PATH"),
        ("console_tls_key_file=key", "console_tls_cert_file", "console_tls_cert_file=PATH"),
        ("console_tls_cert_file=crt\nconsole_tls_key_file=other.key", "console_tls_key_file", "does not belong"),
        ("console_tls_cert_file=key\nconsole_tls_key_file=key", "console_tls_cert_file", "holds no certificate"),
        ("console_tls_cert_file=crt\nconsole_tls_key_file=crt", "console_tls_key_file", "holds no private key"),
        ("console_tls_cert_file=crt\nconsole_tls_key_file=gone", "console_tls_key_file", "names no file in"),
        ("console_tls_cert_file=empty\nconsole_tls_key_file=key", "console_tls_cert_file", "is empty"),
    ],
)
def test_what_is_wrong_is_said_with_its_remedy(lines, key, remedy):
    (problem,) = problems_of(f"[gateway]\n{lines}\n{MINIMAL}", FILES)
    assert (problem.section, problem.key, problem.severity) == ("gateway", key, Severity.ERROR)
    assert remedy in problem.text
    assert "0123456789" not in problem.text


def test_a_key_that_everybody_can_read_is_warned_of():
    keys = [problem.key for problem in problems_of(f"[gateway]\n{OPEN}{MINIMAL}", FILES, mode=0o644)]
    assert keys.count("console_tls_key_file") == 1
    assert keys.count("console_token_file") == 1
    assert "console_tls_cert_file" not in keys
