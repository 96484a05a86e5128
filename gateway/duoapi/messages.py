"""The JSON of Duo's answers: the envelope and what is inside, for both API flavours.

Unknown keys are ignored and unknown values kept as text, since Duo may add both at any time. A key that may be
missing or null has a default; one of another type than documented is not Duo's answer, and decoding raises
`msgspec.DecodeError`.
"""

from typing import Generic, TypeVar

import msgspec

Content = TypeVar("Content")


class Envelope(msgspec.Struct, Generic[Content], gc=False):
    """What surrounds every answer of HTTP status 200; `response` is missing unless `stat` is OK."""

    stat: str
    response: Content | None = None


class Failure(msgspec.Struct, gc=False):
    """What surrounds a refusal. Gateways and older servers leave `code` out, empty or a text."""

    stat: str
    code: int | str | None = None
    message: str | None = None
    message_detail: str | None = None

    @property
    def number(self) -> int:
        """`code` as a number, 0 when there is none."""
        if isinstance(self.code, int):
            return self.code
        text = self.code or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


class TimeContent(msgspec.Struct, gc=False):
    """v2 ping and check."""

    time: int


class DeviceContent(msgspec.Struct, gc=False):
    """An entry of v2 preauth's device list; a token has no capabilities."""

    device: str | None = None
    capabilities: list[str] | None = None
    number: str | None = None
    display_name: str | None = None
    name: str | None = None
    sms_nextcode: str | int | None = None


class PreauthContent(msgspec.Struct, gc=False):
    """v2 preauth, where no device matters: most of the answer is their list."""

    result: str
    status_msg: str | None = None
    enroll_portal_url: str | None = None


class PreauthDevicesContent(PreauthContent, gc=False):
    """The whole of v2 preauth."""

    devices: list[DeviceContent] | None = None


class AuthContent(msgspec.Struct, gc=False):
    """v2 auth and auth_status: a verdict, or the txid of an auth that has begun."""

    result: str | None = None
    status: str | None = None
    status_msg: str | None = None
    txid: str | None = None


class PreauthContentV1(msgspec.Struct, gc=False):
    """v1 preauth, where no device matters; `status` is a text for people."""

    result: str
    status: str | None = None


class PreauthFactorsContentV1(PreauthContentV1, gc=False):
    """The whole of v1 preauth: the menu as it is read, and what its numbers stand for."""

    prompt: str | None = None
    factors: dict[str, str] | None = None


class AuthContentV1(msgspec.Struct, gc=False):
    """v1 auth and status: a verdict with a text for people, or a txid."""

    result: str | None = None
    status: str | None = None
    txid: str | None = None


class ResultContent(msgspec.Struct, gc=False):
    """What decides, in every flavour, whatever stands beside it."""

    result: str


decode_failure = msgspec.json.Decoder(Failure).decode
decode_time = msgspec.json.Decoder(Envelope[TimeContent]).decode
decode_word = msgspec.json.Decoder(Envelope[str]).decode
decode_preauth = msgspec.json.Decoder(Envelope[PreauthContent]).decode
decode_preauth_devices = msgspec.json.Decoder(Envelope[PreauthDevicesContent]).decode
decode_auth = msgspec.json.Decoder(Envelope[AuthContent]).decode
decode_preauth_v1 = msgspec.json.Decoder(Envelope[PreauthContentV1]).decode
decode_preauth_factors_v1 = msgspec.json.Decoder(Envelope[PreauthFactorsContentV1]).decode
decode_auth_v1 = msgspec.json.Decoder(Envelope[AuthContentV1]).decode
decode_result = msgspec.json.Decoder(Envelope[ResultContent]).decode
