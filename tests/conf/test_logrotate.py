"""The sample for logrotate: logrotate understands it, and it agrees with the unit and the gateway."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.config.drafting import USER
from gateway.logs.setup import AUTH_EVENTS_FILE, LOG_FILE
from gateway.supervisor.run_dir import PID_FILE

SAMPLE = Path(__file__).parents[2] / "conf" / "radgate.logrotate"
TEXT = SAMPLE.read_text()


@pytest.mark.skipif(shutil.which("logrotate") is None, reason="logrotate is not installed")
def test_logrotate_understands_it(tmp_path):
    sample = tmp_path / "radgate"
    sample.write_text(TEXT.replace("/var/log/radgate", str(tmp_path)).replace("    su radgate radgate\n", ""))
    sample.chmod(0o644)
    (tmp_path / LOG_FILE).write_text("a line\n")
    state = ["--state", str(tmp_path / "state")]
    done = subprocess.run(["logrotate", "--force", *state, str(sample)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / f"{LOG_FILE}.1").exists()


def test_it_moves_both_logs_and_tells_the_supervisor():
    (pattern,) = re.findall(r"^(/\S+) \{$", TEXT, re.MULTILINE)
    assert all(Path("/var/log/radgate", name).match(pattern) for name in (LOG_FILE, AUTH_EVENTS_FILE))
    assert f'kill -USR1 "$(cat /run/radgate/{PID_FILE})"' in TEXT
    assert "delaycompress" in TEXT
    assert f"    su {USER} {USER}\n" in TEXT  # whoever owns the folder could lead root elsewhere


def test_it_tells_those_who_have_no_such_user_what_to_write():
    assert "behind su whom they belong to" in TEXT.partition("{")[0]
