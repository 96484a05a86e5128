"""Result codes (RFC 4511 section 4.1.9 and appendix A), and what Active Directory says beside them."""

import re
from typing import Final

SUCCESS: Final = 0
OPERATIONS_ERROR: Final = 1
PROTOCOL_ERROR: Final = 2
TIME_LIMIT: Final = 3
SIZE_LIMIT: Final = 4
AUTH_METHOD_NOT_SUPPORTED: Final = 7
STRONGER_AUTH_REQUIRED: Final = 8
REFERRAL: Final = 10
ADMIN_LIMIT: Final = 11
CONFIDENTIALITY_REQUIRED: Final = 13
SASL_BIND_IN_PROGRESS: Final = 14
NO_SUCH_ATTRIBUTE: Final = 16
NO_SUCH_OBJECT: Final = 32
INVALID_DN_SYNTAX: Final = 34
INAPPROPRIATE_AUTHENTICATION: Final = 48
INVALID_CREDENTIALS: Final = 49
INSUFFICIENT_ACCESS: Final = 50
BUSY: Final = 51
UNAVAILABLE: Final = 52
UNWILLING: Final = 53
OTHER: Final = 80

_NAMES: Final[dict[int, str]] = {
    SUCCESS: "success",
    OPERATIONS_ERROR: "operationsError",
    PROTOCOL_ERROR: "protocolError",
    TIME_LIMIT: "timeLimitExceeded",
    SIZE_LIMIT: "sizeLimitExceeded",
    5: "compareFalse",
    6: "compareTrue",
    AUTH_METHOD_NOT_SUPPORTED: "authMethodNotSupported",
    STRONGER_AUTH_REQUIRED: "strongerAuthRequired",
    REFERRAL: "referral",
    ADMIN_LIMIT: "adminLimitExceeded",
    12: "unavailableCriticalExtension",
    CONFIDENTIALITY_REQUIRED: "confidentialityRequired",
    SASL_BIND_IN_PROGRESS: "saslBindInProgress",
    NO_SUCH_ATTRIBUTE: "noSuchAttribute",
    17: "undefinedAttributeType",
    18: "inappropriateMatching",
    19: "constraintViolation",
    20: "attributeOrValueExists",
    21: "invalidAttributeSyntax",
    NO_SUCH_OBJECT: "noSuchObject",
    33: "aliasProblem",
    INVALID_DN_SYNTAX: "invalidDNSyntax",
    36: "aliasDereferencingProblem",
    INAPPROPRIATE_AUTHENTICATION: "inappropriateAuthentication",
    INVALID_CREDENTIALS: "invalidCredentials",
    INSUFFICIENT_ACCESS: "insufficientAccessRights",
    BUSY: "busy",
    UNAVAILABLE: "unavailable",
    UNWILLING: "unwillingToPerform",
    54: "loopDetect",
    64: "namingViolation",
    65: "objectClassViolation",
    66: "notAllowedOnNonLeaf",
    67: "notAllowedOnRDN",
    68: "entryAlreadyExists",
    69: "objectClassModsProhibited",
    71: "affectsMultipleDSAs",
    OTHER: "other",
}
_AD_CODE: Final = re.compile(r"(?i)\bdata ([0-9a-f]{1,8})\b")


def result_name(code: int) -> str:
    """Return the name of a result code; of one without a name, its number."""
    return _NAMES.get(code, f"result code {code}")


def ad_code(text: str) -> str:
    """Return what Active Directory says about a refused bind: `52e` of `… error, data 52e, v3839`; empty if nothing."""
    found = _AD_CODE.search(text)
    return found[1].lower() if found is not None else ""
