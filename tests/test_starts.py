"""What a process loads without need is a part of each of its starts."""

import subprocess
import sys

import pytest

ONLY_FOR_SOME = {"cryptography", "pyrad", "certifi", "gateway.firstfactor", "gateway.fleet.client", "gateway.cli.check"}
OF_WORKERS = {"gateway.worker", "gateway.engine.engine"}
OF_THE_SUPERVISOR = {"gateway.supervisor.arbiter", "gateway.config.reading"}
LIBRARIES = {"aiohttp", "rich"}


@pytest.mark.parametrize(
    ("module", "not_loaded"),
    [
        ("gateway.cli.run", (ONLY_FOR_SOME - {"cryptography"}) | OF_WORKERS | LIBRARIES),
        ("gateway.worker.__main__", ONLY_FOR_SOME | OF_THE_SUPERVISOR | LIBRARIES | {"gateway.fleet"}),
        ("gateway.console.__main__", ONLY_FOR_SOME | OF_THE_SUPERVISOR | OF_WORKERS),
        ("gateway.cli.status", ONLY_FOR_SOME | OF_THE_SUPERVISOR | OF_WORKERS | LIBRARIES | {"asyncio"}),
        ("gateway.config.__main__", ONLY_FOR_SOME | OF_WORKERS | LIBRARIES | {"gateway.supervisor.arbiter"}),
        ("bench.lean_duo.__main__", LIBRARIES | {"gateway"}),
        ("bench.home_server", LIBRARIES | {"bench.simulator"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_process_loads_nothing_that_only_others_need(module: str, not_loaded: set[str]) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True).stdout
    assert not not_loaded & set(said.split())
