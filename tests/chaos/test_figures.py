"""What the programs say of themselves and of what they lack."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.integration
def test_without_a_store_a_line_says_what_to_install(tmp_path: Path):
    for needed in ("sh", "mktemp", "rm", "sleep"):
        (tmp_path / needed).symlink_to(str(shutil.which(needed)))
    ran = subprocess.run(
        [sys.executable, "-m", "tests.chaos.hosts_both"],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env={**os.environ, "PATH": str(tmp_path), "TMPDIR": str(tmp_path)},
    )
    (line,) = ran.stderr.splitlines()
    assert line.startswith(
        "cannot start: several hosts share a store, and neither valkey-server nor redis-server is here"
    )
    assert ran.returncode == 1
