"""How a gateway begins: with what is there already, until every worker serves, or one never will."""

import logging
import os
from collections.abc import Callable
from typing import NamedTuple

from gateway import __version__
from gateway.config.listening import listening_addresses, served_in_words
from gateway.config.settings import Settings
from gateway.config.writing import MORE_FILES
from gateway.ipc.plan import worker_count
from gateway.supervisor.crew import Crew
from gateway.supervisor.form import hot_path
from gateway.supervisor.journals import Journals
from gateway.supervisor.limits import files_wanted, raise_file_limit
from gateway.supervisor.run_dir import RunDir
from gateway.supervisor.slots import Slot
from gateway.supervisor.sockets import ListeningSockets, bucket_count
from gateway.supervisor.stderr import say
from gateway.supervisor.terminal import Terminal
from gateway.words.english import counted

log = logging.getLogger("gateway.supervisor")

START_TRIES = 3  # of a slot, while no worker has ever served: then the gateway cannot start
FAIR_BUFFER = 1_048_576  # octets of receive buffer; with less, datagrams of a rush are lost


class Premises(NamedTuple):
    """What a gateway begins with.

    Attributes:
        run_dir: its folder, locked.
        journals: those in it.
        terminal: that we were started from, as it was before signals were held.
        sockets: bound by the code before us in this process; None if there was none.
    """

    run_dir: RunDir
    journals: Journals
    terminal: Terminal
    sockets: ListeningSockets | None = None


def bind_sockets(settings: Settings, inherited: ListeningSockets | None) -> ListeningSockets:
    """Return sockets for these settings: those that are bound already, where they are as the addresses want them.

    Raises:
        CannotListen: an address cannot be bound.
    """
    raise_file_limit(files_wanted(settings).in_all)
    addresses, n_workers = listening_addresses(settings), worker_count(settings)
    if inherited is None or inherited.n_buckets < n_workers:
        if inherited is not None:
            inherited.close()
        return ListeningSockets(addresses, bucket_count(n_workers))
    sockets = ListeningSockets(addresses, inherited.n_buckets, [inherited])
    inherited.close([sockets])
    return sockets


def say_what_starts(config: str) -> None:
    """Log the first line: which version begins, with which file."""
    log.info("radgate %s begins, pid %d, configuration file %s", __version__, os.getpid(), config)


class Beginning:
    """The time until every worker serves.

    Args:
        announce: told once, in one line, when they do.
    """

    def __init__(self, announce: Callable[[str], None]) -> None:
        self._announce = announce
        self._has_served = False
        self.is_over = False

    def say_start(self, crew: Crew) -> None:
        """Log what is started, and what this machine grants too little of."""
        log.info("Starting workers (%d) for %s", len(crew.slots), served_in_words(crew.plan.settings))
        _check_file_limit(crew)
        granted = crew.plan.sockets.receive_buffer
        if granted < FAIR_BUFFER:
            log.warning(
                "The kernel grants sockets %d bytes of receive buffer: when many requests come at once, "
                "some may be lost; raise it with sysctl net.core.rmem_max=4194304",
                granted,
            )

    def worker_serves(self, crew: Crew, page: str) -> bool:
        """Announce the gateway if it is the last worker that was waited for; return whether it was.

        Args:
            crew: the worker's, of the present generation.
            page: where the status page is, in words; empty where none is wanted.
        """
        self._has_served = True
        if self.is_over or not crew.generation.is_ready:
            return False
        where = [served_in_words(crew.plan.settings, "udp ")]
        where += [page] if page else []
        workers = counted(len(crew.slots), "worker")
        self._announce(f"radgate ready: {workers}, hot path {hot_path()}, {', '.join(where)}")
        self.is_over = True
        return True

    def is_hopeless(self, slot: Slot, *, is_final: bool = False) -> bool:
        """Whether the gateway cannot start, which is said then, because nobody can be put at a slot.

        Args:
            slot: whose worker has just failed.
            is_final: that worker has said that no other one could start.
        """
        if self.is_over or not (is_final or (not self._has_served and slot.n_failures >= START_TRIES)):
            return False
        log.error("Worker %d cannot start: %s", slot.number, slot.trouble)
        say(f"radgate: cannot start: worker {slot.number}: {slot.trouble}")
        return True


def _check_file_limit(crew: Crew) -> None:
    """Say so if a worker may not have enough files."""
    plan = crew.plan
    wanted = files_wanted(plan.settings).in_all
    granted = raise_file_limit(wanted)
    if granted < wanted:
        log.warning(
            "A process may open %d files here; %d are needed for max_pending=%d logins in %s: %s, or lower max_pending",
            *(granted, wanted, plan.settings.gateway.max_pending, counted(plan.n_workers, "worker"), MORE_FILES),
        )
