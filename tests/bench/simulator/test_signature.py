"""Signatures, against vectors that Duo published and others computed from the rules."""

import base64
from email.utils import formatdate

import pytest

from bench.simulator.cloud import CallRefused
from bench.simulator.signature import Application, SignedRequest, canonical_parameters, sign, verify

# Duo's documentation, "Generate an Authorization header".
IKEY = "DIWJ8X6AEYOR5OMC6TQ1"
SKEY = "Zh5eGmUq9zpfQnyUIu5OL9iWoMMv5ZNmk3zLJ4Ep"
DOCUMENTED = SignedRequest(
    method="POST",
    host="api-XXXXXXXX.duosecurity.com",
    path="/accounts/v1/account/list",
    parameters=[("realname", "First Last"), ("username", "root")],
    date="Tue, 21 Aug 2012 17:29:18 -0000",
    authorization="Basic RElXSjhYNkFFWU9SNU9NQzZUUTE6MmQ5N2Q2MTY2MzE5NzgxYjVhM2EwN2FmMzlkMzY2ZjQ5MTIzNGVkYw==",
)
SIGNED_AT = 1345570158.0
SHA1 = "2d97d6166319781b5a3a07af39d366f491234edc"
SHA512 = (
    "1bffb8924348f7db7da9e7d7d749ded93aafd02d8e904960da7b96c575102201"
    "85a64a2827ee8f24ac5d30802a9ee97e59de44b304b18242f0d596d15a8122af"
)
APPLICATIONS = {IKEY: Application(IKEY, SKEY)}


def authorization(signature: str, ikey: str = IKEY) -> str:
    return "Basic " + base64.b64encode(f"{ikey}:{signature}".encode()).decode()


@pytest.mark.parametrize(("digest", "signature"), [("sha1", SHA1), ("sha512", SHA512)])
def test_documented_example_is_signed_as_published(digest: str, signature: str) -> None:
    assert sign(DOCUMENTED, SKEY, digest) == signature


@pytest.mark.parametrize("header", [DOCUMENTED.authorization, authorization(SHA512)])
def test_documented_example_is_accepted(header: str) -> None:
    assert verify(DOCUMENTED._replace(authorization=header), APPLICATIONS, SIGNED_AT).ikey == IKEY


def test_port_and_letter_case_of_the_host_are_not_signed() -> None:
    request = DOCUMENTED._replace(host="API-xxxxxxxx.DuoSecurity.com:8443")
    assert verify(request, APPLICATIONS, SIGNED_AT).ikey == IKEY


@pytest.mark.parametrize("signed_host", ["::1", "[::1]"])
def test_ipv6_host_with_and_without_brackets(signed_host: str) -> None:
    signature = sign(DOCUMENTED._replace(host=signed_host), SKEY, "sha512")
    request = DOCUMENTED._replace(host="[::1]:8443", authorization=authorization(signature))
    assert verify(request, APPLICATIONS, SIGNED_AT).ikey == IKEY


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        ([], ""),
        ([("realname", "First Last"), ("username", "root")], "realname=First%20Last&username=root"),
        ([("foo_bar", "2"), ("foo", "1")], "foo=1&foo_bar=2"),
        ([("a", "2"), ("a", "1")], "a=1&a=2"),
        ([("username", "josé müller+test@example.com")], "username=jos%C3%A9%20m%C3%BCller%2Btest%40example.com"),
        (
            [("p", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")],
            "p=%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E_%60%7B%7C%7D~",
        ),
        ([("w", "\t\n\x0b\x0c\r ")], "w=%09%0A%0B%0C%0D%20"),
    ],
)
def test_canonical_parameters(parameters: list[tuple[str, str]], line: str) -> None:
    assert canonical_parameters(parameters) == line


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (DOCUMENTED._replace(authorization=""), 40101),
        (DOCUMENTED._replace(authorization="Bearer abc"), 40101),
        (DOCUMENTED._replace(authorization="Basic ***"), 40101),
        (DOCUMENTED._replace(authorization="Basic bm9jb2xvbg=="), 40101),
        (DOCUMENTED._replace(authorization=authorization(SHA1, "DIOTHER")), 40102),
        (DOCUMENTED._replace(authorization=authorization("0" * 40)), 40103),
        (DOCUMENTED._replace(authorization=authorization("0" * 128)), 40103),
        (DOCUMENTED._replace(authorization=authorization("short")), 40103),
        (DOCUMENTED._replace(authorization=authorization(SHA1.upper())), 40103),
        (DOCUMENTED._replace(path="/accounts/v1/account/create"), 40103),
        (DOCUMENTED._replace(parameters=[("username", "root")]), 40103),
        (DOCUMENTED._replace(date=""), 40104),
        (DOCUMENTED._replace(date="yesterday"), 40104),
        (DOCUMENTED._replace(date="Tue, 21 Aug 2012 17:29:19 -0000"), 40103),
        (DOCUMENTED._replace(date=formatdate(SIGNED_AT + 301)), 40105),
        (DOCUMENTED._replace(date=formatdate(SIGNED_AT - 301)), 40105),
    ],
)
def test_refusals(request_: SignedRequest, code: int) -> None:
    with pytest.raises(CallRefused) as refusal:
        verify(request_, APPLICATIONS, SIGNED_AT)
    assert refusal.value.code == code


@pytest.mark.parametrize("drift_s", [-300, 300])
def test_clock_may_be_five_minutes_off(drift_s: int) -> None:
    assert verify(DOCUMENTED, APPLICATIONS, SIGNED_AT + drift_s).ikey == IKEY
