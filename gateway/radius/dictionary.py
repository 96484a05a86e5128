"""Numbers that the RFCs assign: packet codes, attribute types and sizes in octets."""

from enum import IntEnum
from typing import Final

HEADER_SIZE: Final = 20  # RFC 2865 section 3: Code, Identifier, Length, Authenticator
MAX_PACKET_SIZE: Final = 4096  # RFC 2865 section 3
MAX_ATTRIBUTE_VALUE_SIZE: Final = 253  # RFC 2865 section 5
AUTHENTICATOR_SIZE: Final = 16  # header field and Message-Authenticator value alike
MAX_PASSWORD_SIZE: Final = 128  # RFC 2865 section 5.2


class Code(IntEnum):
    """Packet codes that this gateway receives or sends (RFC 2865 section 3, RFC 2866 section 3, RFC 5997
    section 2).
    """

    ACCESS_REQUEST = 1
    ACCESS_ACCEPT = 2
    ACCESS_REJECT = 3
    ACCOUNTING_REQUEST = 4
    ACCOUNTING_RESPONSE = 5
    ACCESS_CHALLENGE = 11
    STATUS_SERVER = 12

    @property
    def label(self) -> str:
        """The name as the RFCs write it: `Access-Accept`."""
        return _LABELS[self]


# Bare names: before Python 3.12 to look a member up costs as much as a call.
ACCESS_REQUEST: Final = Code.ACCESS_REQUEST
ACCESS_ACCEPT: Final = Code.ACCESS_ACCEPT
ACCESS_REJECT: Final = Code.ACCESS_REJECT
ACCOUNTING_REQUEST: Final = Code.ACCOUNTING_REQUEST
ACCOUNTING_RESPONSE: Final = Code.ACCOUNTING_RESPONSE
STATUS_SERVER: Final = Code.STATUS_SERVER

_LABELS: Final = {code: code.name.replace("_", "-").title() for code in Code}


# Attribute types are plain integers: they index the offsets of a packet on the hot path.
USER_NAME: Final = 1
USER_PASSWORD: Final = 2
CHAP_PASSWORD: Final = 3
NAS_IP_ADDRESS: Final = 4
NAS_PORT: Final = 5
REPLY_MESSAGE: Final = 18
STATE: Final = 24
VENDOR_SPECIFIC: Final = 26
SESSION_TIMEOUT: Final = 27
CALLING_STATION_ID: Final = 31
NAS_IDENTIFIER: Final = 32
PROXY_STATE: Final = 33
ACCT_DELAY_TIME: Final = 41
EVENT_TIMESTAMP: Final = 55
CHAP_CHALLENGE: Final = 60
PROMPT: Final = 76
EAP_MESSAGE: Final = 79
MESSAGE_AUTHENTICATOR: Final = 80
NAS_PORT_ID: Final = 87
NAS_IPV6_ADDRESS: Final = 95

MICROSOFT: Final = 311  # as a vendor
