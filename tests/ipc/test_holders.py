"""Who has a file, as locks tell it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.ipc.holders import is_abandoned, join, part, share, sign, signer
from tests.children import child
from tests.ipc.joining import joined

HOLD_IT = """\
import sys
from gateway.ipc.holders import sign
if sys.argv[2] == "sign":
    sign(int(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.touch()
    return path


@pytest.fixture
def ours(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("word", ["sign", "do not"])
def test_a_file_is_abandoned_once_the_last_that_inherited_it_has_ended(path: Path, ours: int, word: str):
    theirs = os.open(path, os.O_RDWR)
    share(theirs)
    arguments = [sys.executable, "-P", "-c", HOLD_IT, str(theirs), word]
    with child(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[theirs]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        os.close(theirs)
        assert not is_abandoned(ours)
        assert signer(ours) == (process.pid if word == "sign" else 0)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        assert is_abandoned(ours)
        assert signer(ours) == 0


def test_what_we_have_alone_nobody_else_has(path: Path, ours: int):
    assert is_abandoned(ours)
    assert is_abandoned(ours)
    other = os.open(path, os.O_RDWR)
    assert not is_abandoned(other)
    os.close(other)


def test_our_own_signature_is_nobody_elses(ours: int):
    sign(ours)
    assert signer(ours) == 0


def test_whoever_is_at_work_with_a_file_is_seen_by_the_others_until_it_parts_or_dies(ours: int):
    with joined(ours) as first, joined(ours) as second:
        join(ours)
        assert signer(ours) in (first.pid, second.pid)
        part(ours)
        first.part()
        assert signer(ours) == second.pid
        second.process.send_signal(signal.SIGKILL)
        second.process.wait(20)
        assert signer(ours) == 0
