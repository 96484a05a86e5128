"""Processes of ours are told apart by `ps`, `top` and `pgrep radgate`."""

from pathlib import Path

import pytest

from tests.integration.site import Site

pytestmark = pytest.mark.integration


def name_of(pid: int | str) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def test_supervisor_workers_and_console_have_names(site: Site):
    site.start(gateway="console=127.0.0.1:0")
    supervisor = site.gateway.process.pid
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    assert name_of(supervisor) == "radgate"
    assert sorted(map(name_of, children)) == ["radgate-console", "radgate-w0", "radgate-w1"]
