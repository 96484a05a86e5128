"""Records of a gateway that is gone, as this one would have written them: numbers of its settings mean nothing here.

Its settings held secrets and went with it. A login is read by those of its section here, and a packet by those of its
client; what is not there any more costs that login. If the number of buckets is another one, a login belongs to its
user's bucket here. Of a reply no user is known: each worker takes all of them, and whoever gets the retransmission has
the reply.
"""

from typing import Final

import msgspec

from gateway.engine.person import account_of, bucket_of, person_of
from gateway.engine.records import LoginRecord, PacketRecord, ReplyRecord, is_of_next_secret, of_next_secret
from gateway.ipc.numbering import Numbering
from gateway.ipc.orders import REMEMBER_S

_SKEW_S: Final = 1.0  # between two processes' readings of the same clock


class FoundRecords:
    """What makes such records ours.

    Args:
        theirs: what numbers mean in them.
        generation: the number of our settings.
        n_buckets: how many there are here.
        buckets: those of this worker.
    """

    def __init__(self, theirs: Numbering, generation: int, n_buckets: int, buckets: frozenset[int]) -> None:
        self._generation = generation
        self._n_buckets = n_buckets
        self._are_same_buckets = theirs.n_buckets == n_buckets
        self._any_bucket = min(buckets, default=0)

    def login(self, record: LoginRecord) -> LoginRecord:
        """Return a login by our numbers."""
        bucket = record.bucket
        if not self._are_same_buckets:
            bucket = bucket_of(person_of(account_of(record.user_name)), self._n_buckets)
        packets = [msgspec.structs.replace(each, generation=self._of(each)) for each in record.packets]
        return msgspec.structs.replace(
            record, generation=self._generation, bucket=bucket, packets=packets, elsewhere=None
        )

    def _of(self, packet: PacketRecord) -> int:
        """Return our generation, as it is for the secret that the packet was sent with."""
        ours = self._generation
        return of_next_secret(ours) if is_of_next_secret(packet.generation) else ours

    def reply(self, record: ReplyRecord) -> ReplyRecord:
        """Return a reply by our numbers."""
        return record if self._are_same_buckets else msgspec.structs.replace(record, bucket=self._any_bucket)


def is_over(record: LoginRecord, now: float) -> bool:
    """Whether a login began too long ago for anybody to wait for it still, or after `now`, in no clock of ours."""
    return not -_SKEW_S <= now - record.started_at <= REMEMBER_S
