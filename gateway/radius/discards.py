"""Why a datagram is not answered: each is counted under exactly one reason (RFC 4669 counts drops the same way)."""

from enum import StrEnum


class DiscardReason(StrEnum):
    """The value stands in counters and log lines."""

    # The frame, RFC 2865 section 3 and 5.
    PACKET_TOO_SHORT = "packet_too_short"
    LENGTH_FIELD = "length_field"
    PACKET_TRUNCATED = "packet_truncated"
    ATTRIBUTE_TRUNCATED = "attribute_truncated"
    ATTRIBUTE_LENGTH = "attribute_length"
    TOO_MANY_ATTRIBUTES = "too_many_attributes"
    PROXY_STATE_TOO_LONG = "proxy_state_too_long"
    UNEXPECTED_CODE = "unexpected_code"
    # Who sent it, RFC 2865 section 2 and RFC 3579 section 3.2.
    UNKNOWN_CLIENT = "unknown_client"
    MESSAGE_AUTHENTICATOR_WRONG = "message_authenticator_wrong"
    MESSAGE_AUTHENTICATOR_MALFORMED = "message_authenticator_malformed"
    MESSAGE_AUTHENTICATOR_MISSING = "message_authenticator_missing"
    PROXY_STATE_UNAUTHENTICATED = "proxy_state_unauthenticated"
    EAP_UNAUTHENTICATED = "eap_unauthenticated"
    WRONG_SECRET = "wrong_secret"
    ACCOUNTING_AUTHENTICATOR_WRONG = "accounting_authenticator_wrong"
    # What the gateway does about it.
    STATUS_REFUSED = "status_refused"
    OVERLOAD = "overload"
    ISOLATED = "isolated"


class DecodeError(Exception):
    """The octets are no RADIUS packet.

    Attributes:
        reason: what is wrong.
        offset: where, in octets from the start of the datagram.
    """

    def __init__(self, reason: DiscardReason, offset: int) -> None:
        super().__init__(reason, offset)
        self.reason = reason
        self.offset = offset

    def __str__(self) -> str:
        return f"{self.reason} at octet {self.offset}"
