"""Whole runs in processes of their own."""

import multiprocessing
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from bench.radius_load.plan import LoadError, LoadPlan, Mix, phases_from_text
from bench.radius_load.processes import run_load
from gateway.radius.dictionary import USER_NAME
from tests.bench.radius_load.responder import SECRET, Responder, accept, duo

PHASES = phases_from_text("200x0.6")


def test_processes_share_the_load():
    told = []
    with Responder(duo) as responder:
        plan = LoadPlan(
            targets=(responder.target,),
            shared_secret=SECRET,
            phases=PHASES,
            mix=Mix(passcode=0.5, push_denied=0.5),
            n_processes=2,
            n_nas=8,
            cores=tuple(os.sched_getaffinity(0)),
            drain_s=30.0,
        )
        result = run_load(plan, told.append)
    assert (result.planned, result.answered, result.unexpected, result.invalid) == (120, 120, 0, 0)
    assert len({source for source, _ in responder.heard}) == 8
    assert len(told) >= 1
    assert told[0].sent > 0


def test_processes_never_draw_the_same_user():
    with Responder(lambda request, n_before: []) as responder:
        plan = LoadPlan(
            targets=(responder.target,), shared_secret=SECRET, phases=PHASES, n_users=7, n_processes=3, drain_s=0.0
        )
        result = run_load(plan)
    names = [name for packet in responder.packets for name in packet.values(USER_NAME)]
    assert len(names) == len(set(names)) == result.sent == 7


def test_an_address_that_is_not_here_is_said_so():
    plan = LoadPlan(targets=(("127.0.0.1", 9),), shared_secret=SECRET, phases=PHASES, source_network="192.0.2.0/24")
    with pytest.raises(LoadError, match=r"no port for a NAS in 192\.0\.2\.0/24: Cannot assign"):
        run_load(plan)


def test_a_soft_limit_of_open_files_does_not_limit_the_nas():
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Responder(accept) as responder:
        plan = LoadPlan(targets=(responder.target,), shared_secret=SECRET, phases=PHASES, n_nas=300, drain_s=30.0)
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, limits[1]))
        try:
            assert run_load(plan).answered == 120
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_hard_limit_of_open_files_is_named(tmp_path):
    """In a process of its own, for a hard limit is lowered once and for all."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    command = ["-m", "bench.radius_load", "--target", "127.0.0.1:9", "--secret-file", secret, "--n-nas", "300"]
    ended = subprocess.run(
        [sys.executable, *command],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.endswith("a process may have 100 open files; raise the hard limit (ulimit -n), or ask for fewer n_nas")


def test_a_process_that_dies_ends_the_run_and_leaves_none_behind():
    def end_one(_: object) -> None:
        multiprocessing.active_children()[0].kill()

    with Responder(accept) as responder:
        plan = LoadPlan(
            targets=(responder.target,), shared_secret=SECRET, phases=phases_from_text("50x60"), n_processes=2
        )
        with pytest.raises(LoadError, match="has died"):
            run_load(plan, end_one)
    assert multiprocessing.active_children() == []


def test_no_process_has_the_secret_in_its_arguments_or_environment():
    seen = []

    def look(_: object) -> None:
        for child in multiprocessing.active_children():
            seen.extend(Path(f"/proc/{child.pid}/{name}").read_bytes() for name in ("cmdline", "environ"))

    with Responder(accept) as responder:
        run_load(LoadPlan(targets=(responder.target,), shared_secret=SECRET, phases=PHASES), look)
    assert len(seen) >= 2
    assert not any(SECRET.encode() in octets for octets in seen)
