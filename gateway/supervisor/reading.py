"""A configuration file, read by a child: the supervisor's loop neither waits for it nor ends with it."""

from gateway.config.read_outcome import (
    ReadOutcome,
    decode_outcome,
)
from gateway.config.writing import explain_error
from gateway.supervisor.helper import HelperEnd, run_helper

READING_MODULE = "gateway.config"
READ_TIMEOUT_S = 60.0
READING_NICENESS = 19  # logins go first


async def read_in_child(path: str, timeout_s: float = READ_TIMEOUT_S) -> ReadOutcome:
    """Return what the file says. A child that fails is a problem among others; nothing is raised."""
    try:
        return _decode(await run_helper([READING_MODULE, path], timeout_s, niceness=READING_NICENESS), path)
    except TimeoutError:
        return _failure(path, f"reading it took longer than {timeout_s:g} s")
    except OSError as error:
        return _failure(path, f"no process can be started to read it: {explain_error(error)}")


def _decode(end: HelperEnd, path: str) -> ReadOutcome:
    try:
        return decode_outcome(end.octets)
    except ValueError:
        return _failure(path, f"the process that read it ended with {_describe(end)}; radgate check says more")


def _describe(end: HelperEnd) -> str:
    """Return how a child has ended, with the last of its words if it said any.

    Of an error that it did not expect only the kind is told: the text may hold what the file does. One of importing,
    which is what a broken installation gives, holds nothing of it.
    """
    last = end.words.rpartition("\n")[2]
    kind = last.partition(":")[0]
    if "Traceback" in end.words and kind not in ("ImportError", "ModuleNotFoundError"):
        last = kind
    return f"status {end.status}: {last}" if last else f"status {end.status}"


def _failure(path: str, text: str) -> ReadOutcome:
    return ReadOutcome(problems=[f"{path}: {text}"])
