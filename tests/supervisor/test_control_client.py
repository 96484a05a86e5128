"""Whom the commands believe."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.config.surroundings import CONTROL_SOCKET
from gateway.supervisor.control_client import ControlConnection, ControlError

NOBODY = 65534


@contextlib.contextmanager
def answering(folder: Path, user_id: int) -> Iterator[None]:
    """Let this user listen at the control socket."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / CONTROL_SOCKET))
        os.seteuid(user_id)
        try:
            listening.listen()
        finally:
            os.seteuid(os.getuid())
        yield


def test_ourselves(tmp_path):
    with answering(tmp_path, os.getuid()):
        ControlConnection(str(tmp_path), 20.0).close()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_stranger_is_not_asked_unless_we_are_root_and_the_folder_is_theirs(tmp_path, monkeypatch):
    with answering(tmp_path, NOBODY):
        with pytest.raises(ControlError, match=f"user {NOBODY} answers at {tmp_path}/control.sock"):
            ControlConnection(str(tmp_path), 20.0)
        os.chown(tmp_path, NOBODY, NOBODY)
        ControlConnection(str(tmp_path), 20.0).close()
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        with pytest.raises(ControlError, match="run_dir"):
            ControlConnection(str(tmp_path), 20.0)
