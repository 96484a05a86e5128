"""`radgate files` in the source tree; tests/integration/test_package.py has it of an installation."""

from pathlib import Path

from gateway.cli import files
from tests.cli.files import run_main


def test_every_file_is_there(capsys):
    status, out, _ = run_main(capsys, "files")
    assert status == 0
    for line in out.splitlines()[::2]:
        assert Path(line.split(maxsplit=1)[1]).exists(), line


def test_one_is_told_alone_for_scripts(capsys):
    status, out, _ = run_main(capsys, "files", "unit")
    assert (status, Path(out.strip()).name) == (0, "radgate.service")


def test_an_installation_without_them_says_so(capsys, monkeypatch):
    monkeypatch.setattr(files, "shared_folder", lambda: None)
    status, out, err = run_main(capsys, "files")
    assert (status, out) == (1, "")
    assert "neither documentation nor samples" in err
