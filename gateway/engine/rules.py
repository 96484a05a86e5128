"""What a server section says about its logins, as plain values: the engine knows no configuration.

The reader of the configuration makes one record for each section, once. It travels to the workers as it is, and the
engine asks it by the names that the keys of the file have.
"""

from enum import Enum

import msgspec

from gateway.duoapi.calls import Factor
from gateway.radius.attributes import AttributeKind


class FailMode(Enum):
    """What a login gets while Duo is unreachable: `safe` lets it in, `secure` rejects it."""

    SAFE = "safe"
    SECURE = "secure"


class UnrecognisedFactor(Enum):
    """What a password means that is neither passcode nor factor word, or is empty."""

    REJECT = "reject"
    AUTO = "auto"


class PreauthRule(Enum):
    """Whether every login asks `/preauth`, or only one whose typed factor needs the device list."""

    ALWAYS = "always"
    NEEDED = "needed"


class RequireMessageAuthenticator(Enum):
    """Whether Access-Requests without Message-Authenticator are discarded; `auto`: those with Proxy-State, once their
    address has signed.
    """

    YES = "yes"
    NO = "no"
    AUTO = "auto"


class Accounting(Enum):
    """What becomes of Accounting-Requests: they are discarded, or answered and forgotten."""

    OFF = "off"
    ACKNOWLEDGE = "acknowledge"


class PromptFormat(Enum):
    """How a challenge's menu is written: in several lines, as Duo's proxy does, or in one."""

    CONSOLE = "console"
    SHORT = "short"


class AttributeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A RADIUS attribute by its numbers; `vendor` is 0 for one of the RFCs, `data_type` as dictionaries write it."""

    name: str
    vendor: int
    kind: int
    data_type: str


CALLING_STATION_ID = AttributeSettings(name="Calling-Station-Id", vendor=0, kind=31, data_type="string")


class ModeRules(msgspec.Struct, frozen=True, kw_only=True):
    """What sections say that have a first factor; each kind has some of these keys, and duo_only none."""

    delimiter: str = ","
    delimited_password_length: int = 0
    """In characters; 0 is any."""
    allow_concat: bool = True
    factors: tuple[Factor, ...] = (Factor.AUTO,)
    """See `engine.factor_order`; never empty."""
    prompt_format: PromptFormat = PromptFormat.CONSOLE
    enroll_challenge: bool = True
    sms_challenge: bool = False
    challenge_life_s: int = 300
    pass_through: frozenset[AttributeKind] = frozenset()
    """Which attributes of the home server's accept the NAS gets."""
    pass_through_all: bool = False


NO_MODE_RULES = ModeRules()


class SectionRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one server section, named as its keys are; the defaults are those of the keys."""

    fail_mode: FailMode = FailMode.SAFE
    unrecognised_factor: UnrecognisedFactor = UnrecognisedFactor.REJECT
    preauth: PreauthRule = PreauthRule.ALWAYS
    client_ip_attr: AttributeSettings = CALLING_STATION_ID
    """The attribute that may hold the user's address."""
    pw_codec: str = "utf-8"
    exempt_usernames: frozenset[str] = frozenset()
    """Who logs in without Duo."""
    probe_usernames: frozenset[str] = frozenset()
    """In lower case: whom balancers ask for to see whether the gateway lives."""
    require_message_authenticator: RequireMessageAuthenticator = RequireMessageAuthenticator.AUTO
    limit_proxy_state: bool = True
    reject_delay_s: float = 1.0
    response_deadline_s: float = 0.0
    """0 is none."""
    coalesce: bool = True
    max_pending_per_user: int = 3
    """0 is no limit."""
    status_server: bool = True
    accounting: Accounting = Accounting.OFF
    modes: ModeRules = NO_MODE_RULES


def rules_of(settings: SectionRules) -> SectionRules:
    """Return the rules alone, of settings that hold more: addresses and secrets, which the engine has no use for."""
    return msgspec.convert(settings, SectionRules, from_attributes=True)
