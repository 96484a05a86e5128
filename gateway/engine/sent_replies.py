"""A reply as octets, in a journal: packed by hand, for each login writes one.

    expires_at, listener, bucket, port, flow label, scope, octets of host, digest and reply; host; digest; reply

What a later version adds behind the reply is not read.
"""

from struct import Struct
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.engine.records import ReplyRecord

if TYPE_CHECKING:
    from gateway.engine.peer import Address

_HEAD: Final = Struct("=diiIIIBBH")


def packed_reply(
    address: "Address", listener: int, bucket: int, digest: bytes, reply: bytes, expires_at: float
) -> bytes:
    """Return a reply's octets; the arguments are a `ReplyRecord`'s."""
    host = address[0].encode()
    flow = scope = 0
    if len(address) == 4:
        flow, scope = address[2], address[3]
    head = _HEAD.pack(expires_at, listener, bucket, address[1], flow, scope, len(host), len(digest), len(reply))
    return b"".join([head, host, digest, reply])


def unpacked_reply(octets: bytes) -> ReplyRecord:
    """Return what these octets tell of.

    Raises:
        one of `records.UNREADABLE`: they are no reply.
    """
    expires_at, listener, bucket, port, flow, scope, *sizes = _HEAD.unpack_from(octets)
    digest_at = _HEAD.size + sizes[0]
    reply_at = digest_at + sizes[1]
    end = reply_at + sizes[2]
    host = octets[_HEAD.size : digest_at].decode()
    if not host or end > len(octets):
        raise ValueError("this is no reply")
    address = (host, port, flow, scope) if ":" in host else (host, port)
    fields = (address, listener, bucket, octets[digest_at:reply_at], octets[reply_at:end], expires_at)
    return msgspec.convert(fields, ReplyRecord)  # which looks at the instant
