"""What the supervisor hands over to a worker, or to the console: one document in a memfd, and the descriptors that it
names.

Never argv or the environment, which other users can read.
"""

import os

import msgspec

from gateway.config.settings import ConsoleSettings, LogSettings

CANNOT_START = 3  # a worker's exit status: starting it again would hardly help
LEAVE_TIMEOUT_S = 2.0  # for what waits for no person, of a worker that leaves the rest to the next gateway
REMEMBER_S = 180.0  # longer than any login lasts
FOUND = 0  # in the place of a generation: a gateway that is gone has left the journal


class GenerationOrders(msgspec.Struct, array_like=True):
    """The settings of a generation, in a memfd: the worker's own, and former ones of which logins may still wait."""

    number: int
    settings_fd: int


class SocketOrders(msgspec.Struct, array_like=True):
    """A bound socket: the number of its listening address, and its bucket among those that share the address."""

    listener: int
    bucket: int
    descriptor: int


class BucketOrders(msgspec.Struct, array_like=True):
    """The ends of a bucket's socket for packets that are passed on, see `worker.passing`: one reads, all may write."""

    bucket: int
    outlet_fd: int
    inlet_fd: int = -1


class PredecessorOrders(msgspec.Struct, array_like=True):
    """A worker from which this one takes over: dead, or of the former generation and about to hand over.

    Attributes:
        pid: its own; of a gateway that is gone, 0.
        generation: of its settings, by which its journal counts listening addresses; `FOUND` for one of a gateway that
            is gone.
        link_fd: on which it tells what becomes of its logins; None for one that is dead.
        has_handed_over: it did so already, to a worker that has died since.
    """

    pid: int
    generation: int
    journal_fd: int
    link_fd: int | None = None
    has_handed_over: bool = False

    @property
    def lives(self) -> bool:
        """Whether it can still tell; a supervisor of older code writes -1 for the link of one that cannot."""
        return self.link_fd is not None and self.link_fd >= 0

    @property
    def is_found(self) -> bool:
        """Whether it was a worker of a gateway that is gone."""
        return self.generation == FOUND


class Orders(msgspec.Struct):
    """All that a worker needs.

    Attributes:
        generations: its own first.
        key: random octets that make digests and checksums; the same in all workers.
        channel_fd: to the supervisor, see `worker_channel`.
        ledger_fd: where finished logins are shown, see `ledger`.
        buckets: all that share each listening address.
        log_fds: the supervisor's descriptors of the log files, by name; for where the worker cannot open them.
        instance: the name of this gateway among those of a fleet, from its start to its end.
        waits: whether it serves no sooner than it hears `worker_channel.Serve`: another generation does.
        stderr_fd: standard error from when it has announced itself; what it says before is kept for the supervisor.
    """

    slot: int
    n_workers: int
    generations: list[GenerationOrders]
    key: bytes
    channel_fd: int
    board_fd: int
    journal_fd: int
    sockets: list[SocketOrders]
    predecessors: list[PredecessorOrders]
    ledger_fd: int = -1
    buckets: list[BucketOrders] = []
    log_fds: dict[str, int] = {}
    stderr_fd: int = -1
    instance: str = ""
    waits: bool = False

    @property
    def descriptors(self) -> list[int]:
        """All descriptors that the worker must inherit."""
        found = [self.channel_fd, self.board_fd, self.journal_fd, self.ledger_fd, self.stderr_fd]
        found += self.log_fds.values()
        found += [generation.settings_fd for generation in self.generations]
        found += [each.descriptor for each in self.sockets]
        for each in self.buckets:
            found += [each.outlet_fd, each.inlet_fd]
        for predecessor in self.predecessors:
            found.append(predecessor.journal_fd)
            if predecessor.link_fd is not None:
                found.append(predecessor.link_fd)
        return [descriptor for descriptor in found if descriptor >= 0]

    def __repr__(self) -> str:
        """Hide the key."""
        return f"<Orders slot={self.slot} generation={self.generations[0].number}>"


class ConsoleOrders(msgspec.Struct):
    """All that the console needs; the secrets of Duo and of RADIUS clients are none of it.

    Attributes:
        channel_fd: to the supervisor, see `console_channel`.
        listening_fd: a TCP socket that listens already.
        log_fds, stderr_fd: as a worker's.
    """

    channel_fd: int
    listening_fd: int
    console: ConsoleSettings
    log: LogSettings
    log_fds: dict[str, int] = {}
    stderr_fd: int = -1

    @property
    def descriptors(self) -> list[int]:
        """All descriptors that the console must inherit."""
        found = [self.channel_fd, self.listening_fd, self.stderr_fd, *self.log_fds.values()]
        return [descriptor for descriptor in found if descriptor >= 0]


def take_stderr(descriptor: int) -> None:
    """Make this descriptor standard error, which was a file for the supervisor so far; -1: leave it."""
    if descriptor >= 0:
        os.dup2(descriptor, 2)
        os.close(descriptor)


def encode_orders(orders: Orders | ConsoleOrders) -> bytes:
    """Pack orders for a memfd that the one who gets them alone inherits."""
    return msgspec.msgpack.encode(orders)


def decode_orders(octets: bytes) -> Orders:
    """Return the orders that `encode_orders` packed."""
    return msgspec.msgpack.decode(octets, type=Orders)


def decode_console_orders(octets: bytes) -> ConsoleOrders:
    """Return the console's orders that `encode_orders` packed."""
    return msgspec.msgpack.decode(octets, type=ConsoleOrders)
