"""Whether a packet may be believed at all: the rules for Message-Authenticator on requests.

In this order (RFC 3579 section 3.2 and 3.3; the counter-measures to CVE-2024-3596): one attribute of 18 octets or
none; EAP needs it; a NAS that must sign, signs; Proxy-State, with which an attacker works, needs it where signing is
optional; and its value is right.

Where `require_message_authenticator` is `auto`, unsigned requests are taken whatever else comes from their address:
behind it may be a proxy that passes on what it gets, NAT, or a program that signs EAP alone. Only the attack is kept
out: it strips the signature from a request of a client that signs, and has to add Proxy-State, for nothing else of a
reply is in the attacker's hands. So Proxy-State of such an address has to be signed, whatever `limit_proxy_state` says.
"""

from typing import Final

from gateway.engine.nas import Nas
from gateway.engine.rules import RequireMessageAuthenticator
from gateway.radius.dictionary import (
    HEADER_SIZE,
    MAX_PACKET_SIZE,
    MESSAGE_AUTHENTICATOR,
    PROXY_STATE,
)
from gateway.radius.discards import DiscardReason
from gateway.radius.packet import HAS_EAP, HAS_PROXY_STATE, Packet, decode_packet
from gateway.radius.shared_secret import without_authenticator

_YES: Final = RequireMessageAuthenticator.YES
_AUTO: Final = RequireMessageAuthenticator.AUTO


def refuse_packet(packet: Packet, nas: Nas, source: str) -> DiscardReason | None:
    """Return why an Access-Request must be discarded unread, or None if it may be read; note whether `source` signs.

    EAP must be signed (RFC 3579 section 3.1), and so proves the shared secret, but no habit.
    """
    if packet.marks & HAS_PROXY_STATE and len(packet.attributes(PROXY_STATE)) > MAX_PACKET_SIZE - HEADER_SIZE - 18:
        return DiscardReason.PROXY_STATE_TOO_LONG
    if not packet.signed_at:
        return _refuse_unsigned(packet, nas, source)
    reason = refuse_signature(packet, nas)
    if reason is None and source not in nas.signers:
        _learn(packet, nas, source)
    return reason


def _learn(packet: Packet, nas: Nas, source: str) -> None:
    if packet.marks & HAS_EAP:
        nas.was_read(source)
    else:
        nas.signed(source)


def refuse_signature(packet: Packet, nas: Nas) -> DiscardReason | None:
    """Return what is wrong with the packet's Message-Authenticator, or None if it is right."""
    if not packet.signed_at:
        return DiscardReason.MESSAGE_AUTHENTICATOR_MISSING
    if packet.octets[packet.signed_at + 1] != 18 or packet.is_repeated(MESSAGE_AUTHENTICATOR):
        return DiscardReason.MESSAGE_AUTHENTICATOR_MALFORMED
    if not nas.shared_secret.has_signed(packet):
        return DiscardReason.MESSAGE_AUTHENTICATOR_WRONG
    return None


def refuse_accounting(packet: Packet, nas: Nas) -> DiscardReason | None:
    """Return what is wrong with the authenticators of an Accounting-Request, or None if they are right.

    RFC 2866 section 3, RFC 5080 section 2.3.3; a Message-Authenticator is made over zeros in the header's field, too.
    """
    if not nas.shared_secret.has_authenticated(packet):
        return DiscardReason.ACCOUNTING_AUTHENTICATOR_WRONG
    if not packet.signed_at:
        return None
    return refuse_signature(decode_packet(without_authenticator(packet)), nas)


def _refuse_unsigned(packet: Packet, nas: Nas, source: str) -> DiscardReason | None:
    section = nas.section
    if packet.marks & HAS_EAP:
        return DiscardReason.EAP_UNAUTHENTICATED
    if section.require_message_authenticator is _YES:
        return DiscardReason.MESSAGE_AUTHENTICATOR_MISSING
    if not packet.marks & HAS_PROXY_STATE:
        return None
    if section.require_message_authenticator is _AUTO and nas.has_signed(source):
        return DiscardReason.MESSAGE_AUTHENTICATOR_MISSING
    return DiscardReason.PROXY_STATE_UNAUTHENTICATED if section.rules.limit_proxy_state else None
