"""Files that change while a configuration is read from them: nothing of it is believed."""

from pathlib import Path

import pytest

from gateway.config import unchanged
from gateway.config.__main__ import read_outcome
from gateway.config.surroundings import FileContent, read_disk
from tests.cli.files import write_config
from tests.config.files import MINIMAL


@pytest.fixture
def config(tmp_path: Path) -> str:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text("sharedSecretOfTheDirectory")
    text = "".join(line for line in MINIMAL.splitlines(keepends=True) if not line.startswith("radius_secret_1"))
    return str(write_config(tmp_path, f"{text}radius_secret_1_file={secret}\n"))


def writes_meanwhile(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let somebody go on writing a file of that name as soon as we have read it."""

    def read(path: str) -> FileContent:
        content = read_disk(path)
        if Path(path).name == name:
            with Path(path).open("a") as file:
                file.write("\n")
        return content

    monkeypatch.setattr(unchanged, "read_disk", read)


def test_what_stays_is_read(config: str):
    outcome = read_outcome(config)
    assert outcome.problems == []
    assert outcome.settings_octets is not None


@pytest.mark.parametrize("name", ["authproxy.cfg", "secret"])
def test_what_is_being_written_is_refused(config: str, monkeypatch: pytest.MonkeyPatch, name: str):
    writes_meanwhile(monkeypatch, name)
    outcome = read_outcome(config)
    path = Path(config).with_name(name)
    assert outcome.problems == [f"{path}: it has changed while it was read; reload again once it is written"]
    assert outcome.settings_octets is None


def test_a_file_that_is_replaced_by_one_of_the_same_size_is_another(config: str):
    files = unchanged.UnchangedFiles()
    files.read(config)
    assert files.changed() == []
    new = Path(config + ".new")
    new.write_bytes(Path(config).read_bytes())
    new.rename(config)
    assert files.changed() == [config]
