"""The systemd unit: systemd understands it, and it agrees with the gateway's own bounds."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from gateway.cli.stop import MARGIN_S
from gateway.config.drafting import USER
from gateway.config.general import GATEWAY

UNIT = Path(__file__).parents[2] / "conf" / "radgate.service"
SYSUSERS = UNIT.with_suffix(".sysusers")
TEXT = UNIT.read_text()
SETTINGS = dict(re.findall(r"^(\w+)=(.*)$", TEXT, re.MULTILINE))
COMMAND = "/opt/radgate/bin/radgate"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_every_line(tmp_path):
    (tmp_path / "radgate").write_text("#!/bin/sh\n")
    (tmp_path / "radgate").chmod(0o755)
    unit = tmp_path / "radgate.service"
    unit.write_text(re.sub("(?m)^#(?=[A-Z])", "", TEXT.replace(COMMAND, str(tmp_path / "radgate"))))
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert [line for line in verified.stderr.splitlines() if "radgate" in line] == []
    assert verified.returncode == 0


def test_it_calls_commands_that_there_are():
    assert (SETTINGS["ExecStart"], SETTINGS["ExecReload"]) == (f"{COMMAND} run", f"{COMMAND} reload")


def test_a_stop_has_time_to_finish_pending_logins():
    assert float(SETTINGS["TimeoutStopSec"]) >= float(GATEWAY["drain_timeout_s"]) + MARGIN_S


def test_descriptors_suffice_for_every_pending_login():
    assert int(SETTINGS["LimitNOFILE"]) > 2 * int(GATEWAY["max_pending"])


def test_only_an_error_in_the_file_is_not_tried_again():
    assert int(SETTINGS["RestartPreventExitStatus"]) == Exit.CONFIGURATION


def test_a_worker_without_memory_does_not_stop_the_gateway():
    assert SETTINGS["OOMPolicy"] == "continue"


def test_the_user_of_the_recipe_is_the_one_that_init_writes():
    lines = [line for line in SYSUSERS.read_text().splitlines() if not line.startswith("#")]
    assert [line.split()[:2] for line in lines] == [["u", USER]]
    assert f"user={USER} in [gateway]" in TEXT


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is not installed")
def test_systemd_makes_the_user(tmp_path):
    (tmp_path / "etc").mkdir()
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", "-"], input=SYSUSERS.read_text(), text=True, check=True)
    assert (tmp_path / "etc" / "passwd").read_text().startswith(f"{USER}:")
