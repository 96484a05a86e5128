"""`python -m tests.fuzz.datagrams CORPUS -runs=10000000`: any datagram at all, from a client that is known.

The engine may discard, reject, ask Duo or answer again, but never raise. One input in two is signed by the harness, so
that what lies behind the signature is reached. Needs atheris (`pip install atheris`).
"""

import sys

import atheris

with atheris.instrument_imports(include=["gateway.radius", "gateway.engine"]):
    from gateway.duoapi.calls import AuthAnswer, PreauthAnswer
    from gateway.engine.digests import Digests
    from gateway.engine.effects import Effect, PutQuestion
    from gateway.engine.engine import Engine
    from gateway.engine.login_standing import LoginPolicy
    from gateway.engine.modes.duo_only import DuoOnly
    from gateway.engine.nas import Nas, NasTable, Section
    from gateway.engine.peer import Peer
    from gateway.engine.rules import (
        AttributeSettings,
        RequireMessageAuthenticator,
        SectionRules,
        UnrecognisedFactor,
    )
    from gateway.radius.shared_secret import SharedSecret

SECRET = SharedSecret(b"fuzz")
PEER = Peer(("192.0.2.10", 40001), 0)
RULES = SectionRules(
    unrecognised_factor=UnrecognisedFactor.AUTO,
    client_ip_attr=AttributeSettings(name="", vendor=25461, kind=7, data_type="string"),
    require_message_authenticator=RequireMessageAuthenticator.NO,
    limit_proxy_state=False,
    response_deadline_s=20.0,
)
SECTION = Section(
    "radius_server_duo_only",
    DuoOnly(LoginPolicy("app"), RULES),
    RULES,
)
NAS = Nas("radius_ip_1", SECTION, SECRET)


class Harness:
    """An engine that lives through many inputs, and whose Duo says yes to all."""

    def __init__(self) -> None:
        self.now = 0.0
        tables = [NasTable([("192.0.2.0/24", NAS)])]
        self.engine = Engine(tables, Digests(bytes(32)), max_pending=50, duplicate_window_s=30.0, max_replies=100)

    def one_input(self, data: bytes) -> None:
        """Deliver one input, and let time go on."""
        self.now += 0.1
        if data[:1] and data[0] & 1:
            data = _signed(data[1:])
        self.perform(self.engine.datagram_received(data, PEER, self.now))
        self.perform(self.engine.timer(self.now))

    def perform(self, effects: list[Effect]) -> None:
        """Answer what is asked."""
        for effect in effects:
            if isinstance(effect, PutQuestion):
                is_preauth = type(effect.question).__name__ == "Preauth"
                answer = PreauthAnswer("auth") if is_preauth else AuthAnswer("allow", "allow", "Success")
                self.perform(self.engine.answered(effect.pending, answer, self.now))


def _signed(attributes: bytes) -> bytes:
    """Make an Access-Request or Status-Server of these attributes, with a right Message-Authenticator in front."""
    attributes = attributes[:4000]
    code = 12 if len(attributes) % 16 == 15 else 1
    head = bytes([code, len(attributes) & 255]) + (38 + len(attributes)).to_bytes(2, "big") + bytes(16)
    signature = SECRET.message_authenticator(head + b"\x50\x12" + bytes(16) + attributes)
    return head + b"\x50\x12" + signature + attributes


if __name__ == "__main__":
    atheris.Setup(sys.argv, Harness().one_input)
    atheris.Fuzz()
