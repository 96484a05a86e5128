"""`python -m tests.logs.writing PATH NUMBER`: append lines to a log that somebody else rotates, until stdin ends.

It prints how many they were.
"""

import asyncio
import logging
import re
import sys
from pathlib import Path

from gateway.logs import file_handler

WRITERS_LINE = re.compile(r"writer (\d+) line (\d+) x{100}")
LINES_OF_A_TURN = 7


async def write(path: Path, number: int) -> int:
    """Append until stdin ends; return the number of lines."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    file_handler.LOOK_EVERY_S = 0.001
    handler = file_handler.FileHandler(path, loop)
    n_lines = 0
    while not ended.is_set():
        for _ in range(LINES_OF_A_TURN):
            handler.write(f"writer {number} line {n_lines} {'x' * 100}", logging.INFO)
            n_lines += 1
        await asyncio.sleep(0.001)
    handler.close()
    return n_lines


if __name__ == "__main__":
    print(asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2]))))  # noqa: T201
