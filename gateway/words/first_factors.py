"""What it means, and what to do, when a host of a first factor does not answer, or is not believed.

Keys are the words of counters; what they mean depends on the kind of section that the host is of.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from gateway.unavailable import Trouble


class HostTrouble(NamedTuple):
    """What happens, and what an administrator can do: sentences without a full stop."""

    happens: str
    remedy: str


_DNS: Final = HostTrouble(
    "its name cannot be resolved", "correct the name in host=, or this machine's resolver; an address needs none"
)
_BUSY: Final = HostTrouble(
    "as many questions wait there as may", "see why it is slow, or raise max_in_flight if it can bear more"
)

HOME_SERVER_TROUBLES: Final[Mapping[Trouble, HostTrouble]] = {
    Trouble.DNS: _DNS,
    Trouble.CONNECT: HostTrouble(
        "nothing listens at its port, or there is no way there",
        "see that the RADIUS server runs, and that host= and port= are where it listens",
    ),
    Trouble.TIMEOUT: HostTrouble(
        "it does not answer",
        "see that it runs, that no firewall drops UDP to its port, and that this machine is a client there with this "
        "very secret: RADIUS servers are silent to whom they do not know",
    ),
    Trouble.BAD_ANSWER: HostTrouble(
        "its answers are not believed",
        "radgate status says why (not believed): mostly the secret differs, so make secret= here what the RADIUS "
        "server has for this machine",
    ),
    Trouble.BUSY: _BUSY,
}

DIRECTORY_TROUBLES: Final[Mapping[Trouble, HostTrouble]] = {
    Trouble.DNS: _DNS,
    Trouble.CONNECT: HostTrouble(
        "nothing listens at its port, or there is no way there",
        "see that the domain controller runs, and that no firewall keeps this machine from its port: 389 for "
        "transport=clear and starttls, 636 for ldaps",
    ),
    Trouble.TIMEOUT: HostTrouble(
        "it does not answer in time",
        "see that it runs, what keeps it busy, and that no firewall drops packets",
    ),
    Trouble.TLS: HostTrouble(
        "the TLS handshake with it fails",
        "see that it has a certificate, that port= fits transport= (636 for ldaps, 389 for starttls), and that it "
        "speaks minimum_tls_version",
    ),
    Trouble.CERTIFICATE: HostTrouble(
        "its certificate does not prove that it is this host",
        "name the root of your certificate authority in ssl_ca_certs_file, and in host= a name that stands in the "
        "certificate; see whether it has expired",
    ),
    Trouble.CLOSED: HostTrouble(
        "it closes connections before it answers", "see whether it restarts, and its event log (Directory Service)"
    ),
    Trouble.BAD_ANSWER: HostTrouble("what answers speaks no proper LDAP", "see what listens at its port"),
    Trouble.CONFIGURATION: HostTrouble(
        "it does not do what it is asked",
        "the log says what it has refused, and what to write instead: the service account, search_dn, or a transport "
        "that it demands; radgate check --connect tries each step",
    ),
    Trouble.BUSY: _BUSY,
}

TROUBLES_OF: Final[Mapping[str, Mapping[Trouble, HostTrouble]]] = {
    "radius_client": HOME_SERVER_TROUBLES,
    "ad_client": DIRECTORY_TROUBLES,
}
"""By the kind of the client section, as `status.json` has it."""


HOST_STATES: Final[Mapping[str, HostTrouble]] = {
    "down": HostTrouble(
        "the last thing that any worker saw there was no answer",
        "the word beside it in radgate status says why, and can be explained, too",
    ),
    "degraded": HostTrouble("some hosts of the section are down, and others are asked", "see which in radgate status"),
    "unasked": HostTrouble(
        "nobody has asked it since the start or the reload, or its failure is a quarter of an hour old",
        "a login asks it; radgate check --connect does, too",
    ),
}


class ReplyDiscard(StrEnum):
    """Why a home server's reply is not believed; the value stands in counters."""

    MALFORMED = "malformed"
    UNASKED = "unasked"
    UNEXPECTED_CODE = "unexpected_code"
    RESPONSE_AUTHENTICATOR_WRONG = "response_authenticator_wrong"
    MESSAGE_AUTHENTICATOR_WRONG = "message_authenticator_wrong"
    MESSAGE_AUTHENTICATOR_MISSING = "message_authenticator_missing"
    PROXY_STATE = "proxy_state"


REPLY_DISCARDS: Final[Mapping[ReplyDiscard, HostTrouble]] = {
    ReplyDiscard.MALFORMED: HostTrouble(
        "it is no RADIUS packet, or a damaged one", "see what listens at the port, and what changes packets on the way"
    ),
    ReplyDiscard.UNASKED: HostTrouble(
        "nothing is asked any more that it could answer",
        "a few are replies that came late or twice; many mean that the server is slower than retry_wait",
    ),
    ReplyDiscard.UNEXPECTED_CODE: HostTrouble(
        "its kind of packet answers no such question", "see what listens at the port: for accounting, perhaps"
    ),
    ReplyDiscard.RESPONSE_AUTHENTICATOR_WRONG: HostTrouble(
        "it is signed with another secret", "make secret= here what the RADIUS server has for this machine"
    ),
    ReplyDiscard.MESSAGE_AUTHENTICATOR_WRONG: HostTrouble(
        "its Message-Authenticator is wrong",
        "make secret= here what the RADIUS server has for this machine; if logins work, see what changes packets on "
        "the way",
    ),
    ReplyDiscard.MESSAGE_AUTHENTICATOR_MISSING: HostTrouble(
        "it has no Message-Authenticator, which this server has sent before, or must",
        "let the RADIUS server sign all its replies; force_message_authenticator=no believes them without",
    ),
    ReplyDiscard.PROXY_STATE: HostTrouble(
        "it has a Proxy-State, of which none was sent",
        "somebody on the way may be trying CVE-2024-3596: see whose packets these are",
    ),
}
