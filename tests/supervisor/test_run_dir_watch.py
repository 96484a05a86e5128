"""A gateway whose folder somebody has removed is found again, or says that it cannot be."""

import asyncio
import os
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import NamedTuple

import pytest
import uvloop

from gateway.ipc.numbering import Numbering
from gateway.supervisor.control import ControlSocket
from gateway.supervisor.control_client import ask
from gateway.supervisor.journals import Journals
from gateway.supervisor.run_dir import RunDir, RunDirUnusable
from gateway.supervisor.run_dir_watch import RunDirWatch
from tests.descriptors import targets
from tests.supervisor.scripted import ScriptedArbiter

STATUS = {"pid": 1}


class Found(NamedTuple):
    """What is watched, and who watches."""

    run_dir: RunDir
    journals: Journals
    watch: RunDirWatch

    def is_in_place(self) -> bool:
        return self.run_dir.is_in_place

    async def is_found(self) -> bool:
        """Whether a command finds the gateway, by a socket of its own user alone."""
        answer = await asyncio.to_thread(ask, str(self.run_dir.path), "status", 20.0)
        return bool(answer["status"] == STATUS)


Scene = Callable[[Found], Coroutine[None, None, None]]


def play(path: Path, scene: Scene) -> None:
    async def main() -> None:
        run_dir = RunDir(path)
        control, journals = ControlSocket(run_dir, ScriptedArbiter(STATUS)), Journals(run_dir)
        await control.open()
        found = Found(run_dir, journals, RunDirWatch(run_dir, control, journals))
        await found.watch.look()
        assert run_dir.is_in_place
        await scene(found)
        await control.close()
        journals.release()
        run_dir.release()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    assert not any(str(path.parent) in target for target in targets())


def remove_all(path: Path) -> None:
    shutil.rmtree(path)


def remove_content(path: Path) -> None:
    shutil.rmtree(path / "journals")
    (path / "radgate.pid").unlink()
    (path / "control.sock").unlink()


def remove_socket(path: Path) -> None:
    (path / "control.sock").unlink()


def exchange(path: Path) -> None:
    path.rename(path.with_name("former"))
    path.mkdir(mode=0o700)


@pytest.mark.parametrize("harm", [remove_all, remove_content, remove_socket, exchange])
def test_what_is_gone_is_made_anew(tmp_path, caplog, harm):
    async def scene(found: Found) -> None:
        harm(tmp_path / "run")
        assert not found.is_in_place()
        await found.watch.look()
        assert found.is_in_place()
        assert await found.is_found()
        assert (tmp_path / "run" / "radgate.pid").read_text() == f"{os.getpid()}\n"
        with pytest.raises(RunDirUnusable, match=f"another radgate .pid {os.getpid()}. uses"):
            RunDir(tmp_path / "run")
        found.journals.close(found.journals.create(1, Numbering([], 1)))

    play(tmp_path / "run", scene)
    assert f"run_dir {tmp_path}/run, or a file in it, was gone and has been made anew" in caplog.text
    assert "only in memory" not in caplog.text
    assert ("The folder of journals was gone" in caplog.text) == (harm is not remove_socket)
    assert list((tmp_path / "run").iterdir()) == []


def test_what_cannot_be_made_anew_is_said_once_and_tried_again(tmp_path, caplog):
    async def scene(found: Found) -> None:
        shutil.rmtree(tmp_path / "run")
        (tmp_path / "run").touch()
        for _ in range(2):
            await found.watch.look()
        assert caplog.text.count("No command finds this gateway any more, for its run_dir is gone: cannot use ") == 1
        assert f"kill -TERM {os.getpid()} ends it" in caplog.text
        (tmp_path / "run").unlink()
        await found.watch.look()
        assert await found.is_found()

    play(tmp_path / "run", scene)


def test_a_folder_that_another_gateway_has_by_now_is_left_to_it(tmp_path, caplog):
    async def scene(found: Found) -> None:
        shutil.rmtree(tmp_path / "run")
        other = RunDir(tmp_path / "run")
        await found.watch.look()
        assert "another radgate" in caplog.text
        other.release()
        await found.watch.look()
        assert await found.is_found()

    play(tmp_path / "run", scene)
