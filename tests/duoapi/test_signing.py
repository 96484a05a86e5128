"""Signatures against Duo's published vectors and those computed with Duo's own client."""

import hashlib
import hmac
import json
import sys
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest

from gateway.duoapi.signing import Params, Signer, encode_params, percent_encode, quickest_base64

FILE = Path(__file__).parents[1] / "vectors" / "duo-signatures.json"
VECTORS = [
    vector
    for vector in json.loads(FILE.read_text(encoding="utf-8"))["vectors"]
    if vector["signature_version"] == 2  # 5 is not spoken here
]

SKEY = "deadbeef" * 5
HOST = "API-TEST0001.duosecurity.com"
DATE = "Tue, 04 Mar 2025 10:15:30 -0000"
PUSHINFO = "from=Amazon%20WorkSpaces&domain=example.com"
USER = "josé müller+test@example.com"
TXID = "45f7c92b-f45f-4862-8545-e0f58e78075a"
PUSH = {"username": "jdoe", "factor": "push", "device": "auto", "async": "1", "pushinfo": PUSHINFO}

# method, path, parameters, start of v2 SHA-1, start of v2 SHA-512
GATEWAY_CALLS = {
    "E1": ("GET", "/auth/v2/ping", {}, "0332b6f883ee14e0", "da48c01c5eef5b59"),
    "E2": ("GET", "/auth/v2/check", {}, "d595175f614466e0", "a6cfdeee26c0cd41"),
    "E3": (
        "POST",
        "/auth/v2/preauth",
        {"username": "jdoe", "ipaddr": "203.0.113.7"},
        "0b81fc5158fd5926",
        "7393fb6274fd59ce",
    ),
    "E4": (
        "POST",
        "/auth/v2/auth",
        PUSH,
        "31c7224ee9f3774b",
        "badb58a832986f4a",
    ),
    "E5": (
        "POST",
        "/auth/v2/auth",
        {"username": USER, "factor": "passcode", "passcode": "123456"},
        "75d9f8d32f1c28bb",
        "2e83a22984f866d9",
    ),
    "E6": (
        "GET",
        "/auth/v2/auth_status",
        {"txid": TXID},
        "eb778a51b4173101",
        "2dd03613caa67327",
    ),
}


def canonical_v2(date: str, method: str, host: str, path: str, params: Params) -> str:
    """Return the text that signature version 2 signs: the rule, stated plainly."""
    return "\n".join([date, method.upper(), host.lower(), path, encode_params(params)])


def sign(canonical: str, secret_key: str, digest: str = "sha512") -> str:
    return hmac.new(secret_key.encode(), canonical.encode(), digest).hexdigest()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector_file(vector: dict[str, Any]) -> None:
    where = (vector["date"], vector["method"], vector["host"], vector["path"], vector["params"].items())
    canonical = canonical_v2(*where)
    assert encode_params(vector["params"].items()) == vector["encoded_params"]
    assert canonical == vector["canonical_request"]
    assert sign(canonical, vector["secret_key"], vector["digest"]) == vector["signature_hex"]


@pytest.mark.parametrize(
    "vector",
    [vector for vector in VECTORS if vector["digest"] == "sha512"],
    ids=lambda vector: vector["name"],
)
def test_signer_makes_the_header_of_the_vector(vector: dict[str, Any]) -> None:
    signer = Signer(vector["integration_key"], vector["secret_key"].encode(), vector["host"])
    params = encode_params(vector["params"].items())
    header = signer.authorization(vector["date"], vector["method"], vector["path"], params.encode())
    assert header.decode() == vector["authorization"]


@pytest.mark.parametrize("name", GATEWAY_CALLS)
def test_calls_that_a_gateway_makes(name: str) -> None:
    method, path, params, sha1, sha512 = GATEWAY_CALLS[name]
    canonical = canonical_v2(DATE, method, HOST, path, params.items())
    assert sign(canonical, SKEY, "sha1").startswith(sha1)
    assert sign(canonical, SKEY).startswith(sha512)
    header = Signer("DI" + "X" * 18, SKEY.encode(), HOST).authorization(
        DATE, method, path, encode_params(params.items()).encode()
    )
    assert b64decode(header.removeprefix(b"Basic ")).decode() == f"{'DI' + 'X' * 18}:{sign(canonical, SKEY)}"


def test_duo_documentation_example() -> None:
    """Vector A: the example of Duo's documentation, and the same with SHA-512."""
    canonical = canonical_v2(
        "Tue, 21 Aug 2012 17:29:18 -0000",
        "POST",
        "api-XXXXXXXX.duosecurity.com",
        "/accounts/v1/account/list",
        [("username", "root"), ("realname", "First Last")],
    )
    skey = "Zh5eGmUq9zpfQnyUIu5OL9iWoMMv5ZNmk3zLJ4Ep"
    assert sign(canonical, skey, "sha1") == "2d97d6166319781b5a3a07af39d366f491234edc"
    assert sign(canonical, skey).startswith("1bffb8924348f7db7da9e7d7d749ded9")


def test_percent_encoding() -> None:
    """Vector C."""
    punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    expected = "%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E_%60%7B%7C%7D~"
    assert percent_encode(punctuation) == expected
    assert percent_encode("\t\n\x0b\x0c\r ") == "%09%0A%0B%0C%0D%20"
    assert percent_encode("Az09-._~") == "Az09-._~"
    assert percent_encode("jdoe\n") == "jdoe%0A"
    assert percent_encode("é中") == "%C3%A9%E4%B8%AD"


def test_parameters_are_sorted_by_key_alone() -> None:
    assert encode_params([("foo_bar", "2"), ("foo", "1")]) == "foo=1&foo_bar=2"
    assert encode_params([("a", "2"), ("a", "1")]) == "a=1&a=2"
    assert encode_params([]) == ""


def test_key_longer_than_a_block_is_hashed_first() -> None:
    """RFC 2104 section 2."""
    signer = Signer("ikey", b"k" * 200, "host")
    expected = sign("date\nGET\nhost\n/\n", "k" * 200)
    assert (
        b64decode(signer.authorization("date", "GET", "/", b"").removeprefix(b"Basic ")).decode() == f"ikey:{expected}"
    )
    assert hashlib.sha512().block_size == 128


@pytest.mark.parametrize("is_library_there", [True, False])
def test_base64_is_the_same_with_and_without_the_quicker_library(
    monkeypatch: pytest.MonkeyPatch, is_library_there: bool
) -> None:
    if not is_library_there:
        monkeypatch.setitem(sys.modules, "librt.base64", None)
    base64 = quickest_base64()
    for size in range(200):
        octets = bytes(range(size))
        assert base64(octets) == b64encode(octets)
