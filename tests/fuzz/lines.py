"""Which lines of what is fuzzed no input reaches: a program that never gets past the first check is worth nothing."""

import sys
from collections.abc import Iterator
from importlib import import_module
from inspect import CO_NEWLOCALS
from linecache import getline
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from tests.fuzz.driver import Program, Ran, run_block

Function = tuple[str, int, str]
"""The file, the line and the name of one."""


def unreached(program: Program, seed: int, n_blocks: int) -> list[str]:
    """Return the lines of a program's readers that so many blocks do not reach, each behind the name of its function.

    No more blocks are taken once all lines are reached. Nothing is seen of what is compiled.
    """
    files = [import_module(module).__file__ or "" for module in program.readers]
    missing = {function: lines for file in files for function, lines in _functions(file)}

    def at_line(frame: FrameType, _event: str, _argument: Any) -> Any:
        missing[_function(frame.f_code)].discard(frame.f_lineno)
        return at_line

    def at_call(frame: FrameType, _event: str, _argument: Any) -> Any:
        return at_line if missing.get(_function(frame.f_code)) else None

    before = sys.gettrace()
    sys.settrace(at_call)
    try:
        for block in range(n_blocks):
            run_block(program, seed, block, Ran())
            texts = _texts(missing, program.unreached)
            if not texts:
                break
    finally:
        sys.settrace(before)
    return texts


def gone(program: Program) -> frozenset[str]:
    """Return what a program says need not be reached and what is nowhere in its readers."""
    files = [import_module(module).__file__ or "" for module in program.readers]
    functions = [(file, name, lines) for file in files for (_, _, name), lines in _functions(file)]
    there = {name for _, name, _ in functions}
    there |= {f"{name}: {getline(file, line).strip()}" for file, name, lines in functions for line in lines}
    return program.unreached - there


def _texts(missing: dict[Function, set[int]], unreached: frozenset[str]) -> list[str]:
    """Return what is missing, but what need not be reached."""
    found = {
        f"{name}: {getline(file, line).strip()}": name for (file, _, name), lines in missing.items() for line in lines
    }
    return sorted(text for text, name in found.items() if unreached.isdisjoint((text, name)))


def _functions(file: str) -> Iterator[tuple[Function, set[int]]]:
    """Return the functions of a file, each with its lines."""
    codes = [compile(Path(file).read_text(), file, "exec")]
    while codes:
        code = codes.pop()
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        if code.co_flags & CO_NEWLOCALS and "<" not in code.co_name:  # no class and no module, which run once
            yield _function(code), {line for _, _, line in code.co_lines() if line and line > code.co_firstlineno}


def _function(code: CodeType) -> Function:
    return code.co_filename, code.co_firstlineno, code.co_qualname
