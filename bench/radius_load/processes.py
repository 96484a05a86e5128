"""The processes that send, started by exec; the plan, with its secret, goes to them through a pipe."""

import errno
import gc
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection, wait

from bench import descriptors
from bench.endings import die_with
from bench.radius_load.fleet import Fleet, Progress
from bench.radius_load.plan import LoadError, LoadPlan
from bench.radius_load.result import LoadResult, Record, merge

SILENCE_S = 30.0  # a process that has not told for so long how far it is hangs
_BEGIN_AFTER_S = 0.05  # all processes know the instant by then
_READY = "ready"


def run_load(plan: LoadPlan, on_progress: Callable[[Progress], None] | None = None) -> LoadResult:
    """Make the load and return what became of it, after `plan.duration_s`, and `plan.drain_s` more at the most.

    `on_progress` is told twice a second how far all processes have come.

    Raises:
        LoadError: a process could not start, or ended before its time.
    """
    with ExitStack() as stack:
        pipes = [stack.enter_context(_sender(plan, process)) for process in range(plan.n_processes)]
        for pipe in pipes:
            _next_word(pipe)
        began_at = time.monotonic() + _BEGIN_AFTER_S
        for pipe in pipes:
            pipe.send(began_at)
        return merge(plan, _records(pipes, on_progress or (lambda _: None)), began_at)


@contextmanager
def _sender(plan: LoadPlan, process: int) -> Iterator[Connection]:
    """Start a process; it is gone on leaving."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(
        target=_send_load, args=(plan, process, theirs, os.getpid()), name=f"load-{process}", daemon=True
    )
    child.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        child.terminate()
        child.join()


def _records(pipes: Sequence[Connection], on_progress: Callable[[Progress], None]) -> list[Record]:
    """Wait for every process's record."""
    records: dict[int, Record] = {}
    progress: dict[int, Progress] = {}
    running = set(range(len(pipes)))
    told: set[int] = set()
    while running:
        ready = wait([pipes[index] for index in running], SILENCE_S)
        for index in [index for index in running if not ready or pipes[index] in ready]:
            word = _next_word(pipes[index])
            if isinstance(word, Progress):
                progress[index] = word
                told.add(index)
            elif isinstance(word, Record):
                records[index] = word
                running.remove(index)
        if told and told >= running:
            told.clear()
            on_progress(_together(progress.values()))
    return [records[index] for index in range(len(pipes))]


def _together(progress: Iterable[Progress]) -> Progress:
    at_s, *counts = zip(*progress, strict=True)
    return Progress(max(at_s), *(sum(count) for count in counts))


def _next_word(pipe: Connection) -> object:
    """Return what a process says next.

    Raises:
        LoadError: it says that it cannot go on, or nothing.
    """
    try:
        word = pipe.recv() if pipe.poll(SILENCE_S) else LoadError("a process of the load hangs")
    except EOFError:
        word = LoadError("a process of the load has died")
    if isinstance(word, LoadError):
        raise word
    return word


def _send_load(plan: LoadPlan, process: int, pipe: Connection, parent: int) -> None:
    """What a process does."""
    die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told too, and ends us
    if plan.cores:
        os.sched_setaffinity(0, {plan.cores[process % len(plan.cores)]})
    descriptors.allow_all()  # each NAS is a socket
    gc.disable()  # it would find nothing, for a login's objects are freed when it ends, and take long over it
    try:
        fleet = Fleet(plan, process)
    except OSError as error:
        pipe.send(LoadError(f"no port for a NAS in {plan.source_network}: {_why(error)}"))
        return
    try:
        pipe.send(_READY)
        pipe.send(fleet.run(pipe.recv(), pipe.send))
    except (EOFError, BrokenPipeError):  # the parent has gone
        pass


def _why(error: OSError) -> str:
    if error.errno != errno.EMFILE:
        return str(error.strerror)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return f"a process may have {hard} open files; raise the hard limit (ulimit -n), or ask for fewer n_nas"
