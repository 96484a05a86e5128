"""Who runs where, and which RADIUS clients the sections have."""

from types import SimpleNamespace

import pytest

from bench.processes import Program
from bench.scenario import read_scenario
from bench.stage import Placement, Stage, clients_of, place

SCENARIO = """
[scenario]
question = Does it work?
[load]
phases = 100x1
"""


@pytest.mark.parametrize(
    ("n_workers", "cores", "placement"),
    [
        (1, (0, 1), Placement((0,), (1,), (1,))),
        (2, (4, 5, 6, 7), Placement((4, 5), (7,), (6, 7))),
        (2, (0, 1), Placement((), (), (0, 1))),  # the kernel decides
        (1, (3,), Placement((), (), (3,))),
    ],
)
def test_each_worker_has_a_core_while_one_is_left_for_the_others(n_workers, cores, placement):
    assert place(n_workers, cores) == placement


def test_one_section_has_all_nas_as_one_client():
    assert clients_of(read_scenario(SCENARIO + "source_network = 127.64.0.0/16\n", "a.ini")) == [["127.64.0.0/16"]]


def test_several_sections_share_the_nas_and_none_is_in_two():
    text = SCENARIO + "source_network = 127.64.0.0/16\nn_nas = 7\n[directories]\nsections = 3\n"
    sections = clients_of(read_scenario(text, "a.ini"))
    assert [len(clients) for clients in sections] == [3, 2, 2]
    addresses = [address for clients in sections for address in clients]
    assert sorted(addresses) == [f"127.64.0.{number}" for number in range(1, 8)]


def test_how_a_gateway_ended_before_its_time_is_known_and_what_it_said(tmp_path):
    stage = Stage(read_scenario(SCENARIO, "a.ini"), 1)
    stage._folder = tmp_path
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "authproxy.log").write_text("all is well\n")
    with Program(["timeit", "1/0"], stream="stderr") as stage.gateway:
        stage.gateway.process.wait(30)
        assert stage.gateway_end() == "exit status 1; it last said: ZeroDivisionError: division by zero"
        assert stage.mistakes() == ["Traceback (most recent call last):"]


@pytest.mark.parametrize(("status", "told"), [(None, ""), (-9, "killed by SIGKILL; it last said: radgate ready")])
def test_a_gateway_that_serves_has_not_ended_and_one_that_was_killed_has(status, told):
    stage = Stage(read_scenario(SCENARIO, "a.ini"), 1)
    stage.gateway = SimpleNamespace(process=SimpleNamespace(poll=lambda: status), heard=lambda: "radgate ready\n")
    assert stage.gateway_end() == told
