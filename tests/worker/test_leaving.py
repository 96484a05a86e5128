"""Workers without a supervisor: nobody goes before the others read no more."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.worker.leaving import until_nobody_reads
from tests.ipc.joining import joined


@pytest.fixture
def board(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "board", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


def test_who_reads_alone_goes_at_once(board: int):
    asyncio.run(until_nobody_reads(board, 3600.0))


def test_who_does_not_waits_until_the_last_one_reads_no_more(board: int):
    async def scene() -> None:
        with joined(board) as first, joined(board) as second:
            leaving = asyncio.create_task(until_nobody_reads(board, 3600.0))
            await asyncio.sleep(0)
            first.part()
            await asyncio.sleep(0)
            assert not leaving.done()
            second.part()
            await leaving

    asyncio.run(scene())


def test_one_that_hangs_keeps_nobody_for_ever(board: int):
    async def scene() -> None:
        with joined(board):
            await until_nobody_reads(board, 0.05)

    asyncio.run(scene())
