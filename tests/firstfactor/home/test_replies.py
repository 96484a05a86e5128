"""Which replies are believed."""

import pytest

from gateway.engine.first_factor import Accepted
from gateway.firstfactor.home.server import Limits
from gateway.radius.client import encode_attribute
from gateway.radius.shared_secret import SharedSecret
from tests.firstfactor.home.scene import Scene, proxy_state


class TestReplies:
    """What is not the home server's own is as if nothing had come."""

    @pytest.mark.parametrize(
        ("forge", "reason"),
        [
            (lambda sent: sent.reply(secret=SharedSecret(b"other")), "response_authenticator_wrong"),
            (lambda sent: sent.reply()[:30] + b"\0" + sent.reply()[31:], "response_authenticator_wrong"),
            (lambda sent: proxy_state(sent.packet, sent.server.shared_secret), "proxy_state"),
            (lambda sent: sent.reply()[:-1], "malformed"),
            (lambda sent: b"", "malformed"),
            (lambda sent: sent.reply()[:1] + b"\x63" + sent.reply()[2:], "unasked"),
            (lambda sent: b"\x05" + sent.reply()[1:], "unexpected_code"),
            (lambda sent: sent.octets, "unexpected_code"),
            (lambda sent: sent.reply(attributes=encode_attribute(80, bytes(16))), "message_authenticator_wrong"),
            (
                lambda sent: sent.reply(attributes=encode_attribute(79, b"\x03\x01\x00\x04"), signed=False),
                "message_authenticator_missing",
            ),
        ],
    )
    def test_it_is_discarded_and_counted(self, forge, reason):
        scene = Scene()
        question = scene.ask()
        scene.receive(forge(scene.sent[0]))
        assert not question.results
        assert scene.servers[0].discards == {reason: 1}
        scene.answer()
        assert isinstance(question.result, Accepted)

    def test_a_wrong_signature_under_a_right_authenticator(self):
        scene = Scene()
        question = scene.ask()
        secret = scene.servers[0].shared_secret
        octets = bytearray(scene.sent[0].reply())
        octets[25] ^= 1
        as_signed = bytes(octets[:4]) + scene.sent[0].packet.authenticator + bytes(octets[20:])
        scene.receive(bytes(octets[:4]) + secret.response_authenticator(as_signed) + bytes(octets[20:]))
        assert not question.results
        assert scene.servers[0].discards == {"message_authenticator_wrong": 1}

    def test_the_log_can_tell_of_secrets_that_differ(self):
        scene = Scene()
        question = scene.ask()
        scene.answer(secret=SharedSecret(b"other"))
        scene.wait(100)
        assert question.why == ("bad_answer", "10.0.0.1:1812 answers with another secret")

    @pytest.mark.parametrize(
        ("limits", "before", "is_believed"),
        [
            (Limits(), False, True),
            (Limits(), True, False),
            (Limits(learns_signature=False), True, True),
            (Limits(requires_signature=True), False, False),
        ],
    )
    def test_an_unsigned_reply(self, limits, before, is_believed):
        scene = Scene(1, limits)
        if before:
            scene.ask()
            scene.answer()
        question = scene.ask()
        scene.answer(signed=False)
        assert bool(question.results) is is_believed

    def test_signed_replies_to_eap_tell_nothing_of_others(self):
        """FreeRADIUS 3.2.1 signs them alone."""
        scene = Scene()
        scene.ask(attributes=encode_attribute(79, b"\x02\x01\x00\x04"), password=None)
        scene.answer(attributes=encode_attribute(79, b"\x03\x01\x00\x04"))
        question = scene.ask()
        scene.answer(signed=False)
        assert isinstance(question.result, Accepted)

    def test_what_comes_to_a_port_that_is_closed_is_nothing(self):
        scene = Scene()
        scene.receive(b"x" * 20, 99)
        scene.perform(scene.plan.refused(99, "", scene.now))
        scene.perform(scene.plan.failed(99, "", scene.now))
        assert not scene.sent
