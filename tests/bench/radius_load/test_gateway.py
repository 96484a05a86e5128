"""The load generator, the gateway and the lean Duo, all as processes."""

from collections.abc import Iterator

import pytest

from bench import home_server
from bench.processes import GatewayProcess, HomeServerProcess, SimulatorProcess, gateway_config
from bench.radius_load.plan import LoadPlan, Mix, Retransmission, phases_from_text
from bench.radius_load.processes import run_load
from tests.bench.radius_load.responder import SECRET

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def duo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    with SimulatorProcess(tmp_path_factory.mktemp("duo"), module="bench.lean_duo") as duo:
        yield duo


@pytest.fixture(scope="module")
def home() -> Iterator[HomeServerProcess]:
    with HomeServerProcess("--anybody") as home:
        yield home


def test_two_controllers_are_answered_alike_and_once(tmp_path, duo):
    config = gateway_config(
        tmp_path, duo, clients=[["127.64.0.0/16"]], secret=SECRET, gateway={"workers": 2}, failmode="secure"
    )
    with GatewayProcess(config.path):
        result = run_load(
            LoadPlan(
                targets=(("127.0.0.1", config.port),),
                shared_secret=SECRET,
                phases=phases_from_text("400x0.25"),
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


@pytest.mark.parametrize(("kind", "answers_challenge"), [("auto", False), ("challenge", True)])
def test_a_password_is_typed_before_the_factor_or_in_answer_to_a_challenge(
    tmp_path, duo, home, kind, answers_challenge
):
    config = gateway_config(
        tmp_path,
        duo,
        secret=SECRET,
        gateway={"workers": 1},
        kind=kind,
        home={"host": "127.0.0.1", "port": home.port, "secret": home_server.SECRET},
        client="radius_client",
    )
    with GatewayProcess(config.path):
        result = run_load(
            LoadPlan(
                targets=(("127.0.0.1", config.port),),
                shared_secret=SECRET,
                phases=phases_from_text("100x0.2"),
                mix=Mix(passcode=0.5, wrong_passcode=0.5),
                password="correct horse",
                answers_challenge=answers_challenge,
                retransmission=Retransmission(first_s=60, max_s=60),
                drain_s=60.0,
            )
        )
    assert (result.planned, result.unsent, result.answered, result.unexpected) == (20, 0, 20, 0)
    assert result.record.counts["challenges"] == (20 if answers_challenge else 0)
