"""Where a request came from, and by which way its answer goes back."""

from typing import Final, TypeAlias, final

from mypy_extensions import mypyc_attr

from gateway.values import Value

Address: TypeAlias = tuple[str, int] | tuple[str, int, int, int]
TransactionKey: TypeAlias = str  # it remembers its hash, which a tuple does not
Path: TypeAlias = list[tuple[int, int, bytes]]
_NO_PATH: Final[Path] = []
_CHARACTERS: Final = [chr(number) for number in range(256)]


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Peer(Value):
    """Where a request came from and by which way the answer goes back.

    Attributes:
        address: the source as the socket gives it: host, port, and for IPv6 flow label and scope.
        listener: which listening address it came to.
        path: for the network side alone: the local address that was asked.
        bucket: which of the sockets that share the listening address it came to; all packets of a user come to one.
    """

    __slots__ = ("_name", "address", "bucket", "listener", "path")

    def __init__(self, address: Address, listener: int, path: Path = _NO_PATH, bucket: int = 0) -> None:
        self.address = address
        self.listener = listener
        self.path = path
        self.bucket = bucket
        self._name = ""

    def key(self, identifier: int) -> TransactionKey:
        """Return what RFC 5080 section 2.2.2 tells requests apart by, before the Request Authenticator."""
        if not self._name:
            self._name = f"{self.address} {self.listener} "
        return self._name + _CHARACTERS[identifier]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Peer) or self.listener != other.listener or self.bucket != other.bucket:
            return False
        return self.address == other.address and self.path == other.path

    __hash__ = Value.__hash__
