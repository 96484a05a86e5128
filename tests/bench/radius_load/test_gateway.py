"""The load generator, the gateway and the lean Duo, all as processes."""

import pytest

from bench.processes import GatewayProcess, SimulatorProcess, free_udp_port
from bench.radius_load import LoadPlan, Mix, Retransmission, phases_from_text, run_load
from tests.bench.radius_load.responder import SECRET

CONFIG = """\
[main]
http_ca_certs_file={ca}
log_dir={folder}/log
[radius_server_duo_only]
ikey={ikey}
skey={skey}
api_host={api_host}
radius_ip_1=127.64.0.0/16
radius_secret_1={secret}
port={port}
failmode=secure
[gateway]
workers=2
console=off
run_dir={folder}/run
"""

pytestmark = pytest.mark.integration


def test_two_controllers_are_answered_alike_and_once(tmp_path):
    port = free_udp_port()
    with SimulatorProcess(tmp_path / "duo", module="bench.lean_duo") as duo:
        config = duo.write_config(tmp_path / "authproxy.cfg", CONFIG, folder=tmp_path, secret=SECRET, port=port)
        with GatewayProcess(config):
            result = run_load(
                LoadPlan(
                    targets=(("127.0.0.1", port),),
                    shared_secret=SECRET,
                    phases=phases_from_text("100x1"),
                    mix=Mix(passcode=0.6, push=0.4),
                    source_network="127.64.0.0/16",
                    retransmission=Retransmission(first_s=2, max_s=4, tries=6, jitter=0.1, controllers=2),
                    n_nas=16,
                    n_processes=2,
                    drain_s=30.0,
                )
            )
    assert (result.planned, result.unsent, result.answered, result.unexpected) == (100, 0, 100, 0)
    assert result.record.counts["packets_sent"] == 200 + result.retransmissions
    assert (result.invalid, result.unsigned, result.double_answers, result.record.counts["contradictions"]) == (0,) * 4
