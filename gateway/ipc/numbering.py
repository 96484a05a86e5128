"""What numbers in the records of a journal mean, said in the journal itself: so that whoever finds it can read it."""

import msgspec


class Numbering(msgspec.Struct, array_like=True, frozen=True):
    """What numbers in a journal's records mean.

    Attributes:
        listening: the texts of the listening addresses, by number.
        n_buckets: sockets that share each of them; 0 where nobody has said.
    """

    listening: list[str] = []
    n_buckets: int = 0


def encode_numbering(numbering: Numbering) -> bytes:
    """Pack it."""
    return msgspec.msgpack.encode(numbering)


def decode_numbering(octets: bytes) -> Numbering:
    """Return what `encode_numbering` packed. Raises one of `records.UNREADABLE`."""
    return msgspec.msgpack.decode(octets, type=Numbering)
