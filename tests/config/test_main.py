"""`python -m gateway.config PATH FD`, and what it hands over."""

import os
import subprocess
import sys

import pytest

from gateway.config.__main__ import main, read_outcome
from gateway.config.problems import Severity
from gateway.config.read_outcome import (
    ReadOutcome,
    decode_outcome,
    encode_outcome,
)
from gateway.config.reading import read_settings
from gateway.config.settings import decode_settings
from tests.cli.files import write_config
from tests.config.files import MINIMAL, SKEY


def run(path: str) -> tuple[int, ReadOutcome]:
    """Run it as the supervisor does; return its exit status and the outcome."""
    descriptor = os.memfd_create("test", os.MFD_CLOEXEC)
    command = [sys.executable, "-P", "-m", "gateway.config", path, str(descriptor)]
    ended = subprocess.run(command, pass_fds=[descriptor], capture_output=True, check=False)
    assert (ended.stdout, ended.stderr) == (b"", b"")
    octets = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    os.close(descriptor)
    return ended.returncode, decode_outcome(octets)


def test_0_and_the_settings_of_a_good_file(tmp_path):
    config = write_config(tmp_path)
    status, outcome = run(config)
    assert status == 0
    assert outcome.settings_octets is not None
    assert decode_settings(outcome.settings_octets) == read_settings(config)[0]


def test_2_and_every_problem_of_a_faulty_one(tmp_path):
    config = write_config(tmp_path, MINIMAL + "port=99999\nfialmode=secure\n")
    status, outcome = run(config)
    assert status == 2
    assert outcome.settings_octets is None
    assert [line.split(": ")[0] for line in outcome.problems] == [
        f"{config}:7 [radius_server_duo_only] port",
        f"{config}:8 [radius_server_duo_only] fialmode",
    ]


def test_2_for_a_file_that_is_not_there(tmp_path):
    status, outcome = run(str(tmp_path / "missing.cfg"))
    assert status == 2
    assert outcome.problems[0].startswith(f"{tmp_path}/missing.cfg: cannot read ")


def test_warnings_are_told_beside_settings_and_beside_errors(tmp_path):
    warned = MINIMAL + "new_key_of_a_later_version=1\n"
    for text in (warned, warned + "port=99999\n"):
        config = write_config(tmp_path, text)
        (warning,) = read_outcome(config).warnings
        assert warning.startswith(f"{config}:7 [radius_server_duo_only] new_key_of_a_later_version: warning: ")


@pytest.mark.parametrize("octets", [b"", b"\x00", b"\xc1", b"\x90", b"nonsense"])
def test_octets_that_are_no_outcome_are_refused(octets):
    with pytest.raises(ValueError):
        decode_outcome(octets)


def test_the_repr_holds_no_secret(tmp_path):
    outcome = read_outcome(write_config(tmp_path))
    assert SKEY.encode() in encode_outcome(outcome)
    assert SKEY not in repr(outcome)
    assert SKEY not in str(outcome)


def test_a_mistake_of_ours_is_told_without_its_text(tmp_path, monkeypatch, capsys):
    def fail(path: str) -> ReadOutcome:
        raise ValueError(f"{path} holds {SKEY}")

    monkeypatch.setattr("gateway.config.__main__.read_outcome", fail)
    assert main([write_config(tmp_path), "-1"]) == 70
    assert capsys.readouterr().err == "ValueError in fail, an internal error\n"


def test_notes_are_no_part_of_what_a_reload_says(tmp_path):
    text = MINIMAL.replace("[radius_server_duo_only]", "[radius_server_auto]") + "client=duo_only_client\n"
    config = write_config(tmp_path, text)
    assert [each.severity for each in read_settings(config)[1]] == [Severity.NOTE]
    assert read_outcome(config).warnings == []
