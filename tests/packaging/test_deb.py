"""What the Debian package is made of; `make try-deb` builds it, installs it and logs in (trial_install.py)."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.cli.main import DEFAULT_CONFIG
from gateway.config.drafting import USER
from tests.integration.site import run_radgate

ROOT = Path(__file__).parents[2]
DEBIAN = ROOT / "conf" / "debian"
BUILD = ROOT / "tools" / "build_deb"
TEXT = BUILD.read_text()
SCRIPTS = [BUILD, ROOT / "tools" / "build_dist", *(DEBIAN / name for name in ("postinst", "prerm", "postrm"))]
PUT = re.findall(r"\bput \d+ (\S+) ([a-z]\S+)$", TEXT, re.MULTILINE)
FILES = {
    "etc/logrotate.d/radgate",
    "etc/radgate/authproxy.cfg",
    "usr/lib/systemd/system/radgate.service",
    "usr/lib/sysusers.d/radgate.conf",
    "usr/lib/sysctl.d/60-radgate.conf",
    "usr/share/doc/radgate/README.md",
    "usr/share/doc/radgate/changelog.gz",
    "usr/share/doc/radgate/copyright",
    "usr/share/lintian/overrides/radgate",
}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_shell_understands_each_script(script: Path):
    subprocess.run(["sh", "-n", script], check=True)


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script: Path):
    looked = subprocess.run(["shellcheck", script], capture_output=True, text=True)
    assert (looked.returncode, looked.stdout) == (0, "")


def test_the_files_of_the_package():
    assert {target for _, target in PUT} == FILES
    assert all((ROOT / source).is_file() for source, _ in PUT if not source.startswith('"'))


def test_what_an_administrator_changes_is_kept():
    listed = (DEBIAN / "conffiles").read_text().split()
    assert {path.removeprefix("/") for path in listed} == {path for path in FILES if path.startswith("etc/")}
    assert DEFAULT_CONFIG in listed


def test_all_that_the_control_file_leaves_open_is_filled_in():
    left_open = set(re.findall(r"@[A-Z_]+@", (DEBIAN / "control").read_text()))
    assert left_open == set(re.findall(r"s/(@[A-Z_]+@)/", TEXT))


def test_the_user_is_the_one_of_the_unit():
    for script in ("postinst", "postrm"):
        assert re.search(rf"\b(chgrp|userdel) {USER}\b", (DEBIAN / script).read_text())


@pytest.mark.skipif(shutil.which("gcc") is None or shutil.which("readelf") is None, reason="there is no gcc")
@pytest.mark.parametrize(("path", "status"), [("/home/somebody/lib", 1), ("$ORIGIN/../lib", 0)])
def test_a_module_that_names_a_folder_of_another_python_is_refused(tmp_path: Path, path: str, status: int):
    made = [
        "gcc",
        "-shared",
        "-nostdlib",
        f"-Wl,-rpath,{path}",
        "-x",
        "c",
        "/dev/null",
        "-o",
        str(tmp_path / "module.so"),
    ]
    subprocess.run(made, check=True)
    (refusing,) = re.findall(r"^refuse_paths\(\) \{.*?^\}", TEXT, re.MULTILINE | re.DOTALL)
    command = ["sh", "-c", f"{refusing}\nrefuse_paths"]
    environment = {"PATH": os.environ["PATH"], "site": str(tmp_path), "python": "/usr/bin/python3"}
    assert subprocess.run(command, env=environment, capture_output=True).returncode == status


def test_the_file_starts_nothing_until_it_is_filled_in(tmp_path: Path):
    (making,) = re.findall(r"^\s*\{ (cat conf/debian/authproxy.cfg.head .*); \} >", TEXT, re.MULTILINE)
    config = tmp_path / "authproxy.cfg"
    config.write_text(subprocess.run(["sh", "-c", making], cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    config.chmod(0o640)
    checked = run_radgate("check", "--config", str(config))
    assert checked.returncode == 2
    assert "there is nothing to serve" in checked.stdout
    config.write_text(config.read_text().replace("\n;[", "\n[").replace("\n;ikey", "\nikey"))
    assert "there is nothing to serve" not in run_radgate("check", "--config", str(config)).stdout
