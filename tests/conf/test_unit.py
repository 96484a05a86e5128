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
from gateway.config.surroundings import Surroundings, read_disk
from gateway.supervisor.sockets import RECEIVE_BUFFER

UNIT = Path(__file__).parents[2] / "conf" / "radgate.service"
SYSUSERS = UNIT.with_suffix(".sysusers")
SYSCTL = UNIT.with_suffix(".sysctl")
TEXT = UNIT.read_text()
SETTINGS = dict(re.findall(r"^(\w+)=(.*)$", TEXT, re.MULTILINE))
COMMAND = "/opt/radgate/bin/radgate"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_every_line(tmp_path):
    (tmp_path / "radgate").write_text("#!/bin/sh\n")
    (tmp_path / "radgate").chmod(0o755)
    unit = tmp_path / "radgate.service"
    unit.write_text(re.sub("(?m)^#(?=[A-Z])", "", TEXT.replace(COMMAND, str(tmp_path / "radgate"))))
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
    assert [line for line in verified.stderr.splitlines() if "radgate" in line] == []
    assert verified.returncode == 0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_it_is_exposed_as_little_as_it_can_be(tmp_path):
    """2.0 at most, in systemd's own measure of what a service might do."""
    known = subprocess.run(["systemd-analyze", "security", "--help"], capture_output=True, text=True, check=True).stdout
    if "--threshold" not in known:
        pytest.skip("systemd-analyze knows no threshold: older than systemd 250")
    judge = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(UNIT)]
    judged = subprocess.run(judge, capture_output=True, text=True)
    assert judged.returncode == 0, judged.stdout


def test_nothing_is_root_and_a_low_port_is_the_one_privilege():
    assert SETTINGS["AmbientCapabilities"] == SETTINGS["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"


def test_the_folders_are_those_that_root_looks_into():
    """So that `radgate status` of root finds the gateway of another user."""
    root = Surroundings(folder="/", read_file=read_disk)
    made = {
        "RUNTIME_DIRECTORY": f"/run/{SETTINGS['RuntimeDirectory']}",
        "LOGS_DIRECTORY": f"/var/log/{SETTINGS['LogsDirectory']}",
    }
    service = Surroundings(folder="/", read_file=read_disk, environment=made, user_id=999)
    assert (service.run_dir, service.log_dir) == (root.run_dir, root.log_dir)


def test_the_kernel_grants_what_sockets_ask_for():
    (limit,) = re.findall(r"^net\.core\.rmem_max = (\d+)$", SYSCTL.read_text(), re.MULTILINE)
    assert int(limit) == RECEIVE_BUFFER


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
    assert SETTINGS["User"] == USER


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is not installed")
def test_systemd_makes_the_user(tmp_path):
    (tmp_path / "etc").mkdir()
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", "-"], input=SYSUSERS.read_text(), text=True, check=True)
    assert (tmp_path / "etc" / "passwd").read_text().startswith(f"{USER}:")
