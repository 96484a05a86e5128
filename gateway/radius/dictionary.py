"""Numbers that the RFCs assign: packet codes, attribute types and sizes in octets."""

from enum import IntEnum

HEADER_SIZE = 20  # RFC 2865 section 3: Code, Identifier, Length, Authenticator
MAX_PACKET_SIZE = 4096  # RFC 2865 section 3
MAX_ATTRIBUTE_VALUE_SIZE = 253  # RFC 2865 section 5
AUTHENTICATOR_SIZE = 16  # header field and Message-Authenticator value alike
MAX_PASSWORD_SIZE = 128  # RFC 2865 section 5.2


class Code(IntEnum):
    """Packet codes that this gateway receives or sends (RFC 2865 section 3, RFC 5997 section 2)."""

    ACCESS_REQUEST = 1
    ACCESS_ACCEPT = 2
    ACCESS_REJECT = 3
    ACCESS_CHALLENGE = 11
    STATUS_SERVER = 12

    @property
    def label(self) -> str:
        """The name as the RFCs write it: `Access-Accept`."""
        return _LABELS[self]


_LABELS = {code: code.name.replace("_", "-").title() for code in Code}


# Attribute types are plain integers: they index the offsets of a packet on the hot path.
USER_NAME = 1
USER_PASSWORD = 2
CHAP_PASSWORD = 3
NAS_IP_ADDRESS = 4
NAS_PORT = 5
REPLY_MESSAGE = 18
STATE = 24
VENDOR_SPECIFIC = 26
CALLED_STATION_ID = 30
CALLING_STATION_ID = 31
NAS_IDENTIFIER = 32
PROXY_STATE = 33
CHAP_CHALLENGE = 60
EAP_MESSAGE = 79
MESSAGE_AUTHENTICATOR = 80
