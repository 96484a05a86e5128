"""The Compose file with two gateways: its files pass `radgate check`, its services agree. No container is run here."""

import runpy
import shlex
from pathlib import Path
from typing import Any

import pytest

from bench.processes import SimulatorProcess
from bench.simulator.__main__ import _parser
from gateway.cli.main import build_parser
from gateway.config.reading import read_settings
from gateway.config.surroundings import read_configuration
from tests.conf.yaml_files import read_yaml
from tests.integration.site import run_radgate

FOLDER = Path(__file__).parents[2] / "conf/container"
PREPARE = runpy.run_path(str(FOLDER / "fleet/prepare.py"))
TEXT = (FOLDER / "compose.fleet.yaml").read_text()


@pytest.fixture(scope="module")
def compose() -> Any:
    return read_yaml(TEXT)


@pytest.mark.integration
def test_what_is_prepared_passes_the_check(tmp_path):
    with SimulatorProcess(tmp_path / "duo"):
        PREPARE["prepare"](tmp_path)
        for gateway in PREPARE["GATEWAYS"]:
            path = str(tmp_path / f"{gateway['name']}.cfg")
            said = run_radgate("check", "--strict", "--config", path)
            assert said.returncode == 0, said.stdout
            settings, problems = read_settings(path, read_configuration(path))
            assert problems == []
            assert settings.fleet is not None
            assert settings.fleet.name == gateway["name"]
            assert settings.servers[0].port == gateway["port"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.glob("*") if path.is_file())


def test_both_gateways_are_of_one_fleet_and_apart_in_all_else():
    a, b = PREPARE["GATEWAYS"]
    assert all(a[key] != b[key] for key in a)
    assert {f"gw-{letter}" for letter in "ab"} == {a["name"], b["name"]}
    for each in (a, b):
        assert f"http://127.0.0.1:{each['console']}/" in TEXT
        assert f"/shared/{each['name']}.cfg" in TEXT


def test_the_ports_that_are_named_agree():
    template = (FOLDER / "fleet/authproxy.cfg").read_text()
    assert '"--port", "16379"' in TEXT
    assert "engine=redis://127.0.0.1:16379\n" in template
    assert '"--port", "18443"' in TEXT
    assert "api_host=127.0.0.1:18443\n" in template
    assert TEXT.count("18080") == 3


def test_commands_are_ones_that_there_are(compose):
    services = compose["services"]
    assert _parser().parse_args(services["duo"]["command"]).control_port == 18080
    parser = build_parser()
    for line in TEXT.splitlines():
        if "exec gw-" in line:
            assert parser.parse_args(shlex.split(line.partition("radgate ")[2])).command


def test_every_service_is_confined_and_what_it_waits_for_is_there(compose):
    services = compose["services"]
    assert set(services) == {"gw-a", "gw-b", "store", "duo", "prepare"}
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert set(service.get("depends_on", {})) <= set(services)
    assert services["gw-a"]["volumes"] == ["shared:/shared:ro"]
