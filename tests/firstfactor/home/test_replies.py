"""Which replies are believed."""

import pytest

from gateway.engine.first_factor import Accepted
from gateway.firstfactor.home.server import Limits
from gateway.radius.client import encode_attribute
from gateway.radius.shared_secret import SharedSecret
from gateway.unavailable import Trouble
from gateway.words.first_factors import REPLY_DISCARDS, ReplyDiscard
from tests.firstfactor.home.scene import NO_PROBES, Scene, proxy_state


def sent_with(scene: Scene, secret: SharedSecret) -> bytes:
    """A reply to what was sent last, of somebody with another secret."""
    return scene.sent[-1].reply(secret=secret)


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
        assert question.why == (
            "bad_answer",
            "10.0.0.1:1812 has sent a reply that is not believed: it is signed with another secret",
        )

    @pytest.mark.parametrize("n_sent", [1, 4])
    @pytest.mark.parametrize(
        ("forge", "word"),
        [
            (lambda sent: sent.reply(secret=SharedSecret(b"other")), ReplyDiscard.RESPONSE_AUTHENTICATOR_WRONG),
            (lambda sent: sent.reply(signed=False), ReplyDiscard.MESSAGE_AUTHENTICATOR_MISSING),
            (lambda sent: proxy_state(sent.packet, sent.server.shared_secret), ReplyDiscard.PROXY_STATE),
            (lambda sent: b"\x05" + sent.reply()[1:], ReplyDiscard.UNEXPECTED_CODE),
            (lambda sent: sent.reply()[:-1], ReplyDiscard.MALFORMED),
        ],
    )
    def test_why_the_last_one_was_not_believed_is_told_and_what_to_do(self, forge, word, n_sent):
        """However many tries there is time for."""
        scene = Scene(1, Limits(requires_signature=True, timeout_s=1.0 if n_sent == 1 else 30.0))
        question = scene.ask()
        scene.receive(sent_with(scene, SharedSecret(b"other")))
        scene.receive(forge(scene.sent[0]))
        scene.wait(100)
        assert len(scene.asked) == n_sent
        happens, remedy = REPLY_DISCARDS[word]
        assert question.why == ("bad_answer", f"10.0.0.1:1812 has sent a reply that is not believed: {happens}")
        assert question.result.remedy == remedy
        assert (scene.servers[0].trouble, scene.servers[0].doubted) == (Trouble.BAD_ANSWER, word) or n_sent == 1

    def test_of_another_home_server_that_is_silent_that_is_told(self):
        scene = Scene(2, NO_PROBES)
        question = scene.ask()
        scene.answer(secret=SharedSecret(b"other"))
        scene.wait(100)
        _, why = question.why
        assert why.startswith("10.0.0.1:1812 has sent a reply that is not believed: ")
        assert why.endswith("; 10.0.0.2:1812 did not answer")
        assert (question.result.trouble, question.result.remedy) == (Trouble.TIMEOUT, "")

    def test_what_is_no_packet_at_all_answers_no_question(self):
        scene = Scene()
        question = scene.ask()
        scene.receive(b"\2")
        scene.receive(b"\2\x63")
        scene.wait(100)
        assert question.why == ("timeout", "10.0.0.1:1812 did not answer")

    def test_as_many_attributes_as_a_packet_holds_are_read(self):
        scene = Scene()
        question = scene.ask()
        scene.answer(attributes=encode_attribute(25, b"x") * 1352)
        assert isinstance(question.result, Accepted)
        assert len(question.result.attributes) == 4096 - 20 - 2

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
