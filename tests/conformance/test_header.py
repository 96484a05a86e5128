"""Datagram and header."""

import hmac
import os
import socket

import pytest

from gateway.engine.discard_notices import INTERVAL_S
from gateway.engine.nas import Nas, NasTable
from gateway.radius.client import encode_access_request, encode_attribute, verify_reply
from gateway.radius.dictionary import NAS_IDENTIFIER, NAS_IP_ADDRESS, PROXY_STATE, Code
from gateway.radius.discards import DecodeError, DiscardReason
from gateway.radius.packet import decode_packet
from gateway.radius.reply import encode_reply
from gateway.radius.shared_secret import SharedSecret
from tests.config.files import IKEY, MINIMAL, SKEY, problems_of
from tests.conformance.wire import (
    ALICE,
    RA,
    accept,
    asked,
    discard_reason,
    engine_for,
    pap,
    plain,
    reject_reason,
    sent,
    signed,
    source,
)
from tests.engine.scene import NO, SECRET, Stage
from tests.integration.site import SECRET as SITE_SECRET
from tests.integration.site import Site

HEAD = (
    f"[radius_server_duo_only]\nikey={IKEY}\nskey={SKEY}\napi_host=api-12345678.duosecurity.com\nradius_ip_1=10.0.0.1\n"
)


def test_H1_a_datagram_of_any_size_is_judged_by_its_length_field():
    """RFC 2865 section 3."""
    request = signed(pap())
    assert decode_packet(request.ljust(65507, b"\xff")).octets == request
    assert accept(Stage(), request.ljust(65507, b"\xff"))


@pytest.mark.integration
def test_H1_a_datagram_of_65507_octets_is_answered_on_the_wire(site: Site):
    """RFC 2865 section 3: the octets that do not fit into the buffer are padding."""
    nas = site.start(gateway="workers=1").nas()
    nas.send_octets(bytes(65507))
    request = nas.send("alice", "123456")
    assert nas.receive().is_accept
    nas.send_octets(request.ljust(65507, b"\xff"))
    assert nas.receive().is_accept


@pytest.mark.parametrize("size", range(20))
def test_H2_a_datagram_shorter_than_20_octets_is_discarded(size):
    """RFC 2865 section 3."""
    stage = Stage()
    stage.receive(signed(pap())[:size])
    assert discard_reason(stage) == "packet_too_short"


@pytest.mark.parametrize("length", [0, 1, 19, 4097, 65535])
def test_H3_length_outside_20_to_4096_is_discarded(length):
    """RFC 2865 section 3."""
    stage = Stage()
    stage.receive((bytes((1, 1)) + length.to_bytes(2, "big") + RA).ljust(65507, b"\0"))
    assert discard_reason(stage) == "length_field"


@pytest.mark.parametrize("n_missing", [1, 2, 20])
def test_H4_a_datagram_with_fewer_octets_than_length_is_discarded(n_missing):
    """RFC 2865 section 3."""
    stage = Stage()
    stage.receive(signed(pap())[:-n_missing])
    assert discard_reason(stage) == "packet_truncated"


def test_H5_octets_after_length_are_ignored_in_parsing_and_in_message_authenticator():
    """RFC 2865 section 3: a second User-Name in the padding is none, and signs nothing."""
    assert accept(Stage(), signed(pap()) + encode_attribute(1, b"mallory"))


def test_H5_octets_after_length_are_no_part_of_the_duplicate_key():
    """RFC 2865 section 3, RFC 5080 section 2.2.2."""
    stage = Stage()
    stage.receive(signed(pap()) + b"some")
    assert stage.receive(signed(pap()) + b"other padding") == []


def test_H5_octets_after_length_are_never_echoed():
    """RFC 2865 section 3: a Proxy-State in the padding is none."""
    proxy_state = encode_attribute(PROXY_STATE, b"padding")
    assert proxy_state not in accept(Stage(), signed(pap()) + proxy_state)


@pytest.mark.parametrize("code", [0, *range(2, 12), *range(13, 256)])
def test_H6_every_code_but_access_request_and_status_server_is_discarded(code):
    """RFC 2865 section 3: of these, 2, 3, 5 and 11 are replies, which a server never takes."""
    stage = Stage()
    stage.receive(plain(pap(), code=code))
    assert discard_reason(stage) == "unexpected_code"


def test_H7_the_shared_secret_is_chosen_by_the_source_address_alone():
    """RFC 2865 sections 3, 5.4 and 5.32: never by NAS-IP-Address or NAS-Identifier."""
    stage = Stage()
    other = Nas("radius_ip_2", stage.section, SharedSecret(b"the secret of another"))
    stage.engine = engine_for([("192.0.2.10/32", stage.nas), ("192.0.2.20/32", other)])
    said = encode_attribute(NAS_IP_ADDRESS, bytes((192, 0, 2, 20))) + encode_attribute(NAS_IDENTIFIER, b"radius_ip_2")
    assert accept(stage, signed(pap() + said))
    assert not asked(stage.receive(signed(pap() + said, identifier=2), host="192.0.2.20"))


def test_H7_the_listening_address_is_part_of_the_choice():
    """RFC 2865 section 3: the same source may have another secret at another port."""
    stage = Stage()
    other = Nas("radius_ip_1 of another section", stage.section, SharedSecret(b"the secret of another"))
    engine = engine_for([("192.0.2.0/24", stage.nas)], [("192.0.2.0/24", other)])
    assert asked(engine.datagram_received(signed(pap()), source(listener=0), 0.0))
    assert not asked(engine.datagram_received(signed(pap()), source(listener=1), 0.0))


def test_H8_datagrams_of_unknown_addresses_cost_no_md5(monkeypatch):
    """RFC 2865 section 2."""

    def refuse(*_: object) -> bytes:
        raise AssertionError("computed for a stranger")

    stage = Stage()
    for method in ("message_authenticator", "response_authenticator", "reveal_user_password"):
        monkeypatch.setattr(SharedSecret, method, refuse)
    stage.receive(plain(ALICE + encode_attribute(80, bytes(16))), host="198.51.100.1")
    assert discard_reason(stage) == "unknown_client"


def test_H8_an_unknown_address_is_logged_once_an_interval():
    """RFC 2865 section 2."""
    stage = Stage()
    lines = [stage.receive(plain(ALICE), host="198.51.100.1", now=second) for second in range(int(INTERVAL_S))]
    assert [len(line) for line in lines] == [1] + [0] * (len(lines) - 1)
    (notice,) = stage.receive(plain(ALICE), host="198.51.100.1", now=INTERVAL_S)
    assert notice.n_packets == INTERVAL_S


def test_H9_an_empty_shared_secret_is_refused_at_load_time():
    """RFC 2865 section 3."""
    with pytest.raises(ValueError, match="empty"):
        SharedSecret(b"")
    assert any(problem.is_error for problem in problems_of(HEAD + "radius_secret_1="))
    in_a_file = HEAD + "radius_secret_1_file=/etc/secret"
    assert any(problem.is_error for problem in problems_of(in_a_file, {"/etc/secret": b"\n"}))


@pytest.mark.parametrize("size", [1, 32, 63, 64, 65, 128, 1000])
def test_H10_secrets_are_octets_of_any_length(size):
    """RFC 2104 section 2: a key over 64 octets is hashed first, not cut."""
    octets = bytes(range(1, 256)) * 4
    secret = SharedSecret(octets[:size])
    assert secret.message_authenticator(b"packet") == hmac.digest(octets[:size], b"packet", "md5")
    stage = Stage()
    stage.nas.shared_secret = secret
    reply = accept(stage, signed(pap(secret=secret), secret=secret))
    assert verify_reply(reply, RA, secret)


def test_H10_a_secret_in_a_file_is_taken_as_octets():
    """Secrets are octets, not text."""
    assert not any(
        problem.is_error
        for problem in problems_of(HEAD + "radius_secret_1_file=/etc/secret", {"/etc/secret": bytes(range(128, 256))})
    )


@pytest.mark.parametrize("size", [2, 12, 13, 32])
def test_H11_a_secret_of_12_octets_or_less_is_warned_about(size):
    """draft-ietf-radext-deprecating-radius, Shared Secrets."""
    problems = problems_of(HEAD + "radius_secret_1=" + "kT9fQw2ZrLx7Vb4NcHs8Yd3MgPj6Ka5U"[:size])
    assert [problem.key for problem in problems] == (["radius_secret_1"] if size <= 12 else [])


@pytest.mark.parametrize("step", [1, -1])
def test_H12_the_most_specific_network_wins_whatever_the_order_of_the_file(step):
    """Overlapping client networks have one, certain, owner."""
    stage = Stage()
    networks = ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32"]
    nases = {network: Nas(network, stage.section, SECRET) for network in networks}
    table = NasTable(list(nases.items())[::step])
    for address, network in {"10.1.2.3": 3, "10.1.2.4": 2, "10.2.0.1": 1, "192.0.2.1": 0}.items():
        assert table.find(address) is nases[networks[network]]


def test_H12_the_same_network_twice_is_refused():
    """Nobody could say whose secret would count."""
    problems = problems_of(MINIMAL + "radius_ip_2=10.0.1.10\nradius_secret_2=another shared secret\n")
    assert any(problem.is_error for problem in problems)


@pytest.mark.integration
@pytest.mark.parametrize("interface", [None, "127.0.0.3"])
def test_H13_a_reply_leaves_from_the_address_and_port_that_were_asked(site: Site, interface):
    """RFC 2865 section 3: on the socket for all addresses, too."""
    site.start(interface=interface, radius_ip_1="127.0.0.0/8")
    asked_hosts = [interface] if interface else ["127.0.0.1", "127.0.0.2", "127.1.2.3", "127.255.255.254"]
    for host in asked_hosts:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.77", 0))
            udp.settimeout(20)
            authenticator, secret = os.urandom(16), SharedSecret(SITE_SECRET.encode())
            request = encode_access_request(1, authenticator, secret, b"alice", b"123456")
            for _ in range(2):  # the second is answered from the cache
                udp.sendto(request, (host, site.port))
                reply, address = udp.recvfrom(4096)
                assert address == (host, site.port)
                assert verify_reply(reply, authenticator, secret).code == Code.ACCESS_ACCEPT


@pytest.mark.parametrize("identifier", [0, 1, 127, 255])
def test_H14_the_reply_has_the_identifier_of_the_request(identifier):
    """RFC 2865 sections 4.2 to 4.4."""
    assert accept(Stage(), signed(pap(), identifier=identifier))[1] == identifier


def test_H15_texts_are_left_out_where_the_reply_would_exceed_4096_octets():
    """RFC 2865 section 3: whole attributes only, Proxy-State before texts."""
    proxy_states = encode_attribute(PROXY_STATE, bytes(253)) * 15
    request = decode_packet(signed(pap() + proxy_states))
    reply = encode_reply(Code.ACCESS_REJECT, request, SECRET, "text " * 1000)
    assert len(reply) <= 4096
    assert decode_packet(reply).attributes(PROXY_STATE) == proxy_states


def test_H15_no_request_makes_a_reply_longer_than_4096_octets():
    """RFC 2865 section 3: a request may be full of Proxy-States, and the reply has Message-Authenticator besides."""
    stage = Stage(require_message_authenticator=NO, limit_proxy_state=False)
    stage.receive(plain(encode_attribute(PROXY_STATE, bytes(253)) * 15 + encode_attribute(PROXY_STATE, bytes(249))))
    assert all(len(reply) <= 4096 for reply in sent(stage.effects))


def test_H3_a_header_error_tells_where():
    """The offset helps whoever looks at a capture."""
    with pytest.raises(DecodeError) as error:
        decode_packet(bytes((1, 1, 0, 19)) + RA)
    assert (error.value.reason, error.value.offset) == (DiscardReason.LENGTH_FIELD, 2)


def test_H6_a_bare_header_is_a_packet_and_is_rejected_for_what_it_lacks():
    """RFC 2865 section 3: 20 octets are the least."""
    stage = Stage()
    stage.receive(plain())
    assert reject_reason(stage) == "no_user_name"
