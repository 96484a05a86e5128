"""The standard streams of a command: there, whatever started it, and able to show what a terminal cannot."""

import contextlib
import errno
import io
import os
import sys
from typing import TextIO

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # how a disk says so; a little more may fit all the same


def open_streams() -> list[int]:
    """Have all three: what was closed is /dev/null, and no file or socket of ours takes its number. Return those."""
    closed = []
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < len(_STREAMS):
        os.set_inheritable(descriptor, True)
        closed.append(descriptor)
    os.close(descriptor)
    for number, (name, mode) in enumerate(_STREAMS):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what the terminal cannot show must not end the command
    return closed


def why_unwritten(error: OSError) -> str:
    """Return why standard output did not take what was written; empty if the error is not of that."""
    if error.filename is None and error.errno in _FULL:
        return os.strerror(error.errno)
    try:
        print(flush=True)
    except OSError as another:
        return another.strerror or str(another)
    return ""


def say(text: str) -> None:
    """Say it on standard output; that whoever reads it has had enough changes no exit status."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        write_no_more(sys.stdout)


def tell(text: str) -> None:
    """Say it on standard error; where that takes nothing either, the exit status is all that tells."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        write_no_more(sys.stderr)


def mention(text: str) -> None:
    """Say it on standard output if that takes it: what the command is about to do does not depend on who hears it."""
    try:
        print(text, flush=True)
    except OSError:
        write_no_more(sys.stdout)


def write_no_more(stream: TextIO) -> None:
    """Let the interpreter not complain at its end about what a stream does not take."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
