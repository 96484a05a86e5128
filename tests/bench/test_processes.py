"""The configurations that the bench writes."""

import stat
from types import SimpleNamespace

import pytest

from bench.processes import SECRET, OneWorker, SimulatorProcess, StartError, gateway_config
from gateway.config.reading import read_settings

IKEY, SKEY = "DIABCDEFGHIJKLMNOPQR", "k3yOfTheSimulatorThatNobodyElseHasAtAll0"
DUO = SimpleNamespace(ca="system", ikey=IKEY, secret_key=SKEY, api_host="127.0.0.1:4430")


def test_a_configuration_says_to_the_gateway_what_was_meant(tmp_path):
    clients = [["127.64.0.0/16", "10.0.0.1"], ["10.0.0.2"]]
    config = gateway_config(tmp_path / "new", DUO, clients=clients, gateway={"workers": 3}, failmode="secure")
    assert stat.S_IMODE(config.path.stat().st_mode) == 0o600
    settings, problems = read_settings(config.path)
    assert problems == []
    assert settings.gateway.workers == 3
    assert settings.gateway.run_dir == str(config.run_dir)
    assert [[client.networks for client in server.clients] for server in settings.servers] == [
        [("127.64.0.0/16",), ("10.0.0.1/32",)],
        [("10.0.0.2/32",)],
    ]
    for server in settings.servers:
        assert (server.port, server.application.ikey, server.fail_mode.value) == (config.port, DUO.ikey, "secure")
        assert {client.shared_secret.octets for client in server.clients} == {SECRET.encode()}


@pytest.mark.integration
def test_a_gateway_that_is_to_have_one_worker_and_has_two_is_ended(tmp_path):
    with SimulatorProcess(tmp_path / "duo", module="bench.lean_duo") as duo:
        config = gateway_config(tmp_path, duo, gateway={"workers": 2})
        with pytest.raises(StartError, match="not one worker"):
            OneWorker(config.path)
        assert not (config.run_dir / "control.sock").exists()
