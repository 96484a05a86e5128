"""A running gateway can be reached whatever has become of its file."""

import pytest

from gateway.config.control_address import (
    ControlAddress,
    read_control_address,
)
from gateway.config.problems import ConfigError
from gateway.config.reading import read_settings
from tests.cli.files import write_config
from tests.config.files import MINIMAL


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL,
        f"{MINIMAL}[gateway]\nrun_dir=run\ndrain_timeout_s=5\n",
        f"[main]\nrun_dir=/main\ndrain_timeout_s=6\n{MINIMAL}",
        f"[main]\nrun_dir=/main\n{MINIMAL}[gateway]\nrun_dir=/gateway\n",
        f"{MINIMAL}[gateway]\nrun_dir=\n",
    ],
)
def test_a_good_file_is_read_as_the_gateway_reads_it(tmp_path, text):
    config = write_config(tmp_path, text)
    settings = read_settings(config)[0].gateway
    assert read_control_address(config) == ControlAddress(settings.run_dir, settings.drain_timeout_s)


@pytest.mark.parametrize(
    "text",
    [
        "[gateway]\nrun_dir=/there\ndrain_timeout_s=5\n",
        "[gateway]\nrun_dir=/there\ndrain_timeout_s=5\nworkers=many\nconsol=off\nneither section nor key\n",
        "stray=1\n[gateway]\nrun_dir=/there\ndrain_timeout_s=5\n[gateway]\nrun_dir=/elsewhere\n",
        f"{MINIMAL}fialmode=secure\n[gateway]\nrun_dir=/there\nrun_dir=/elsewhere\ndrain_timeout_s=5\n",
    ],
    ids=["nothing to serve", "mistakes", "a section twice", "mistyped"],
)
def test_a_faulty_file_tells_where_the_gateway_is_all_the_same(tmp_path, text):
    config = write_config(tmp_path, text)
    with pytest.raises(ConfigError):
        read_settings(config)
    assert read_control_address(config) == ControlAddress("/there", 5.0)


def test_a_value_that_cannot_be_used_is_the_default(tmp_path):
    default = read_control_address(write_config(tmp_path, ""))
    assert read_control_address(write_config(tmp_path, "[gateway]\ndrain_timeout_s=soon\n")) == default
    assert default.drain_timeout_s == 70.0


@pytest.mark.parametrize("run_dir", ["%d/run", "/run/" + 90 * "x", "é" * 47])
def test_where_to_ask_is_never_guessed(tmp_path, monkeypatch, run_dir):
    """Another gateway may be at the default."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    config = write_config(tmp_path, f"{MINIMAL}[gateway]\ndrain_timeout_s=5\nrun_dir={run_dir}\n")
    for read in (read_control_address, read_settings):
        with pytest.raises(ConfigError, match=rf"{config}:9 \[gateway\] run_dir: "):
            read(config)


@pytest.mark.parametrize("octets", [b"\x7fELF\0", MINIMAL.encode("utf-16")])
def test_what_is_no_configuration_at_all_is_said_to_be_none(tmp_path, octets):
    (tmp_path / "x.cfg").write_bytes(octets)
    with pytest.raises(ConfigError):
        read_control_address(tmp_path / "x.cfg")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"x\.cfg: cannot read .*No such file"):
        read_control_address(tmp_path / "x.cfg")
