"""That a scene leaves nothing behind, whenever it ends."""

import asyncio
import os
from pathlib import Path

import pytest

from bench.observe import children_of
from tests.chaos.figures import play
from tests.chaos.scene import Scene

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("n_started", [1, 2], ids=["its Duo", "its gateway"])
def test_what_it_was_starting_when_it_was_cancelled_has_ended_with_it(tmp_path: Path, n_started: int) -> None:
    before = set(children_of(os.getpid()))

    def started() -> set[int]:
        return set(children_of(os.getpid())) - before

    async def enter_and_be_cancelled() -> None:
        entering = asyncio.ensure_future(Scene(tmp_path, []).__aenter__())
        while len(started()) < n_started:  # noqa: ASYNC110 -- the kernel does not tell
            await asyncio.sleep(0.01)
        entering.cancel()
        await asyncio.wait([entering])
        assert entering.cancelled()

    play(enter_and_be_cancelled())
    assert started() == set()
