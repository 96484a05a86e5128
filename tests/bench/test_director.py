"""Events that fail are told of."""

import os
import socket
import threading
import time
from types import SimpleNamespace

import pytest

from bench.director import Director
from bench.scenario import Event


@pytest.fixture
def stage(tmp_path):
    """A gateway without workers, which is this process."""
    return SimpleNamespace(run_dir=tmp_path, gateway=SimpleNamespace(process=SimpleNamespace(pid=os.getpid())))


def performed(stage, *events):
    """Return what came of events once each has been tried."""
    with Director(stage, events) as director:
        director.begin(time.monotonic())
        for thread in director._threads:
            thread.join(30)
    return director.marked


def test_a_reload_that_is_declined_has_failed(stage):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.bind(str(stage.run_dir / "control.sock"))
        control.listen()

        def decline():
            connection, _ = control.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b'{"ok": false, "error": "port 1812 is taken"}\n')

        thread = threading.Thread(target=decline)
        thread.start()
        (reload,) = performed(stage, Event(0.0, "reload"))
        thread.join(30)
    assert reload.failed
    assert reload.note == "the gateway declines to reload: port 1812 is taken"


def test_every_event_that_cannot_be_performed_has_failed(stage):
    reload, kill = performed(stage, Event(0.0, "reload"), Event(0.0, "kill-worker"))
    assert (reload.failed, reload.text) == (True, "reload")
    assert (kill.failed, kill.note) == (True, "there was no worker")


def test_what_the_run_was_too_short_for_has_failed(stage):
    with Director(stage, [Event(1e6, "reload")]) as director:
        director.begin(time.monotonic())
    (reload,) = director.marked
    assert (reload.at_s, reload.failed, reload.note) == (1e6, True, "the run was over before")
