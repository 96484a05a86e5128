"""Looking at processes and at the gateway's control socket."""

import json
import os
import socket
import subprocess
import sys
import threading

import pytest

from bench.observe import Observer, Process, ask_gateway, children_of, usage_of
from tests.children import child


@pytest.fixture
def control(tmp_path):
    """A control socket that answers each request with the next of `answers`, which are octets."""
    answers = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(tmp_path / "control.sock"))
        listening.listen()

        def serve():
            while answers:
                connection, _ = listening.accept()
                with connection, connection.makefile("rb") as lines:
                    assert json.loads(lines.readline())["command"]
                    connection.sendall(answers.pop(0))

        thread = threading.Thread(target=serve)

        def expect(*octets):
            answers.extend(octets)
            thread.start()
            return tmp_path

        yield expect
        thread.join(30)


def test_the_gateway_is_asked_over_its_control_socket(control):
    assert ask_gateway(control(b'{"ok": true, "status": {}}\n'), "status") == {"ok": True, "status": {}}


def test_what_the_gateway_declines_is_a_value_error(control):
    with pytest.raises(ValueError, match="declines to reload: not reloaded"):
        ask_gateway(control(b'{"ok": false, "error": "not reloaded"}\n'), "reload")


def test_a_gateway_that_hangs_up_or_is_not_there_is_an_os_error(control, tmp_path):
    with pytest.raises(OSError, match="hung up"):
        ask_gateway(control(b""), "status")
    with pytest.raises(FileNotFoundError):
        ask_gateway(tmp_path / "nowhere", "status")


def test_a_process_that_is_gone_has_used_nothing():
    usage = usage_of(os.getpid())
    assert usage is not None
    assert usage.cpu_s > 0
    assert usage.rss_bytes > 1_000_000
    with child([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert process.pid in children_of(os.getpid())
        process.communicate(b"\n")
    assert usage_of(process.pid) is None
    assert process.pid not in children_of(os.getpid())


def test_samples_are_taken_from_the_beginning_to_the_end(tmp_path):
    us = Process("us", os.getpid())
    seen = threading.Event()
    looked = []

    def see(sample):
        looked.append(sample)
        if len(looked) == 3:
            seen.set()

    with Observer(tmp_path, lambda: [us], see, interval_s=0.01) as observer:
        assert seen.wait(30)
    assert len(observer.samples) >= 4
    assert observer.samples == looked
    assert observer.samples[0].status is None, "nobody answers here"
    assert observer.samples[-1].usage[us].cpu_s >= observer.samples[0].usage[us].cpu_s
