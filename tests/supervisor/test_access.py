"""What is closed to another user: asked of the kernel, by a process that becomes that user."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.supervisor import access
from gateway.supervisor.access import Closed, find_closed, find_obstacle
from gateway.supervisor.identity import SAME_IDENTITY, Identity
from tests.config.certificates import certificate
from tests.config.files import MINIMAL, parse

NOBODY = Identity(65534, 65534)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter, with a program in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bin").mkdir()
        (folder / "bin" / "program").write_text("#!/bin/sh\n")
        for each in (folder, folder / "bin", folder / "bin" / "program"):
            each.chmod(0o755)
        yield folder


def test_what_is_open_is_closed_to_nobody(folder):
    program = str(folder / "bin" / "program")
    assert find_closed(NOBODY, {program: os.X_OK, str(folder): os.X_OK, str(folder / "missing"): os.R_OK}) is None


@pytest.mark.parametrize(("barrier", "mode"), [("bin", 0o700), ("bin", 0o744), ("bin/program", 0o744)])
def test_the_folder_or_file_that_is_closed_is_named(folder, barrier, mode):
    (folder / barrier).chmod(mode)
    program = str(folder / "bin" / "program")
    found = find_closed(NOBODY, {program: os.X_OK})
    assert found == Closed(program, str(folder / barrier))
    assert found.remedy == f"chmod o+{'x' if barrier == 'bin' else 'rx'} {folder / barrier}"
    assert f"{folder / barrier} is closed to it (" in str(found)


def test_a_link_into_a_closed_folder(folder):
    """As a virtual environment's interpreter is."""
    (folder / "python").symlink_to(folder / "bin" / "program")
    (folder / "bin").chmod(0o700)
    found = find_closed(NOBODY, {str(folder / "python"): os.X_OK})
    assert found == Closed(str(folder / "python"), str(folder / "bin"))


def test_groups_of_ours_are_none_of_its(folder):
    (folder / "bin").chmod(0o750)
    assert find_closed(NOBODY, {str(folder / "bin"): os.X_OK}) is not None
    os.chown(folder / "bin", 0, 65534)
    assert find_closed(NOBODY, {str(folder / "bin"): os.X_OK}) is None


def test_without_another_user_nothing_is_asked(folder):
    (folder / "bin").chmod(0)
    assert find_closed(SAME_IDENTITY, {str(folder / "bin"): os.X_OK}) is None


def test_workers_that_could_not_begin(folder, monkeypatch):
    settings = parse(f"{MINIMAL}[gateway]\nuser=nobody\n")[0]
    monkeypatch.setattr(access, "_wanted_of_installation", lambda: {str(folder / "bin" / "program"): os.X_OK})
    assert find_obstacle(settings, NOBODY) == ""
    (folder / "bin").chmod(0o700)
    assert find_obstacle(settings, NOBODY) == (
        f"nobody cannot use {folder}/bin/program: {folder}/bin is closed to it (drwx------); install radgate where "
        f"everybody may read it, in /opt/radgate say, or chmod o+x {folder}/bin"
    )


def test_trusted_roots_that_workers_cannot_read(folder, monkeypatch):
    roots = folder / "roots.pem"
    roots.write_bytes(certificate()[0])
    roots.chmod(0o600)
    text = f"[main]\nhttp_ca_certs_file={roots}\n{MINIMAL}[gateway]\nuser=nobody\n"
    settings = parse(text, files={str(roots): roots.read_bytes()})[0]
    monkeypatch.setattr(access, "_wanted_of_installation", lambda: {str(folder / "bin" / "program"): os.X_OK})
    assert find_obstacle(settings, NOBODY) == (
        f"nobody cannot use {roots}: {roots} is closed to it (-rw-------); chmod o+r {roots}"
    )
