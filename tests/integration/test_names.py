"""Processes of ours are told apart by `ps`, `top` and `pgrep radgate`, and the log says which version began."""

from pathlib import Path

import pytest

from gateway import __version__
from tests.integration.site import Site
from tests.integration.test_console import until

pytestmark = pytest.mark.integration

N_WORKERS = 2


def name_of(pid: int | str) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def title_of(pid: str) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0")


def names_of_children(pid: int) -> list[str]:
    return sorted(map(name_of, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def test_supervisor_workers_and_console_have_names(site: Site):
    site.start(gateway="console=127.0.0.1:0")
    supervisor = site.gateway.process.pid
    assert name_of(supervisor) == "radgate"
    until(lambda: names_of_children(supervisor) == ["radgate-console", "radgate-w0", "radgate-w1"])
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    titles = ["radgate: console", "radgate: supervisor", "radgate: worker 0", "radgate: worker 1"]
    until(lambda: sorted(map(title_of, [str(supervisor), *children])) == titles)
    first, *_ = site.log_text.splitlines()
    assert first.endswith(f"radgate {__version__} begins, pid {supervisor}, configuration file {site.config}")
