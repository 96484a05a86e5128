"""FreeRADIUS as the home server: every kind of credentials, right and wrong, and a challenge."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from gateway.engine.first_factor import Accepted, Answer, Challenged, CheckFirstFactor, Refused
from gateway.firstfactor.home.addresses import HostPort
from gateway.firstfactor.home.client import HomeClient
from gateway.firstfactor.home.server import HomeServer, Limits
from gateway.firstfactor.host_states import DOWN, UP, HostState
from gateway.radius.attributes import AttributeKind, attributes_in
from gateway.radius.client import encode_attribute
from gateway.radius.credentials import credential_attributes
from gateway.radius.dictionary import CHAP_PASSWORD, EAP_MESSAGE, VENDOR_SPECIFIC
from gateway.radius.hidden import Hop, reveal_salted
from gateway.radius.packet import Packet, decode_packet
from gateway.radius.passing import Passing, values_of
from gateway.radius.shared_secret import SharedSecret
from gateway.unavailable import Trouble, Unavailable
from tests.firstfactor.home.answers import ask
from tests.firstfactor.home.freeradius import SECRET, home_server, needs_freeradius
from tests.https.peer import in_loop, turn_until

pytestmark = [pytest.mark.integration, needs_freeradius]

LIMITS = Limits()
NAS_AUTHENTICATOR = bytes(range(16))
MS_CHAP_CHALLENGE = bytes.fromhex("5b5d7c7d7b3f2f3e3c2c602132262628")
MS_CHAP2_RESPONSE = bytes.fromhex(
    "0000 21402324255e262a28295f2b3a337c7e 0000000000000000 82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df"
)
MICROSOFT = (311).to_bytes(4, "big")


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with home_server(tmp_path_factory.mktemp("home")) as found:
        yield found


@asynccontextmanager
async def asking(
    port: int, secret: bytes = SECRET, limits: Limits = LIMITS, seen: list[HostState] | None = None
) -> AsyncIterator[HomeClient]:
    """A client; how its home server is found to be goes into `seen`."""
    server = HomeServer(0, f"127.0.0.1:{port}", SharedSecret(secret))
    seen = [] if seen is None else seen
    homes = [HostPort("127.0.0.1", port)]
    client = HomeClient([server], homes, limits, on_changed=lambda changed: seen.append(changed.state))
    client.start()
    try:
        yield client
    finally:
        client.close()


async def asked(port: int, *questions: CheckFirstFactor) -> list[Answer | Unavailable]:
    async with asking(port) as client:
        return [await ask(client, question) for question in questions]


def from_nas(attributes: bytes) -> Packet:
    """A NAS's request with these attributes."""
    return decode_packet(bytes([1, 9]) + (20 + len(attributes)).to_bytes(2, "big") + NAS_AUTHENTICATOR + attributes)


def ms_chap(response: bytes = MS_CHAP2_RESPONSE) -> bytes:
    attributes = b"".join(
        encode_attribute(VENDOR_SPECIFIC, MICROSOFT + bytes([kind, 2 + len(value)]) + value)
        for kind, value in ((11, MS_CHAP_CHALLENGE), (25, response))
    )
    return credential_attributes(from_nas(attributes))


def chap(password: bytes) -> bytes:
    digest = hashlib.md5(b"\x07" + password + NAS_AUTHENTICATOR).digest()
    return credential_attributes(from_nas(encode_attribute(CHAP_PASSWORD, b"\x07" + digest)))


def keys_for_the_nas(accepted: Accepted) -> list[bytes]:
    """MS-MPPE-Recv-Key and -Send-Key (RFC 3079), as the NAS finds them in the reply that it gets."""
    nas = Hop(SharedSecret(b"secret of the NAS"), NAS_AUTHENTICATOR)
    assert accepted.hop is not None
    passed = Passing().to_nas(accepted.attributes, accepted.hop, nas, 1)
    keys = {each.kind: each.value for each in attributes_in(passed.octets)}
    return [reveal_salted(keys[AttributeKind(311, kind)], nas) or b"" for kind in (17, 16)]


@in_loop
async def test_a_password_that_is_right_and_one_that_is_not(port) -> None:
    right, wrong, nobody = await asked(
        port,
        CheckFirstFactor(b"alice", b"correct horse"),
        CheckFirstFactor(b"alice", b"correct house"),
        CheckFirstFactor(b"nobody", b"correct horse"),
    )
    assert isinstance(right, Accepted)
    assert right.attributes == encode_attribute(25, b"\x01\x02\x03\x04") + encode_attribute(18, b"Hello")
    assert isinstance(wrong, Refused)
    assert (wrong.reason, wrong.host) == ("first_factor_rejected", f"127.0.0.1:{port}")
    assert isinstance(nobody, Refused)


@in_loop
async def test_chap_answered_to_the_authenticator_of_the_nas(port) -> None:
    right, wrong = await asked(
        port,
        CheckFirstFactor(b"alice", attributes=chap(b"correct horse")),
        CheckFirstFactor(b"alice", attributes=chap(b"correct house")),
    )
    assert isinstance(right, Accepted)
    assert isinstance(wrong, Refused)


@in_loop
async def test_ms_chap_by_the_vector_of_rfc_2759(port) -> None:
    right, wrong = await asked(
        port,
        CheckFirstFactor(b"User", attributes=ms_chap()),
        CheckFirstFactor(b"User", attributes=ms_chap(MS_CHAP2_RESPONSE[:-1] + b"\xd0")),
    )
    assert isinstance(right, Accepted)
    assert b"S=407A5589115FD0D6209F510FE9C04566932CDA56" in right.attributes
    assert keys_for_the_nas(right) == [
        bytes.fromhex("d5f0e9521e3ea9589645e86051c82226"),
        bytes.fromhex("8b7cdc149b993a1ba118cb153f56dccb"),
    ]
    assert isinstance(wrong, Refused)
    assert b"E=691" in wrong.attributes


@in_loop
async def test_a_challenge_is_answered_with_its_state(port) -> None:
    async with asking(port) as client:
        challenged = await ask(client, CheckFirstFactor(b"token", b"my PIN"))
        assert isinstance(challenged, Challenged)
        assert challenged.state == b"stateone"
        assert b"Enter the code of your token" in challenged.attributes
        state, host = challenged.state, challenged.host
        right = await ask(client, CheckFirstFactor(b"token", b"654321", state=state, host=host))
        wrong = await ask(client, CheckFirstFactor(b"token", b"111111", state=state, host=host))
    assert isinstance(right, Accepted)
    assert isinstance(wrong, Refused)


def eap(message: bytes) -> bytes:
    return credential_attributes(from_nas(encode_attribute(EAP_MESSAGE, message)))


def eap_in(attributes: bytes) -> bytes:
    (message,) = values_of(EAP_MESSAGE, attributes)
    return message


@in_loop
async def test_eap_goes_to_and_fro(port) -> None:
    """EAP-MD5 (RFC 3748 section 5.4). Its replies are signed, and those to a password are believed all the same."""
    async with asking(port) as client:
        identity = b"\x02\x01" + (10).to_bytes(2, "big") + b"\x01alice"
        challenged = await ask(client, CheckFirstFactor(b"alice", attributes=eap(identity)))
        assert isinstance(challenged, Challenged)
        request = eap_in(challenged.attributes)
        assert request[4] == 4
        digest = hashlib.md5(request[1:2] + b"correct horse" + request[6:22]).digest()
        response = b"\x02" + request[1:2] + (22).to_bytes(2, "big") + b"\x04\x10" + digest
        answer = CheckFirstFactor(b"alice", None, eap(response), challenged.state, challenged.host)
        accepted = await ask(client, answer)
        assert isinstance(accepted, Accepted)
        assert eap_in(accepted.attributes)[0] == 3  # EAP-Success
        assert isinstance(await ask(client, CheckFirstFactor(b"alice", b"correct horse")), Accepted)
        assert not client.servers[0].discards


@in_loop
async def test_with_another_secret_it_is_silent(port) -> None:
    limits = Limits(retries=1, retry_wait_s=0.05)
    async with asking(port, b"another secret", limits) as client:
        answer = await ask(client, CheckFirstFactor(b"alice", b"correct horse"))
    assert isinstance(answer, Unavailable)
    assert answer.trouble is Trouble.TIMEOUT
    assert f"127.0.0.1:{port} did not answer" in str(answer)


@in_loop
async def test_who_is_silent_to_one_user_is_there_all_the_same(port) -> None:
    """It is counted as down, asked by Status-Server, and up."""
    seen: list[HostState] = []
    async with asking(port, limits=Limits(retries=0, retry_wait_s=0.05), seen=seen) as client:
        answer = await ask(client, CheckFirstFactor(b"mute", b"correct horse"))
        assert isinstance(answer, Unavailable)
        await turn_until(lambda: len(seen) == 2)
        (server,) = client.servers
    assert seen == [DOWN, UP]
    assert not server.has_signed
    assert not server.discards
