"""`make demo FLEET=1`: what it shows is so, and it says what it lacks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import store
from bench.fleet_demo import SCENES
from bench.store import StoreProcess, find_program

needs_store = pytest.mark.skipif(find_program() is None, reason="neither valkey-server nor redis-server is installed")


def run_demo(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "bench.demo", "--fleet"],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
        env={**os.environ, "TMPDIR": str(folder), **environment},
    )


@pytest.mark.integration
@needs_store
def test_every_scene_ends_as_it_should_and_nothing_is_left(short_folder):
    said = run_demo(short_folder)
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.count("\nok ") == len(SCENES)
    assert "WRONG" not in said.stdout
    assert list(short_folder.iterdir()) == []


@pytest.mark.integration
def test_without_a_store_it_says_what_to_install(short_folder, tmp_path):
    for program in ("sh", "mktemp", "rm", "sleep", "apt-get"):
        (tmp_path / program).symlink_to(f"/bin/{program}")
    said = run_demo(short_folder, PATH=str(tmp_path))
    assert said.returncode == 1
    assert said.stdout == ""
    assert said.stderr == (
        "The demo could not start: several hosts share a store, and neither valkey-server nor redis-server is here; "
        "install one: apt-get install redis-server\n"
    )


def test_valkey_comes_first(monkeypatch):
    monkeypatch.setattr(store.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert find_program() == "/usr/bin/valkey-server"
    monkeypatch.setattr(store.shutil, "which", lambda _name: None)
    assert find_program() is None
    assert store.remedy() == "install Valkey or Redis (6.2 or newer)"


@needs_store
def test_a_store_answers_and_ends(short_folder):
    with StoreProcess(short_folder) as running:
        assert running.url == f"unix://{short_folder}/store.sock"
        assert running.process.poll() is None
    assert running.process.returncode is not None
