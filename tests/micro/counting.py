"""How much work a call is, in numbers that no other load on the machine changes: instructions and calls into C.

They are exact, whatever the machine, the hash seed and the build, for one minor version of CPython. What C code does
within a call (hashing, msgspec, the HTTP parser) is not seen: for that there are times, `python -m tests.micro`, and
where the hot path is compiled the instructions of the processor (`tests.micro.instructions`).
"""

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple


class Work(NamedTuple):
    """Bytecode instructions executed, and functions and methods of C called from them (classes are not among these)."""

    instructions: int
    c_calls: int


def count_work(run: Callable[[], object]) -> Work:
    """Return how much work a call of `run` is, everything that it calls counted in; it is called twice."""
    was_collecting = gc.isenabled()
    gc.disable()  # a finaliser of somebody else's garbage would be counted
    try:
        _count_once(run)  # from 3.12 on functions are prepared for it in their first run, which counts too little
        return _count_once(run)
    finally:
        if was_collecting:
            gc.enable()


def _count_once(run: Callable[[], object]) -> Work:
    instructions = c_calls = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Callable[..., Any]:
        nonlocal instructions
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            instructions += 1
        return trace

    def profile(frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal c_calls
        if event == "c_call" and frame.f_code is not _count_once.__code__:
            c_calls += 1

    tracer, profiler = sys.gettrace(), sys.getprofile()
    sys.setprofile(profile)
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(tracer)
        sys.setprofile(profiler)
    return Work(instructions, c_calls)
